//! One serial line for everything: text, defmt frames and control frames.
//!
//! A board with a single UART sends console text and machine-readable frames
//! down the same wire. `FF` starts an escape, because UTF-8 text never holds
//! that byte:
//!
//! | bytes | meaning |
//! |---|---|
//! | `FF 00` ... `00` | a defmt frame (rzCOBS, so free of zero bytes), zero-ended |
//! | `FF 01` ... `00` | a control frame (COBS of kind, body and CRC-32), zero-ended |
//! | `FF 1n` | the following text belongs to channel n: partition n, or 15 for ours |
//! | `FF FF` | the byte `FF` itself, as text |
//!
//! A frame interrupts text without changing its channel. Inside a frame `FF` has
//! no meaning and the zero byte ends it, so a reader that lost bytes is in step
//! again after at most one frame. `defmt-print` reads the same stream and merely
//! skips the text. The first frame sent is [`Hello`]: it carries the build id,
//! without which defmt frames cannot be decoded.
//! Also called: console multiplexing, framing, mixed stream.

mod cobs;
mod decode;
mod encode;

pub use decode::{Damage, Decoder, Event};
pub use encode::{control, hello, select, text};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// First byte of every escape.
pub const ESCAPE: u8 = 0xff;
/// Starts a defmt frame; [`FRAME_END`] ends it.
pub const DEFMT_START: [u8; 2] = [ESCAPE, 0x00];
/// Starts a control frame; [`FRAME_END`] ends it.
pub const CONTROL_START: [u8; 2] = [ESCAPE, 0x01];
/// Ends a frame.
pub const FRAME_END: u8 = 0x00;
/// Longest control body: one COBS block (254 bytes) without kind and checksum.
pub const MAX_BODY: usize = 254 - 1 - 4;
/// Longest control frame on the wire: escape, COBS code byte, block, end.
pub const MAX_CONTROL: usize = 2 + 1 + 254 + 1;

/// Whose text follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(transparent)]
pub struct Channel(u8);

impl Channel {
    /// The hypervisor itself: boot text and the control shell. A stream starts
    /// on this channel.
    pub const OURS: Self = Self(15);

    /// Partition 0 to 14 in plan order; `None` above.
    pub const fn partition(index: u8) -> Option<Self> {
        if index < 15 { Some(Self(index)) } else { None }
    }

    /// The partition, or `None` for our own text.
    pub const fn index(self) -> Option<u8> {
        if self.0 < 15 { Some(self.0) } else { None }
    }
}

/// What a control frame is about. Open: a newer image may send others, which a
/// reader passes over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(transparent)]
pub struct ControlKind(pub u8);

impl ControlKind {
    /// [`Hello`], the first frame after power-on.
    pub const HELLO: Self = Self(1);
    /// [`crate::epitaph::Epitaph`] in pieces: see [`EpitaphPiece`].
    pub const EPITAPH: Self = Self(2);
    /// One line of JSON, UTF-8: an answer for a rig.
    pub const JSON: Self = Self(3);
}

/// Layout version of this stream.
pub const STREAM_VERSION: u8 = 1;
/// Most bytes of a build id (SHA-1 as the linker writes it).
pub const BUILD_ID_LEN: usize = 20;

/// Body of the first control frame: which image talks, and how fast its clock is.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Hello {
    /// [`STREAM_VERSION`].
    pub version: u8,
    /// Bytes of `build_id` that count; 0 for an image without one.
    pub build_id_len: u8,
    /// Reserved, zero.
    pub reserved: [u8; 2],
    /// Time-stamp counter frequency in kHz; 0 while unknown.
    pub tsc_khz: u32,
    /// GNU build id of the image's ELF file.
    pub build_id: [u8; BUILD_ID_LEN],
}

impl Hello {
    /// For the image with this build id; a longer one is cut.
    pub fn new(build_id: &[u8], tsc_khz: u32) -> Self {
        let mut hello = Self {
            version: STREAM_VERSION,
            build_id_len: build_id.len().min(BUILD_ID_LEN) as u8,
            reserved: [0; 2],
            tsc_khz,
            build_id: [0; BUILD_ID_LEN],
        };
        for (to, from) in hello.build_id.iter_mut().zip(build_id) {
            *to = *from;
        }
        hello
    }

    /// From a control body; `None` when it is not a hello of this version.
    pub fn read(body: &[u8]) -> Option<Self> {
        let hello = Self::read_from_bytes(body).ok()?;
        let sound =
            hello.version == STREAM_VERSION && usize::from(hello.build_id_len) <= BUILD_ID_LEN;
        sound.then_some(hello)
    }

    /// The build id's bytes.
    pub fn build_id(&self) -> &[u8] {
        self.build_id
            .get(..usize::from(self.build_id_len))
            .unwrap_or(&[])
    }
}

/// Head of a piece of an epitaph, which is longer than one frame: `offset` into
/// the record, then as many bytes as the body has left.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct EpitaphPiece {
    /// Partition in plan order.
    pub partition: u16,
    /// First byte of the record that follows this head.
    pub offset: u16,
}

const _: () = assert!(size_of::<Hello>() == 28);
const _: () = assert!(core::mem::offset_of!(Hello, build_id) == 8);
const _: () = assert!(size_of::<EpitaphPiece>() == 4);

//! The epitaph: what a partition was doing when it died.
//!
//! Written once by the core whose vCPU could not go on, kept until the partition
//! is started again, printed by the control console and sent to the host tool in
//! pieces. Fixed layout, little-endian, no pointers, no padding.
//! Also called: crash record, crash dump, post-mortem.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::plan::NAME_LEN;

/// First eight bytes of a record.
pub const MAGIC: [u8; 8] = *b"BULKEPIT";
/// Layout version.
pub const VERSION: u32 = 1;
/// Exits kept, the newest last. Sixteen cover a page fault, its APIC traffic and
/// the device access that led to it.
pub const EXITS: usize = 16;
/// Instruction bytes kept: the longest instruction is 15.
pub const CODE_LEN: usize = 15;

/// Why the partition died. Open: a record may come from a newer image.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(transparent)]
pub struct Reason(pub u32);

impl Reason {
    /// The guest's CPU shut down: a triple fault.
    pub const TRIPLE_FAULT: Self = Self(1);
    /// An exit that nobody handles.
    pub const UNKNOWN_EXIT: Self = Self(2);
    /// The CPU refused the guest's state at entry.
    pub const INVALID_STATE: Self = Self(3);
    /// An instruction that touches a device could not be decoded.
    pub const DECODE: Self = Self(4);
    /// An access outside RAM and devices; `info2` is the address.
    pub const OUTSIDE_MEMORY: Self = Self(5);
    /// A machine check while the guest ran.
    pub const MACHINE_CHECK: Self = Self(6);
    /// An image could not be loaded; no vCPU ever ran.
    pub const IMAGE: Self = Self(7);
    /// Every vCPU is halted with interrupts off: nothing can wake the guest.
    pub const ALL_HALTED: Self = Self(8);
    /// An instruction or MSR the guest was told it does not have and that no
    /// fault can express.
    pub const UNSUPPORTED: Self = Self(9);
    /// A mistake of ours, found before it did harm.
    pub const HYPERVISOR: Self = Self(10);
    /// Stopped from the console: nothing went wrong, this is where it was.
    pub const STOPPED: Self = Self(11);
}

/// One segment register.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Segment {
    /// Selector.
    pub selector: u16,
    /// Attributes as the VMCB packs them (24593 section 15.5.1).
    pub attributes: u16,
    /// Limit in bytes.
    pub limit: u32,
    /// Base address.
    pub base: u64,
}

/// One exit of the dead vCPU.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct PastExit {
    /// Exit code (24593 appendix C).
    pub code: u64,
    /// Guest RIP.
    pub rip: u64,
    /// Host time-stamp counter.
    pub tsc: u64,
}

/// The record.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Epitaph {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: u32,
    /// Bytes of the record.
    pub length: u32,
    /// The partition's name, zero padded.
    pub partition: [u8; NAME_LEN],
    /// Why.
    pub reason: Reason,
    /// The vCPU that could not go on.
    pub vcpu: u32,
    /// Its host core.
    pub core: u32,
    /// Host time-stamp counter frequency in kHz; 0 when unknown.
    pub tsc_khz: u32,
    /// Host time-stamp counter at the partition's start.
    pub started: u64,
    /// Host time-stamp counter at its death.
    pub died: u64,
    /// Last exit code (24593 appendix C).
    pub exit_code: u64,
    /// First word of exit information.
    pub info1: u64,
    /// Second word of exit information.
    pub info2: u64,
    /// Event that was being delivered when the exit came (EXITINTINFO).
    pub exit_int_info: u64,
    /// Instruction pointer.
    pub rip: u64,
    /// Flags.
    pub rflags: u64,
    /// Control register 0.
    pub cr0: u64,
    /// Control register 2.
    pub cr2: u64,
    /// Control register 3.
    pub cr3: u64,
    /// Control register 4.
    pub cr4: u64,
    /// Extended features.
    pub efer: u64,
    /// RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15: the order in which
    /// instructions number them.
    pub gprs: [u64; 16],
    /// ES, CS, SS, DS, FS, GS: the order in which instructions number them.
    pub segments: [Segment; 6],
    /// Base of the interrupt table.
    pub idt_base: u64,
    /// Base of the descriptor table.
    pub gdt_base: u64,
    /// Restarts of the partition before this death.
    pub restarts: u32,
    /// Entries of `exits` that count, the first ones.
    pub exit_count: u32,
    /// The latest exits, the newest last.
    pub exits: [PastExit; EXITS],
    /// Bytes at RIP.
    pub code: [u8; CODE_LEN],
    /// Bytes of `code` that could be read.
    pub code_len: u8,
}

impl Epitaph {
    /// A record with its head filled in and nothing else.
    pub fn zeroed() -> Self {
        let mut record = <Self as zerocopy::FromZeros>::new_zeroed();
        record.magic = MAGIC;
        record.version = VERSION;
        record.length = size_of::<Self>() as u32;
        record
    }

    /// From bytes; `None` when they are no record of this version.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let record = Self::read_from_bytes(bytes).ok()?;
        let ours = record.magic == MAGIC && record.version == VERSION;
        (ours && record.length as usize == size_of::<Self>()).then_some(record)
    }

    /// The exits that count, the oldest first.
    pub fn exits(&self) -> &[PastExit] {
        let count = (self.exit_count as usize).min(EXITS);
        self.exits.get(..count).unwrap_or(&[])
    }

    /// The bytes at RIP that could be read.
    pub fn code(&self) -> &[u8] {
        let count = usize::from(self.code_len).min(CODE_LEN);
        self.code.get(..count).unwrap_or(&[])
    }

    /// Time-stamp ticks from start to death.
    pub const fn lifetime(&self) -> u64 {
        self.died.saturating_sub(self.started)
    }
}

const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<Segment>() == 16);
    assert!(size_of::<PastExit>() == 24);
    assert!(offset_of!(Epitaph, reason) == 32);
    assert!(offset_of!(Epitaph, exit_code) == 64);
    assert!(offset_of!(Epitaph, rip) == 96);
    assert!(offset_of!(Epitaph, gprs) == 152);
    assert!(offset_of!(Epitaph, segments) == 280);
    assert!(offset_of!(Epitaph, exits) == 400);
    assert!(offset_of!(Epitaph, code) == 784);
    assert!(size_of::<Epitaph>() == 800);
};

//! The emulator's configuration device: its directory and its transfer words.
//!
//! QEMU answers questions about the machine through numbered items; item 0x19 is
//! a directory of named ones. Integers in the directory and in the transfer
//! descriptor are big-endian.

use crate::bytes::{array, be16, be32, until_zero};

/// Item that holds the four letters `QEMU`.
pub const SIGNATURE: u16 = 0x00;
/// Item whose bit 1 says that transfers by descriptor work.
pub const FEATURES: u16 = 0x01;
/// Item with the number of processors that run after reset (16 bit).
pub const CPU_COUNT: u16 = 0x05;
/// Item with the directory.
pub const DIRECTORY: u16 = 0x19;
/// Bytes of one directory entry.
pub const ENTRY_BYTES: usize = 64;
/// Longest file name, as an array size.
pub const NAME_BYTES: usize = 56;

/// A named item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Number to select it by.
    pub item: u16,
    /// Bytes in it.
    pub size: u32,
    /// Zero-padded name.
    pub name: [u8; NAME_BYTES],
}

impl File {
    /// The file described by one directory entry.
    pub fn from_entry(entry: &[u8]) -> Option<Self> {
        Some(Self {
            size: be32(entry, 0)?,
            item: be16(entry, 4)?,
            name: array(entry, 8)?,
        })
    }

    /// Whether this is the file called `name`.
    pub fn is(&self, name: &[u8]) -> bool {
        until_zero(&self.name) == name
    }
}

/// What a transfer descriptor asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Device to memory.
    Read,
    /// Memory to device.
    Write,
    /// Move the position only.
    Skip,
}

/// Bit of the control word that the device sets when it refused.
pub const CONTROL_ERROR: u32 = 1 << 0;

/// The 16 descriptor bytes: control, length, address. `select` chooses an item
/// and rewinds it first.
pub fn descriptor(what: Transfer, select: Option<u16>, length: u32, address: u64) -> [u8; 16] {
    let verb = match what {
        Transfer::Read => 1 << 1,
        Transfer::Skip => 1 << 2,
        Transfer::Write => 1 << 4,
    };
    let select = select.map_or(0, |item| u32::from(item) << 16 | 1 << 3);
    let mut words = [0; 16];
    words[0..4].copy_from_slice(&(verb | select).to_be_bytes());
    words[4..8].copy_from_slice(&length.to_be_bytes());
    words[8..16].copy_from_slice(&address.to_be_bytes());
    words
}

//! A multiboot image as pieces to copy and a first instruction.

use heapless::Vec;

use super::elf32;
use super::header::{self, Addresses};

/// Most loadable pieces of one image.
pub const MAX_PIECES: usize = 16;

/// Why an image cannot be loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImageFault {
    /// No multiboot header in the first 8 KiB.
    NoHeader,
    /// The header requests something that is not served (video modes).
    UnknownRequest {
        /// Its flags word.
        flags: u32,
    },
    /// The image ends before something it announces does.
    Truncated,
    /// Neither addresses in the header nor an ELF executable for i386.
    NotElf,
    /// An ELF64 file: multiboot images are ELF32, by `objcopy -O elf32-i386`.
    Elf64,
    /// More loadable segments than are kept.
    TooManySegments {
        /// How many are.
        max: usize,
    },
    /// The first instruction is in none of the segments.
    EntryOutside,
    /// The header's addresses contradict each other.
    BadAddresses,
}

/// Bytes to copy and, behind them, bytes to zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Guest-physical address.
    pub at: u32,
    /// Where the bytes start in the image.
    pub offset: usize,
    /// Bytes to copy.
    pub file_len: u32,
    /// Bytes in memory, not less than `file_len`; the rest is zeroed.
    pub memory_len: u32,
}

/// What to load. `file_len` bytes from `offset` of every piece exist in the
/// image it was parsed from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// Physical address of the first instruction.
    pub entry: u32,
    /// What to copy, in the image's order.
    pub pieces: Vec<Piece, MAX_PIECES>,
}

impl Image {
    pub(super) const fn new(entry: u32) -> Self {
        Self {
            entry,
            pieces: Vec::new(),
        }
    }

    /// Reads a multiboot image: its own addresses if it has some, else ELF32.
    pub fn parse(image: &[u8]) -> Result<Self, ImageFault> {
        let header = header::find(image)?;
        match header.addresses {
            Some(addresses) => Self::from_addresses(image, header.offset, addresses),
            None => elf32::read(image),
        }
    }

    fn from_addresses(
        image: &[u8],
        header_offset: usize,
        to: Addresses,
    ) -> Result<Self, ImageFault> {
        use ImageFault::BadAddresses;
        let before = to.header.checked_sub(to.load).ok_or(BadAddresses)? as usize;
        let offset = header_offset.checked_sub(before).ok_or(BadAddresses)?;
        let available = image.len().saturating_sub(offset);
        let len = match to.load_end {
            0 => u32::try_from(available).map_err(|_| BadAddresses)?,
            end => end.checked_sub(to.load).ok_or(BadAddresses)?,
        };
        if len as usize > available {
            return Err(ImageFault::Truncated);
        }
        let end = to.load.checked_add(len).ok_or(BadAddresses)?;
        let memory_len = match to.bss_end {
            0 => len,
            bss_end if bss_end >= end => bss_end - to.load,
            _ => return Err(BadAddresses),
        };
        if to
            .entry
            .checked_sub(to.load)
            .is_none_or(|inside| inside >= len)
        {
            return Err(ImageFault::EntryOutside);
        }
        let mut found = Self::new(to.entry);
        let piece = Piece {
            at: to.load,
            offset,
            file_len: len,
            memory_len,
        };
        found
            .pieces
            .push(piece)
            .map_err(|_| ImageFault::TooManySegments { max: MAX_PIECES })?;
        Ok(found)
    }
}

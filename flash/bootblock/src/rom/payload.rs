//! SELF: the segments of a payload.
//!
//! `cbfstool add-payload` keeps the loadable parts of an ELF file as big-endian
//! records of 28 bytes before the stored bytes. The list ends with the entry
//! record. All segments are checked against the memory map before the first one
//! is written, as coreboot does; unlike coreboot, no segment is let through
//! because it lies under 1 MiB, and none is cut down to 32 address bits.
//!
//! Also called: simple ELF, CBFS payload, selfboot.

use super::{lz4_frame, lzma};
use crate::bytes::{array, be32, be64};
use crate::memory_map::MemoryMap;

const RECORD_BYTES: usize = 28;

/// How a segment's bytes are stored, with the number CBFS gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As they are (0).
    Plain,
    /// LZMA with the 13-byte header (1).
    Lzma,
    /// One LZ4 frame (2).
    Lz4,
}

/// One record of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Bytes to put at `address`, zeros after them up to `memory` bytes.
    Load {
        /// Physical address.
        address: u64,
        /// Bytes it occupies in memory.
        memory: u32,
        /// How `stored` is packed.
        compression: Compression,
        /// Bytes in the ROM.
        stored: &'a [u8],
    },
    /// Zeros only.
    Zero {
        /// Physical address.
        address: u64,
        /// Bytes to clear.
        memory: u32,
    },
    /// A note for humans; nothing to load.
    Parameters,
    /// Where to jump; the last record.
    Entry(u64),
}

/// Why a payload cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The list ends before its entry record.
    NoEntry,
    /// A record has a type outside the format.
    UnknownSegment(u32),
    /// A record names a compression this loader does not have.
    UnknownCompression(u32),
    /// A segment's stored bytes reach beyond the file.
    StoredOutsideFile,
    /// A segment does not lie in RAM entirely.
    NotRam {
        /// First address of the segment.
        start: u64,
        /// First address after it.
        end: u64,
    },
    /// More stored bytes than memory for them.
    LargerThanItsMemory,
    /// The LZMA stream is not good.
    Lzma(lzma::Error),
    /// The LZ4 frame is not good.
    Lz4(lz4_frame::Error),
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoEntry => f.write_str("SELF: the segment list ends without an entry point."),
            Self::UnknownSegment(kind) => write!(f, "SELF: unknown segment type {kind:#010x}."),
            Self::UnknownCompression(n) => write!(f, "SELF: compression {n} is not supported."),
            Self::StoredOutsideFile => f.write_str("SELF: a segment reaches beyond its file."),
            Self::NotRam { start, end } => {
                write!(f, "SELF segment doesn't target RAM: {start:#x}-{end:#x}")
            }
            Self::LargerThanItsMemory => {
                f.write_str("SELF: a segment holds more bytes than it has memory for.")
            }
            Self::Lzma(e) => write!(f, "LZMA: {e}"),
            Self::Lz4(e) => write!(f, "LZ4: {e}"),
        }
    }
}

/// A payload file.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    file: &'a [u8],
}

impl<'a> Payload<'a> {
    /// Takes a CBFS file of type SELF.
    pub const fn new(file: &'a [u8]) -> Self {
        Self { file }
    }

    /// The records up to and including the entry. After an error or the entry the
    /// iterator is at its end.
    pub fn segments(&self) -> impl Iterator<Item = Result<Segment<'a>, Error>> + use<'a> {
        let file = self.file;
        let mut at = Some(0);
        core::iter::from_fn(move || {
            let here = at.take()?;
            let segment = segment_at(file, here);
            if !matches!(segment, Ok(Segment::Entry(_)) | Err(_)) {
                at = Some(here + RECORD_BYTES);
            }
            Some(segment)
        })
    }

    /// Checks every segment against `map`; the entry address when all are good.
    pub fn check(&self, map: &MemoryMap) -> Result<u64, Error> {
        for segment in self.segments() {
            let (address, memory) = match segment? {
                Segment::Load {
                    address, memory, ..
                }
                | Segment::Zero { address, memory } => (address, memory),
                Segment::Parameters => continue,
                Segment::Entry(address) => return Ok(address),
            };
            let (start, end) = (address, address.saturating_add(u64::from(memory)));
            if end > 1 << 32 || !map.is_ram(start, end) {
                return Err(Error::NotRam { start, end });
            }
        }
        Err(Error::NoEntry)
    }
}

fn segment_at(file: &[u8], at: usize) -> Result<Segment<'_>, Error> {
    let record: [u8; RECORD_BYTES] = array(file, at).ok_or(Error::NoEntry)?;
    let word = |at| be32(&record, at).ok_or(Error::NoEntry);
    let (kind, compression, offset) = (word(0)?, word(4)?, word(8)? as usize);
    let address = be64(&record, 12).ok_or(Error::NoEntry)?;
    let (length, memory) = (word(20)? as usize, word(24)?);
    match &kind.to_be_bytes() {
        b"CODE" | b"DATA" => {
            let stored = offset
                .checked_add(length)
                .and_then(|end| file.get(offset..end));
            Ok(Segment::Load {
                address,
                memory,
                compression: match compression {
                    0 => Compression::Plain,
                    1 => Compression::Lzma,
                    2 => Compression::Lz4,
                    other => return Err(Error::UnknownCompression(other)),
                },
                stored: stored.ok_or(Error::StoredOutsideFile)?,
            })
        }
        b"BSS " => Ok(Segment::Zero { address, memory }),
        b"PARA" => Ok(Segment::Parameters),
        b"ENTR" => Ok(Segment::Entry(address)),
        _ => Err(Error::UnknownSegment(kind)),
    }
}

/// Unpacks `stored` into `memory` and clears what is left of it.
pub fn unpack(compression: Compression, stored: &[u8], memory: &mut [u8]) -> Result<(), Error> {
    let filled = match compression {
        Compression::Plain => {
            let head = memory
                .get_mut(..stored.len())
                .ok_or(Error::LargerThanItsMemory)?;
            head.copy_from_slice(stored);
            stored.len()
        }
        Compression::Lzma => lzma::decode(stored, memory).map_err(Error::Lzma)?,
        Compression::Lz4 => lz4_frame::decode(stored, memory).map_err(Error::Lz4)?,
    };
    if let Some(rest) = memory.get_mut(filled..) {
        rest.fill(0);
    }
    Ok(())
}

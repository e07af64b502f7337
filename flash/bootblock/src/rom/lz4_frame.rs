//! LZ4 frames as `cbfstool` writes them, unpacked by `lz4_flex`'s block decoder.
//!
//! The crate's own frame reader needs `std`; the frame around the blocks is a
//! dozen bytes. Blocks must be independent, as coreboot's loader demands too.
//! Checksums are stepped over: the ROM is a file on the build host.

use crate::bytes::le32;

const MAGIC: u32 = 0x184d_2204;

/// Why a frame cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The frame's first bytes are not those of LZ4 version 1.
    Header,
    /// Blocks refer to earlier blocks, or to a dictionary.
    LinkedBlocks,
    /// The bytes end inside the frame.
    Truncated,
    /// A block does not decode, or not into the memory there is.
    Block,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Header => "not an LZ4 frame.",
            Self::LinkedBlocks => "linked blocks are not supported.",
            Self::Truncated => "the stream ends too early.",
            Self::Block => "a block is damaged or too large for its memory.",
        })
    }
}

/// Unpacks `frame` into the beginning of `out`; the number of bytes written.
pub fn decode(frame: &[u8], out: &mut [u8]) -> Result<usize, Error> {
    let flags = *frame.get(4).ok_or(Error::Truncated)?;
    if le32(frame, 0) != Some(MAGIC) || flags >> 6 != 1 {
        return Err(Error::Header);
    }
    if flags & 1 << 5 == 0 || flags & 1 != 0 {
        return Err(Error::LinkedBlocks);
    }
    let block_checksum = if flags & 1 << 4 != 0 { 4 } else { 0 };
    let content_size = if flags & 1 << 3 != 0 { 8 } else { 0 };
    let mut at = 7 + content_size;
    let mut filled = 0;
    loop {
        let word = le32(frame, at).ok_or(Error::Truncated)?;
        if word == 0 {
            return Ok(filled);
        }
        at += 4;
        let size = (word & 0x7fff_ffff) as usize;
        let block = frame.get(at..at + size).ok_or(Error::Truncated)?;
        let room = out.get_mut(filled..).ok_or(Error::Block)?;
        filled += if word >> 31 != 0 {
            room.get_mut(..size)
                .ok_or(Error::Block)?
                .copy_from_slice(block);
            size
        } else {
            lz4_flex::block::decompress_into(block, room).map_err(|_| Error::Block)?
        };
        at += size + block_checksum;
    }
}

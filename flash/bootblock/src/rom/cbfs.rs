//! CBFS: the walk along the files of a flash region.
//!
//! Every file begins on 64 bytes with `LARCHIVE`; its length leads to the next.
//! Free space is a file too. So one damaged header loses the rest of the region,
//! and the walk says so instead of guessing where the next file may be.

use crate::bytes::{array, be32, until_zero};

const MAGIC: &[u8; 8] = b"LARCHIVE";
const HEADER_BYTES: usize = 24;
const ALIGNMENT: usize = 64;

/// File type of a payload.
pub const TYPE_SELF: u32 = 0x20;

/// A file of the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// Name without its padding.
    pub name: &'a [u8],
    /// Type number, `TYPE_SELF` for a payload.
    pub kind: u32,
    /// Contents as stored.
    pub data: &'a [u8],
}

/// Why a file cannot be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// No file header where one has to be; the offset is inside the region.
    Damaged {
        /// Offset of the missing header in the region.
        offset: usize,
    },
    /// The walk came to the end without meeting the name.
    NotFound,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Damaged { offset } => {
                write!(
                    f,
                    "CBFS: damaged: no usable file header at region offset {offset:#x}."
                )
            }
            Self::NotFound => f.write_str("CBFS: 'fallback/payload' not found."),
        }
    }
}

/// The file called `name` in a region.
pub fn find<'a>(region: &'a [u8], name: &[u8]) -> Result<File<'a>, Error> {
    let mut offset = 0;
    while offset + HEADER_BYTES <= region.len() {
        let (file, next) = file_at(region, offset).ok_or(Error::Damaged { offset })?;
        if file.name == name {
            return Ok(file);
        }
        offset = next;
    }
    Err(Error::NotFound)
}

/// The file at `offset` and the offset of its successor, which is always larger.
fn file_at(region: &[u8], offset: usize) -> Option<(File<'_>, usize)> {
    let header = region.get(offset..)?;
    if &array::<8>(header, 0)? != MAGIC {
        return None;
    }
    let length = be32(header, 8)? as usize;
    let kind = be32(header, 12)?;
    let attributes = be32(header, 16)? as usize;
    let data = be32(header, 20)? as usize;
    let name_end = if attributes == 0 { data } else { attributes };
    let file = File {
        name: until_zero(header.get(HEADER_BYTES..name_end)?),
        kind,
        data: header.get(data..data.checked_add(length)?)?,
    };
    let next = (offset + data + length).next_multiple_of(ALIGNMENT);
    Some((file, next))
}

//! The files of a CBFS region, read.
//!
//! Owns: the walk over 64-byte aligned headers. Numbers are big-endian. A file that
//! does not fit its region ends the walk, so damaged flash lists what still reads.

use std::ops::Range;

const MAGIC: &[u8; 8] = b"LARCHIVE";
const HEADER: usize = 24;
const ALIGN: usize = 64;
const TYPE_DELETED: u32 = 0xffff_ffff;
const TYPE_DELETED_OLD: u32 = 0;
const TYPE_SELF: u32 = 0x20;
const TAG_COMPRESSION: u32 = 0x4243_5a4c;

/// One file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CbfsFile {
    /// Its name.
    pub name: String,
    /// Type number.
    pub kind: u32,
    /// Where its data lies in the ROM.
    pub data: Range<usize>,
    /// Compression of the whole file: algorithm and unpacked length.
    pub compression: Option<(u32, u32)>,
}

impl CbfsFile {
    /// The type in words.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            0x01 => "bootblock",
            0x02 => "cbfs header",
            0x10 | 0x11 => "stage",
            TYPE_SELF => "payload",
            0x30 => "optionrom",
            0x50 => "raw",
            0x52 => "vsa",
            0x53 => "microcode",
            0x60 => "fsp",
            0x61 => "mrc",
            0x1aa => "cmos layout",
            _ => "other",
        }
    }

    /// Whether it is a payload.
    pub fn is_payload(&self) -> bool {
        self.kind == TYPE_SELF
    }
}

/// The name of a compression number of CBFS.
pub fn compression_name(number: u32) -> &'static str {
    match number {
        0 => "none",
        1 => "LZMA",
        2 => "LZ4",
        3 => "ZSTD",
        _ => "unknown",
    }
}

/// The files in `region` of a ROM, deleted ones left out.
pub fn files(rom: &[u8], region: Range<usize>) -> Vec<CbfsFile> {
    let mut out = Vec::new();
    let mut at = region.start;
    while at.saturating_add(HEADER) <= region.end {
        let Some((file, next)) = file(rom, at, region.end) else {
            at += ALIGN;
            continue;
        };
        if file.kind != TYPE_DELETED && file.kind != TYPE_DELETED_OLD {
            out.push(file);
        }
        at = region.start + (next - region.start).next_multiple_of(ALIGN).max(ALIGN);
    }
    out
}

/// The file with a header at `at`, and where it ends.
fn file(rom: &[u8], at: usize, end: usize) -> Option<(CbfsFile, usize)> {
    let header = rom.get(at..at.checked_add(HEADER)?)?;
    if !header.starts_with(MAGIC) {
        return None;
    }
    let word = |offset: usize| {
        Some(u32::from_be_bytes(
            header.get(offset..offset + 4)?.try_into().ok()?,
        ))
    };
    let (length, kind) = (word(8)? as usize, word(12)?);
    let (attributes, offset) = (word(16)? as usize, word(20)? as usize);
    let start = at.checked_add(offset)?;
    let stop = start.checked_add(length)?;
    let name_end = if attributes == 0 {
        offset
    } else {
        attributes.min(offset)
    };
    let name = rom
        .get(at + HEADER..at.checked_add(name_end)?)?
        .split(|byte| *byte == 0)
        .next()?;
    if stop > end {
        return None;
    }
    let list = if attributes == 0 {
        &[][..]
    } else {
        rom.get(at.checked_add(attributes)?..start)?
    };
    let name = String::from_utf8_lossy(name).into_owned();
    Some((
        CbfsFile {
            name,
            kind,
            data: start..stop,
            compression: compression(list),
        },
        stop,
    ))
}

fn compression(attributes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = attributes;
    while let [a, b, c, d, e, f, g, h, ..] = *rest {
        let (tag, length) = (
            u32::from_be_bytes([a, b, c, d]),
            u32::from_be_bytes([e, f, g, h]) as usize,
        );
        let entry = rest.get(..length).filter(|entry| entry.len() >= 8)?;
        if tag == TAG_COMPRESSION {
            let number =
                |at: usize| Some(u32::from_be_bytes(entry.get(at..at + 4)?.try_into().ok()?));
            return Some((number(8)?, number(12)?));
        }
        rest = rest.get(length..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, kind: u32, data: &[u8]) -> Vec<u8> {
        let offset = (HEADER + name.len() + 1).next_multiple_of(16);
        let mut out = MAGIC.to_vec();
        for word in [data.len() as u32, kind, 0, offset as u32] {
            out.extend(word.to_be_bytes());
        }
        out.extend(name.as_bytes());
        out.resize(offset, 0);
        out.extend(data);
        out.resize(out.len().next_multiple_of(ALIGN), 0xff);
        out
    }

    #[test]
    fn deleted_space_is_not_listed() {
        let rom = [
            entry("gone", TYPE_DELETED, &[1; 100]),
            entry("kept", 0x50, b"data"),
        ]
        .concat();
        let list = files(&rom, 0..rom.len());
        assert_eq!(list.len(), 1);
        assert_eq!(&rom[list[0].data.clone()], b"data");
    }

    #[test]
    fn a_file_longer_than_its_region_is_not_believed() {
        let mut rom = entry("liar", 0x50, b"data");
        rom[8] = 0x7f;
        assert!(files(&rom, 0..rom.len()).is_empty());
    }
}

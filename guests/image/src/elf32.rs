//! Wraps an ELF64 executable as ELF32, the only class multiboot loaders take.
//!
//! The Rust target of the guests emits ELF64. The code does not care: only the container's headers
//! change. Loadable segments are copied with their file contents, sections and symbols are dropped
//! (debuggers read the original file). Also called: objcopy -O elf32-i386.

use std::fmt;

/// Why a file was not wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWrapped {
    /// Not a little-endian ELF64 executable for x86-64.
    NotElf64,
    /// Ends before the headers or a segment that it announces.
    CutShort,
    /// Has no loadable segment.
    NothingToLoad,
    /// An address or a size does not fit in 32 bits: the image is linked too high.
    Above4GiB,
}

impl fmt::Display for NotWrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotElf64 => "not an ELF64 executable for x86-64",
            Self::CutShort => "the file ends inside its own headers or segments",
            Self::NothingToLoad => "no loadable segment",
            Self::Above4GiB => "linked above 4 GiB, where a 32-bit loader cannot put it",
        })
    }
}

impl std::error::Error for NotWrapped {}

const HEADER: usize = 52;
const PROGRAM_HEADER: usize = 32;
const PAGE: usize = 4096;
/// Program header type: loadable.
const PT_LOAD: u32 = 1;

/// One loadable segment of the input.
struct Segment<'a> {
    flags: u32,
    virtual_address: u32,
    physical_address: u32,
    memory_size: u32,
    contents: &'a [u8],
}

/// Returns `elf64` as an ELF32 file with the same entry point and loadable segments.
///
/// # Errors
/// [`NotWrapped`] says what is wrong with the input. No input panics.
pub fn wrap(elf64: &[u8]) -> Result<Vec<u8>, NotWrapped> {
    // 64-bit, little-endian, executable, x86-64.
    let ours = elf64.starts_with(b"\x7FELF\x02\x01") && word(elf64, 16, 4) == Ok(0x003E_0002);
    if !ours {
        return Err(NotWrapped::NotElf64);
    }
    let entry = word32(elf64, 24)?;
    let table = usize::try_from(word(elf64, 32, 8)?).map_err(|_| NotWrapped::CutShort)?;
    let (stride, count) = (word(elf64, 54, 2)? as usize, word(elf64, 56, 2)? as usize);
    let mut segments = Vec::new();
    for n in 0..count {
        let at = table.checked_add(n * stride).ok_or(NotWrapped::CutShort)?;
        if word(elf64, at, 4)? == u64::from(PT_LOAD) {
            segments.push(segment(elf64, at)?);
        }
    }
    if segments.is_empty() {
        return Err(NotWrapped::NothingToLoad);
    }
    Ok(write(entry, &segments))
}

fn segment(elf64: &[u8], at: usize) -> Result<Segment<'_>, NotWrapped> {
    let (offset, length) = (
        word32(elf64, at + 8)? as usize,
        word32(elf64, at + 32)? as usize,
    );
    let contents = elf64
        .get(offset..offset.saturating_add(length))
        .ok_or(NotWrapped::CutShort)?;
    Ok(Segment {
        flags: word(elf64, at + 4, 4)? as u32,
        virtual_address: word32(elf64, at + 16)?,
        physical_address: word32(elf64, at + 24)?,
        memory_size: word32(elf64, at + 40)?,
        contents,
    })
}

fn write(entry: u32, segments: &[Segment<'_>]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend_from_slice(b"\x7FELF\x01\x01\x01");
    file.resize(16, 0);
    for half in [2u16, 3] {
        file.extend(half.to_le_bytes()); // executable; i386
    }
    for full in [1, entry, HEADER as u32, 0, 0] {
        file.extend(full.to_le_bytes()); // version, entry, program headers, no sections, flags
    }
    for half in [
        HEADER as u16,
        PROGRAM_HEADER as u16,
        segments.len() as u16,
        0,
        0,
        0,
    ] {
        file.extend(half.to_le_bytes());
    }
    let headers = HEADER + PROGRAM_HEADER * segments.len();
    let mut offset = headers.next_multiple_of(PAGE);
    for segment in segments {
        let size = segment.contents.len() as u32;
        let place = [
            PT_LOAD,
            offset as u32,
            segment.virtual_address,
            segment.physical_address,
        ];
        let extent = [size, segment.memory_size, segment.flags, PAGE as u32];
        for full in place.into_iter().chain(extent) {
            file.extend(full.to_le_bytes());
        }
        offset = (offset + segment.contents.len()).next_multiple_of(PAGE);
    }
    for segment in segments {
        file.resize(file.len().next_multiple_of(PAGE), 0);
        file.extend_from_slice(segment.contents);
    }
    file
}

fn word32(file: &[u8], at: usize) -> Result<u32, NotWrapped> {
    u32::try_from(word(file, at, 8)?).map_err(|_| NotWrapped::Above4GiB)
}

fn word(file: &[u8], at: usize, length: usize) -> Result<u64, NotWrapped> {
    let end = at.checked_add(length).ok_or(NotWrapped::CutShort)?;
    let bytes = file.get(at..end).ok_or(NotWrapped::CutShort)?;
    Ok(bytes
        .iter()
        .rev()
        .fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::{NotWrapped, wrap};

    /// An ELF64 with one segment of `contents` at `address`, and a note that must not be loaded.
    fn elf64(address: u64, contents: &[u8], memory: u64) -> Vec<u8> {
        let mut file = b"\x7FELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        file.extend(0x003E_0002u32.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        for full in [address + 12, 64, 0] {
            file.extend(full.to_le_bytes());
        }
        file.extend(0u32.to_le_bytes());
        for half in [64u16, 56, 2, 0, 0, 0] {
            file.extend(half.to_le_bytes());
        }
        for (kind, size) in [(4u32, 0u64), (1, contents.len() as u64)] {
            file.extend(kind.to_le_bytes());
            file.extend(5u32.to_le_bytes());
            for full in [176, address, address, size, memory, 4096] {
                file.extend(full.to_le_bytes());
            }
        }
        assert_eq!(file.len(), 176);
        file.extend(contents);
        file
    }

    fn full(file: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"))
    }

    #[test]
    fn the_segment_keeps_its_address_contents_and_zeroed_tail() {
        let wrapped = wrap(&elf64(0x10_0000, b"multiboot here", 9000)).expect("well formed");
        assert!(wrapped.starts_with(b"\x7FELF\x01\x01\x01"));
        assert_eq!(full(&wrapped, 16), 0x0003_0002);
        assert_eq!(full(&wrapped, 24), 0x10_000C);
        assert_eq!(wrapped[44], 1, "the note is not carried over");
        let [kind, offset, virt, phys, size, memory] =
            [0, 4, 8, 12, 16, 20].map(|at| full(&wrapped, 52 + at));
        assert_eq!(
            (kind, virt, phys, size, memory),
            (1, 0x10_0000, 0x10_0000, 14, 9000)
        );
        assert_eq!(&wrapped[offset as usize..][..14], b"multiboot here");
    }

    #[test]
    fn a_multiboot_header_stays_within_the_first_8192_bytes() {
        let wrapped = wrap(&elf64(0x10_0000, b"header", 6)).expect("well formed");
        assert!(full(&wrapped, 56) + 6 <= 8192);
    }

    #[test]
    fn an_image_linked_above_4_gib_is_refused() {
        assert_eq!(wrap(&elf64(1 << 32, b"x", 1)), Err(NotWrapped::Above4GiB));
    }

    #[test]
    fn no_cut_off_file_is_wrapped() {
        let file = elf64(0x10_0000, b"contents", 8);
        for length in 0..file.len() {
            assert!(wrap(&file[..length]).is_err(), "cut at {length}");
        }
        assert_eq!(wrap(b"#!/bin/sh"), Err(NotWrapped::NotElf64));
    }
}

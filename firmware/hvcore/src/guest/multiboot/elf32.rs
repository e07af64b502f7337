//! ELF32 program headers of a multiboot image.

use super::image::{Image, ImageFault, MAX_PIECES, Piece};
use crate::guest::field::{u8_at, u16_at, u32_at};

const CLASS_32: u8 = 1;
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
const MACHINE_386: u16 = 3;
const EXECUTABLE: u16 = 2;
const PROGRAM_HEADER_LEN: usize = 32;
/// Most program headers that are looked at.
const MAX_HEADERS: u16 = 64;
const LOAD: u32 = 1;

/// Reads the loadable segments and the entry of an ELF32 executable.
pub fn read(image: &[u8]) -> Result<Image, ImageFault> {
    if image.get(..4) != Some(b"\x7FELF") {
        return Err(ImageFault::NotElf);
    }
    match u8_at(image, 4) {
        Some(CLASS_32) => {}
        Some(CLASS_64) => return Err(ImageFault::Elf64),
        _ => return Err(ImageFault::NotElf),
    }
    let usable = u8_at(image, 5) == Some(LITTLE_ENDIAN)
        && u16_at(image, 0x10) == Some(EXECUTABLE)
        && u16_at(image, 0x12) == Some(MACHINE_386);
    if !usable {
        return Err(ImageFault::NotElf);
    }
    segments(image).unwrap_or(Err(ImageFault::Truncated))
}

fn segments(image: &[u8]) -> Option<Result<Image, ImageFault>> {
    let entry = u32_at(image, 0x18)?;
    let table = usize::try_from(u32_at(image, 0x1C)?).ok()?;
    let stride = usize::from(u16_at(image, 0x2A)?);
    let count = u16_at(image, 0x2C)?;
    if stride < PROGRAM_HEADER_LEN || count > MAX_HEADERS {
        return Some(Err(ImageFault::NotElf));
    }
    let mut found = Image::new(entry);
    let mut start = None;
    for rank in 0..usize::from(count) {
        let at = table.checked_add(rank * stride)?;
        let header = image.get(at..)?.get(..PROGRAM_HEADER_LEN)?;
        let memory_len = u32_at(header, 0x14)?;
        if u32_at(header, 0)? != LOAD || memory_len == 0 {
            continue;
        }
        let file_len = u32_at(header, 0x10)?;
        if file_len > memory_len {
            return Some(Err(ImageFault::NotElf));
        }
        let virtual_address = u32_at(header, 8)?;
        let piece = Piece {
            at: u32_at(header, 0xC)?,
            offset: usize::try_from(u32_at(header, 4)?).ok()?,
            file_len,
            memory_len,
        };
        image
            .get(piece.offset..)?
            .get(..usize::try_from(file_len).ok()?)?;
        // The entry is a virtual address; the CPU will run at the physical one.
        match entry.checked_sub(virtual_address) {
            Some(inside) if inside < memory_len => start = piece.at.checked_add(inside),
            _ => {}
        }
        if found.pieces.push(piece).is_err() {
            return Some(Err(ImageFault::TooManySegments { max: MAX_PIECES }));
        }
    }
    Some(match start {
        Some(start) => Ok(Image {
            entry: start,
            ..found
        }),
        None => Err(ImageFault::EntryOutside),
    })
}

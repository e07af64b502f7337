//! The multiboot (version 1) header and the ELF32 around it.
//!
//! Owns: deciding whether a file can be a multiboot guest and where it ends in
//! guest memory. An ELF64 is refused here, for the payload starts guests in 32-bit
//! protected mode and reads 32-bit program headers only.

use object::elf::{EM_386, FileHeader32, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, LittleEndian};

const MAGIC: u32 = 0x1bad_b002;
/// The header lies within the first 8 KiB, on a 4-byte boundary.
const SEARCH: usize = 8192;

/// What the checks use of a multiboot image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Multiboot {
    /// First guest-physical byte behind the highest segment.
    pub needs: u64,
}

/// Why a file is not a multiboot guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotMultiboot {
    /// No header with a right checksum.
    #[error("it has no multiboot header (0x1badb002) in its first 8 KiB")]
    Header,
    /// A 64-bit ELF.
    #[error("it is an ELF64; link it as ELF32 (target i686, or `objcopy -O elf32-i386`)")]
    Elf64,
    /// No usable ELF32 for the i386.
    #[error("it is not an ELF32 for x86 with segments to load")]
    Elf32,
}

/// Reads a file.
pub fn parse(file: &[u8]) -> Result<Multiboot, NotMultiboot> {
    if file.starts_with(b"\x7fELF\x02") {
        return Err(NotMultiboot::Elf64);
    }
    if !has_header(file) {
        return Err(NotMultiboot::Header);
    }
    let elf = FileHeader32::<Endianness>::parse(file).map_err(|_| NotMultiboot::Elf32)?;
    let endian = elf.endian().map_err(|_| NotMultiboot::Elf32)?;
    if elf.e_machine(endian) != EM_386 {
        return Err(NotMultiboot::Elf32);
    }
    let segments = elf
        .program_headers(endian, file)
        .map_err(|_| NotMultiboot::Elf32)?;
    let needs = segments
        .iter()
        .filter(|segment| segment.p_type(endian) == PT_LOAD)
        .map(|segment| u64::from(segment.p_paddr(endian)) + u64::from(segment.p_memsz(endian)))
        .max()
        .ok_or(NotMultiboot::Elf32)?;
    Ok(Multiboot { needs })
}

fn has_header(file: &[u8]) -> bool {
    let Some(area) = file.get(..file.len().min(SEARCH)) else {
        return false;
    };
    area.chunks_exact(4).enumerate().any(|(index, _)| {
        let field = |n: usize| {
            let bytes = area.get((index + n) * 4..(index + n + 1) * 4)?;
            object::pod::from_bytes::<object::U32<LittleEndian>>(bytes)
                .ok()
                .map(|(word, _)| word.get(LittleEndian))
        };
        matches!((field(0), field(1), field(2)), (Some(MAGIC), Some(flags), Some(sum))
            if MAGIC.wrapping_add(flags).wrapping_add(sum) == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_checksum_is_no_header() {
        let mut file = vec![0u8; 64];
        file[16..20].copy_from_slice(&MAGIC.to_le_bytes());
        file[20..24].copy_from_slice(&3u32.to_le_bytes());
        file[24..28].copy_from_slice(&(0u32.wrapping_sub(MAGIC + 3)).to_le_bytes());
        assert!(has_header(&file));
        file[24] ^= 1;
        assert!(!has_header(&file));
    }

    #[test]
    fn elf64_is_named_as_such() {
        assert_eq!(parse(b"\x7fELF\x02\x01\x01"), Err(NotMultiboot::Elf64));
        assert_eq!(parse(b""), Err(NotMultiboot::Header));
    }
}

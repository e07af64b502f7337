//! What fills the payload: bytes by section.
//!
//! Owns: the size table of `inspect`. Debug sections are left out: they stay in
//! the ELF on the host and never reach flash.

use object::{Object, ObjectSection, SectionFlags, elf};
use serde::Serialize;

/// One section that is loaded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Section {
    /// Name.
    pub name: String,
    /// Address.
    pub address: u64,
    /// Bytes in memory.
    pub memory: u64,
    /// Bytes in the file, before compression.
    pub file: u64,
}

/// The loaded sections of an ELF, by address.
pub fn sections(file: &[u8]) -> Vec<Section> {
    let Ok(parsed) = object::File::parse(file) else {
        return Vec::new();
    };
    let mut out: Vec<_> = parsed
        .sections()
        .filter(|section| matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(elf::SHF_ALLOC)))
        .map(|section| Section {
            name: section.name().unwrap_or("?").to_owned(),
            address: section.address(),
            memory: section.size(),
            file: section.file_range().map_or(0, |(_, length)| length),
        })
        .collect();
    out.sort_by_key(|section| section.address);
    out
}

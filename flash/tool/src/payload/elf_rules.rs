//! The rules for the payload's ELF file.
//!
//! Owns: type, machine, segment places, entry. Each rule stands for an accident seen
//! with real coreboot: it loads what it is told, truncates addresses to 32 bits and
//! jumps without looking.

use super::vector_use;
use crate::failure::Failure;
use object::elf::{EM_X86_64, ET_EXEC, FileHeader32, FileHeader64, PF_X, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, elf};
use std::ops::Range;
use std::path::Path;

/// Physical addresses that the payload may occupy.
pub const WINDOW: Range<u64> = 16 << 20..32 << 20;

/// One broken rule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Broken {
    /// Not an ELF file at all, or cut short.
    #[error("it is not a readable ELF file")]
    NotElf,
    /// Position independent or an object file.
    #[error("its ELF type is {0}, not ET_EXEC; link with --no-pie and relocation-model=static")]
    Type(u16),
    /// Another processor.
    #[error("its machine is {0}, not x86-64")]
    Machine(u16),
    /// Nothing to load.
    #[error("it has no segment to load")]
    Empty,
    /// Loaded where other things live, or above 4 GiB, where coreboot truncates.
    #[error("its segment {0:#x}..{1:#x} is not inside [16 MiB, 32 MiB)")]
    Outside(u64, u64),
    /// Two segments on one place; the later one would win silently.
    #[error("its segments at {0:#x} and {1:#x} overlap")]
    Overlap(u64, u64),
    /// The first instruction is nowhere.
    #[error("its entry {0:#x} is not inside an executable segment")]
    Entry(u64),
    /// Code that destroys guest registers.
    #[error("it uses vector or x87 registers: {count} instructions, the first `{first}`")]
    VectorUse {
        /// How many.
        count: usize,
        /// Address, text and function of the first.
        first: String,
    },
}

/// Every rule that the file breaks.
pub fn broken(file: &[u8]) -> Vec<Broken> {
    match file.get(..5) {
        Some([0x7f, b'E', b'L', b'F', 1]) => broken_as::<FileHeader32<Endianness>>(file),
        Some([0x7f, b'E', b'L', b'F', 2]) => broken_as::<FileHeader64<Endianness>>(file),
        _ => None,
    }
    .unwrap_or_else(|| vec![Broken::NotElf])
}

/// Refuses a file that breaks a rule.
pub fn require(file: &[u8], path: &Path) -> Result<(), Failure> {
    let broken = broken(file);
    if broken.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = broken
        .iter()
        .map(|rule| format!("\n    - {rule}"))
        .collect();
    Err(Failure::usage(format!(
        "a board would not boot `{}`:{}",
        path.display(),
        lines.concat()
    )))
}

fn broken_as<Elf: FileHeader<Endian = Endianness>>(file: &[u8]) -> Option<Vec<Broken>> {
    let header = Elf::parse(file).ok()?;
    let endian = header.endian().ok()?;
    let mut out = Vec::new();
    if header.e_type(endian) != ET_EXEC {
        out.push(Broken::Type(header.e_type(endian).0));
    }
    if header.e_machine(endian) != EM_X86_64 && header.e_machine(endian) != elf::EM_386 {
        out.push(Broken::Machine(header.e_machine(endian).0));
    }
    let mut loads = Vec::new();
    for segment in header.program_headers(endian, file).ok()? {
        let (start, length) = (
            segment.p_paddr(endian).into(),
            segment.p_memsz(endian).into(),
        );
        if segment.p_type(endian) == PT_LOAD && length > 0 {
            segment.data(endian, file).ok()?;
            loads.push((
                start,
                start.saturating_add(length),
                segment.p_flags(endian).contains(PF_X),
            ));
        }
    }
    segments(&loads, header.e_entry(endian).into(), &mut out);
    out.extend(vector_use::find(file).summary());
    Some(out)
}

fn segments(loads: &[(u64, u64, bool)], entry: u64, out: &mut Vec<Broken>) {
    if loads.is_empty() {
        out.push(Broken::Empty);
    }
    for (start, end, _) in loads {
        if *start < WINDOW.start || *end > WINDOW.end {
            out.push(Broken::Outside(*start, *end));
        }
    }
    let mut sorted = loads.to_vec();
    sorted.sort_unstable();
    for pair in sorted.windows(2) {
        if let [(first, end, _), (second, ..)] = pair
            && second < end
        {
            out.push(Broken::Overlap(*first, *second));
        }
    }
    if !loads
        .iter()
        .any(|(start, end, code)| *code && (*start..*end).contains(&entry))
    {
        out.push(Broken::Entry(entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_touching_the_window_from_inside_are_fine() {
        let mut out = Vec::new();
        segments(
            &[(16 << 20, 20 << 20, true), (20 << 20, 32 << 20, false)],
            16 << 20,
            &mut out,
        );
        assert_eq!(out, []);
    }

    #[test]
    fn each_accident_is_named() {
        let mut out = Vec::new();
        segments(
            &[(1 << 20, 17 << 20, true), (16 << 20, 18 << 20, false)],
            17 << 20,
            &mut out,
        );
        assert_eq!(
            out,
            [
                Broken::Outside(1 << 20, 17 << 20),
                Broken::Overlap(1 << 20, 16 << 20),
                Broken::Entry(17 << 20)
            ]
        );
        assert_eq!(broken(b"MZ"), [Broken::NotElf]);
    }

    #[test]
    fn the_test_program_itself_is_refused() {
        // A host executable is position independent and full of SSE.
        let me = std::fs::read("/proc/self/exe").expect("own executable");
        let found = broken(&me);
        assert!(found.iter().any(|rule| matches!(rule, Broken::Type(_))));
        assert!(
            found
                .iter()
                .any(|rule| matches!(rule, Broken::VectorUse { .. }))
        );
    }
}

//! Writes a planned multiboot guest into memory.
//!
//! The information structure offers memory sizes, command line, modules, the
//! memory map and the loader's name; nothing a kernel could not do without.

use super::layout::{INFO, INFO_LEN, Layout, MAX_MODULES, Module, STRINGS_LEN};
use crate::guest::entry::{self, EntryState};
use crate::guest::memory_map::{CONVENTIONAL_END, EXTENDED_START, MAX_ENTRIES};
use crate::ids::Gpa;
use crate::port::{GuestMemory, NotRam};

/// EAX at entry.
const BOOTED: u32 = 0x2BAD_B002;
/// Flags: memory sizes, command line, modules, memory map, loader name.
const FLAGS: u32 = 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9;
const LOADER: &[u8] = b"Bulkhead\0";

/// Offsets from [`INFO`]: the structure, then what it points to.
const MAP: u64 = 0x80;
const MAP_STRIDE: u64 = 24;
const MODULE_LIST: u64 = 0x180;
const MODULE_STRIDE: u64 = 16;
const LOADER_NAME: u64 = 0x300;
const STRINGS: u64 = 0x400;

const _: () = assert!(MAP + MAX_ENTRIES as u64 * MAP_STRIDE <= MODULE_LIST);
const _: () = assert!(MODULE_LIST + MAX_MODULES as u64 * MODULE_STRIDE <= LOADER_NAME);
const _: () = assert!(STRINGS + STRINGS_LEN as u64 == INFO_LEN);
const _: () = assert!(
    abi::plan::CMDLINE_LEN + MAX_MODULES * abi::plan::MODULE_CMDLINE_LEN + MAX_MODULES
        < STRINGS_LEN
);

/// Why a planned guest was not loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadFault {
    /// What was to be loaded is not what was planned for.
    PlanMismatch,
    /// A planned range is not RAM: layout and memory disagree.
    NotRam,
}

impl From<NotRam> for LoadFault {
    fn from(_: NotRam) -> Self {
        Self::NotRam
    }
}

/// Writes segments, modules and the information structure; gives the state of
/// the first vCPU. `file`, `cmdline` and `modules` must be what `layout` was
/// planned for.
pub fn load<M: GuestMemory>(
    mem: &M,
    layout: &Layout,
    file: &[u8],
    cmdline: &[u8],
    modules: &[Module<'_>],
) -> Result<EntryState, LoadFault> {
    if modules.len() != layout.modules.len() {
        return Err(LoadFault::PlanMismatch);
    }
    for piece in &layout.image.pieces {
        let bytes = file
            .get(piece.offset..)
            .and_then(|tail| tail.get(..piece.file_len as usize));
        mem.write(Gpa(piece.at.into()), bytes.ok_or(LoadFault::PlanMismatch)?)?;
        let bss = u64::from(piece.at) + u64::from(piece.file_len);
        mem.fill(
            Gpa(bss),
            u64::from(piece.memory_len.saturating_sub(piece.file_len)),
            0,
        )?;
    }
    for (module, at) in modules.iter().zip(&layout.modules) {
        mem.write(Gpa(u64::from(*at)), module.bytes)?;
    }
    write_info(mem, layout, cmdline, modules)?;
    Ok(entry::protected_state(
        layout.image.entry,
        BOOTED,
        INFO.0 as u32,
    ))
}

/// Strings behind one another, each with its zero.
struct Strings<'a, M> {
    mem: &'a M,
    next: u64,
}

impl<M: GuestMemory> Strings<'_, M> {
    /// Writes one and gives its address.
    fn put(&mut self, text: &[u8]) -> Result<u32, NotRam> {
        let at = self.next;
        self.next = at.saturating_add(text.len() as u64 + 1);
        if self.next > INFO.0 + INFO_LEN {
            return Err(NotRam);
        }
        self.mem.write(Gpa(at), text)?;
        self.mem.fill(Gpa(at + text.len() as u64), 1, 0)?;
        Ok(at as u32)
    }
}

fn write_info<M: GuestMemory>(
    mem: &M,
    layout: &Layout,
    cmdline: &[u8],
    modules: &[Module<'_>],
) -> Result<(), NotRam> {
    let base = INFO.0;
    let words = |at: u64, words: &[u32]| -> Result<(), NotRam> {
        for (rank, word) in (0_u64..).zip(words) {
            mem.write(Gpa(at + 4 * rank), &word.to_le_bytes())?;
        }
        Ok(())
    };
    mem.fill(INFO, INFO_LEN, 0)?;
    let mut strings = Strings {
        mem,
        next: base + STRINGS,
    };
    let cmdline = strings.put(cmdline)?;
    for (rank, (module, start)) in (0_u64..).zip(modules.iter().zip(&layout.modules)) {
        let string = strings.put(module.cmdline)?;
        let end = start.saturating_add(module.bytes.len() as u32);
        words(
            base + MODULE_LIST + MODULE_STRIDE * rank,
            &[*start, end, string, 0],
        )?;
    }
    let map = layout.ram.entries();
    for (rank, range) in (0_u64..).zip(&map) {
        // The size field does not count itself.
        let at = base + MAP + MAP_STRIDE * rank;
        words(at, &[MAP_STRIDE as u32 - 4])?;
        mem.write(Gpa(at + 4), &range.encode())?;
    }
    mem.write(Gpa(base + LOADER_NAME), LOADER)?;
    let lower = (CONVENTIONAL_END >> 10) as u32;
    let upper = ((layout.ram.low_end() - EXTENDED_START) >> 10) as u32;
    let list = (base + MODULE_LIST) as u32;
    words(
        base,
        &[FLAGS, lower, upper, 0, cmdline, modules.len() as u32, list],
    )?;
    words(
        base + 44,
        &[map.len() as u32 * MAP_STRIDE as u32, (base + MAP) as u32],
    )?;
    words(base + 64, &[(base + LOADER_NAME) as u32])
}

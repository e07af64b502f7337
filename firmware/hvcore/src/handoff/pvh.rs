//! Reads a PVH start-info block into the same tables that coreboot gives.
//!
//! An emulator can start the image directly (`-kernel`) and hands over memory
//! map, ACPI pointer and modules; the first module is taken as a CBFS image in
//! RAM, so that the rest of the boot reads its files as from flash.
//! Layout: the public Xen ABI for HVM/PVH start info, version 1.
//! Also called: hvm_start_info, XEN_ELFNOTE_PHYS32_ENTRY.

use super::board_tables::{BoardTables, Source};
use super::memory_map::{MemoryKind, Span};
use super::physical::PhysicalMemory;
use super::wire::{le32, le64};
use crate::ids::Hpa;

/// First word of the block; EBX points at it on entry.
pub const MAGIC: u32 = 0x336e_c578;
/// Bytes of the block from version 1 on.
const BLOCK_LEN: usize = 56;
const MODULE_LEN: usize = 32;
const RANGE_LEN: usize = 24;
/// Longest range list read. More would not fit the memory map anyway.
const MAX_RANGES: u32 = 1024;

/// Why the start-info block is of no use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PvhFault {
    /// The pointer does not lead to the magic number.
    NotFound,
    /// Version 0 has no memory map.
    NoMemoryMap,
    /// The range list is outside memory or too long.
    MemoryMapUnreadable,
    /// No range of type RAM.
    NoMemory,
    /// More ranges than the map can hold.
    MemoryMapFull,
}

impl PvhFault {
    /// The fault in one sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotFound => "the start-info pointer does not lead to a PVH start-info block",
            Self::NoMemoryMap => {
                "the PVH start-info block is of version 0, which carries no memory map"
            }
            Self::MemoryMapUnreadable => {
                "the PVH memory map is outside memory or longer than 1024 entries"
            }
            Self::NoMemory => "the PVH memory map lists no RAM",
            Self::MemoryMapFull => "the PVH memory map lists more than 64 ranges",
        }
    }
}

/// Reads the block at `at` (EBX at entry).
pub fn read<M: PhysicalMemory + ?Sized>(memory: &M, at: Hpa) -> Result<BoardTables, PvhFault> {
    let magic = memory.slice(at, 8).ok_or(PvhFault::NotFound)?;
    if le32(magic, 0) != Some(MAGIC) {
        return Err(PvhFault::NotFound);
    }
    if le32(magic, 4) == Some(0) {
        return Err(PvhFault::NoMemoryMap);
    }
    let block = memory.slice(at, BLOCK_LEN).ok_or(PvhFault::NotFound)?;
    let mut tables = BoardTables::empty(Source::Pvh);
    memory_map(memory, block, &mut tables)?;
    tables.acpi_rsdp = le64(block, 32).filter(|at| *at != 0).map(Hpa);
    tables.ram_cbfs = first_module(memory, block);
    Ok(tables)
}

fn memory_map<M: PhysicalMemory + ?Sized>(
    memory: &M,
    block: &[u8],
    into: &mut BoardTables,
) -> Result<(), PvhFault> {
    let at = le64(block, 40).ok_or(PvhFault::MemoryMapUnreadable)?;
    let count = le32(block, 48)
        .filter(|n| *n <= MAX_RANGES)
        .ok_or(PvhFault::MemoryMapUnreadable)?;
    let list = memory
        .slice(Hpa(at), count as usize * RANGE_LEN)
        .ok_or(PvhFault::MemoryMapUnreadable)?;
    for range in list.chunks_exact(RANGE_LEN) {
        if let (Some(start), Some(len), Some(kind)) =
            (le64(range, 0), le64(range, 8), le32(range, 16))
        {
            into.memory
                .push(start, len, MemoryKind(kind))
                .map_err(|_| PvhFault::MemoryMapFull)?;
        }
    }
    match into.memory.resolve().ram().next() {
        Some(_) => Ok(()),
        None => Err(PvhFault::NoMemory),
    }
}

fn first_module<M: PhysicalMemory + ?Sized>(memory: &M, block: &[u8]) -> Option<Span> {
    if le32(block, 12)? == 0 {
        return None;
    }
    let entry = memory.slice(Hpa(le64(block, 16)?), MODULE_LEN)?;
    let (start, len) = (le64(entry, 0)?, le64(entry, 8)?);
    start.checked_add(len)?;
    (len != 0).then_some(Span {
        start: Hpa(start),
        len,
    })
}

//! Two-level page tables with 32-bit entries, 4 KiB and 4 MiB pages.
//!
//! Apart from the other walks because its entries are half as wide: they are
//! exchanged as halves of an aligned 64-bit word. What is in the other half is
//! another CPU's business and may change freely; that only repeats the walk.
//!
//! Manual: 24593 section 5.2.1 (normal), 5.2.2 (page-size extensions).

use super::paging::{ACCESSED, Access, DIRTY, LARGE, PRESENT, Paging, WalkFault, fault};
use super::walk::Attempt;
use crate::ids::Gpa;
use crate::port::GuestMemory;

/// Bits 12 to 31: the address field of a 32-bit entry.
const ADDRESS_32: u64 = 0xFFFF_F000;
/// Bit 21 of a 4 MiB entry.
const LARGE_RESERVED: u64 = 1 << 21;

struct Entry {
    at: Gpa,
    value: u64,
}

fn load<M: GuestMemory + ?Sized>(memory: &M, at: Gpa) -> Result<Entry, WalkFault> {
    let value = memory
        .load_u32(at)
        .map_err(|_| WalkFault::OutsideRam { at })?;
    Ok(Entry {
        at,
        value: u64::from(value),
    })
}

pub(super) fn two_levels<M: GuestMemory + ?Sized>(
    memory: &M,
    paging: &Paging,
    linear: u64,
    access: Access,
) -> Result<Attempt, WalkFault> {
    let directory = load(memory, Gpa((paging.cr3 & ADDRESS_32) + (linear >> 22) * 4))?;
    if directory.value & PRESENT == 0 {
        return Err(paging.fault(access, linear, 0));
    }
    if paging.large_pages() && directory.value & LARGE != 0 {
        let page = large_page(directory.value);
        if directory.value & LARGE_RESERVED != 0 || page & paging.reserved(0) != 0 {
            return Err(paging.fault(access, linear, fault::PRESENT | fault::RESERVED));
        }
        check(paging, access, linear, directory.value)?;
        let reached = Gpa(page | linear & 0x3F_FFFF);
        let done = mark(memory, &directory, leaf_bits(access))?;
        return Ok(if done {
            Attempt::Reached(reached)
        } else {
            Attempt::Raced
        });
    }
    let table = directory.value & ADDRESS_32;
    let entry = load(memory, Gpa(table + (linear >> 12 & 0x3FF) * 4))?;
    if entry.value & PRESENT == 0 {
        return Err(paging.fault(access, linear, 0));
    }
    check(paging, access, linear, directory.value & entry.value)?;
    let reached = Gpa(entry.value & ADDRESS_32 | linear & 0xFFF);
    let done = mark(memory, &directory, ACCESSED)? && mark(memory, &entry, leaf_bits(access))?;
    Ok(if done {
        Attempt::Reached(reached)
    } else {
        Attempt::Raced
    })
}

/// Bits 32 to 39 of a 4 MiB page stand in bits 13 to 20 of its entry.
const fn large_page(entry: u64) -> u64 {
    entry & 0xFFC0_0000 | (entry >> 13 & 0xFF) << 32
}

const fn leaf_bits(access: Access) -> u64 {
    if access.write {
        ACCESSED | DIRTY
    } else {
        ACCESSED
    }
}

fn check(paging: &Paging, access: Access, linear: u64, all: u64) -> Result<(), WalkFault> {
    // There is no NX bit in these entries.
    if paging.allows(access, all, 0) {
        Ok(())
    } else {
        Err(paging.fault(access, linear, fault::PRESENT))
    }
}

/// Sets `bits` in an entry unless set; false if the entry or its neighbour in
/// the 64-bit word changed meanwhile.
fn mark<M: GuestMemory + ?Sized>(memory: &M, entry: &Entry, bits: u64) -> Result<bool, WalkFault> {
    let marked = entry.value | bits;
    if marked == entry.value {
        return Ok(true);
    }
    let at = Gpa(entry.at.0 & !7);
    let shift = (entry.at.0 & 4) * 8;
    let outside = |_| WalkFault::OutsideRam { at };
    let word = memory.load_u64(at).map_err(outside)?;
    if word >> shift & 0xFFFF_FFFF != entry.value {
        return Ok(false);
    }
    let new = word & !(0xFFFF_FFFF << shift) | marked << shift;
    memory.exchange_u64(at, word, new).map_err(outside)
}

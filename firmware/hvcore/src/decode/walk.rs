//! Page-table walk: guest-linear address to guest-physical, as the processor
//! does it.
//!
//! A walk reads each entry once, checks presence and reserved bits on the way
//! down and permissions at the end, and then sets accessed and dirty bits by
//! compare-and-exchange against the very entries it checked. The usual case
//! (bits already set, access allowed) is four loads and no store to guest RAM,
//! and has a path of its own: a skipped instruction costs one such walk.
//! If an entry changed in between the whole walk starts again, a bounded number
//! of times.
//!
//! The result is not checked to be RAM: it may be a device.
//! Also called: translate, gva to gpa, page walker.
//!
//! Manual: 24593 sections 5.2 (legacy), 5.3 (long mode), 5.4 (bits).

use super::paging::{
    ACCESSED, ADDRESS, Access, DIRTY, Format, LARGE, PRESENT, Paging, WalkFault, fault,
};
use super::walk_legacy;
use crate::ids::{Gpa, Gva};
use crate::port::GuestMemory;

/// Walks before a fight over accessed bits is given up.
const TRIES: u32 = 8;

/// Bits a linear address has outside long mode.
const LINEAR_32: u64 = 0xFFFF_FFFF;

/// Bits 62 to 52 are reserved in PAE entries outside long mode.
const PAE_RESERVED: u64 = 0x7FF0_0000_0000_0000;

/// One walk that ran to its end.
pub(super) enum Attempt {
    Reached(Gpa),
    /// An entry was changed by another CPU after it was read.
    Raced,
}

/// Translates `linear` for `access`, setting accessed and dirty bits.
///
/// # Errors
/// See [`WalkFault`].
#[inline(always)]
pub fn walk<M: GuestMemory + ?Sized>(
    memory: &M,
    paging: &Paging,
    linear: Gva,
    access: Access,
) -> Result<Gpa, WalkFault> {
    if paging.format() == Format::Long4
        && let Some(at) = settled(memory, paging, linear.0, access)
    {
        return Ok(at);
    }
    in_full(memory, paging, linear, access)
}

/// Four levels where nothing is wrong and nothing is to be marked, which is
/// nearly always; `None` is no answer, and the walk in full gives it.
///
/// Conditions are summed up over the levels and tested once. Until then an
/// entry may be garbage, but so may any: what it points at is read, checked by
/// `memory` alone, and not used.
#[inline(always)]
fn settled<M: GuestMemory + ?Sized>(
    memory: &M,
    paging: &Paging,
    linear: u64,
    access: Access,
) -> Option<Gpa> {
    let entry = |table: u64, shift: u32| {
        memory
            .load_u64(Gpa((table & ADDRESS) + (linear >> shift & 0x1FF) * 8))
            .ok()
    };
    let root = entry(paging.cr3, 39)?;
    let upper = entry(root, 30)?;
    let middle = entry(upper, 21)?;
    let (mut all, mut any) = (root & upper & middle, root | upper | middle);
    let (leaf, in_page) = if middle & LARGE == 0 {
        let leaf = entry(middle, 12)?;
        (all, any) = (all & leaf, any | leaf);
        (leaf, 0xFFF)
    } else {
        if middle & large_reserved(21) != 0 {
            return None;
        }
        (middle, 0x1F_FFFF)
    };
    let wanted = PRESENT | ACCESSED;
    let dirty = if access.write { DIRTY } else { 0 };
    let sound = all & wanted == wanted
        && leaf & dirty == dirty
        && any & paging.reserved(0) == 0
        && (root | upper) & LARGE == 0
        && is_canonical(linear, 39)
        && paging.allows(access, all, any);
    sound.then_some(Gpa(leaf & ADDRESS & !in_page | linear & in_page))
}

/// Any walk, with all its consequences.
#[cold]
fn in_full<M: GuestMemory + ?Sized>(
    memory: &M,
    paging: &Paging,
    linear: Gva,
    access: Access,
) -> Result<Gpa, WalkFault> {
    for _ in 0..TRIES {
        let attempt = match paging.format() {
            Format::Long4 => long(memory, paging, linear.0, access, 39),
            Format::Long5 => long(memory, paging, linear.0, access, 48),
            Format::Off => return Ok(Gpa(linear.0 & LINEAR_32)),
            Format::Pae => pae(memory, paging, linear.0 & LINEAR_32, access),
            Format::Legacy => walk_legacy::two_levels(memory, paging, linear.0 & LINEAR_32, access),
        };
        match attempt? {
            Attempt::Reached(at) => return Ok(at),
            Attempt::Raced => {}
        }
    }
    Err(WalkFault::Contended)
}

/// Whether all bits above the topmost index, which is nine bits from `shift`
/// on, equal its top bit.
const fn is_canonical(linear: u64, shift: u32) -> bool {
    let unused = 64 - 9 - shift;
    ((linear << unused) as i64 >> unused) as u64 == linear
}

/// Long mode; `shift` is 39 for four levels, 48 for five.
fn long<M: GuestMemory + ?Sized>(
    memory: &M,
    paging: &Paging,
    linear: u64,
    access: Access,
    shift: u32,
) -> Result<Attempt, WalkFault> {
    if !is_canonical(linear, shift) {
        return Err(WalkFault::NonCanonical);
    }
    let root = paging.cr3 & ADDRESS;
    levels(
        memory,
        paging,
        linear,
        access,
        Start {
            root,
            shift,
            reserved: paging.reserved(0),
        },
    )
}

/// 24593 section 5.2.3: CR3 points at four pointers, which nested paging reads
/// at each walk. They carry neither permissions nor an accessed bit.
fn pae<M: GuestMemory + ?Sized>(
    memory: &M,
    paging: &Paging,
    linear: u64,
    access: Access,
) -> Result<Attempt, WalkFault> {
    const POINTER_RESERVED: u64 = 0x1E6 | 1 << 63;
    let at = Gpa((paging.cr3 & 0xFFFF_FFE0) + (linear >> 30) * 8);
    let pointer = memory
        .load_u64(at)
        .map_err(|_| WalkFault::OutsideRam { at })?;
    if pointer & PRESENT == 0 {
        return Err(paging.fault(access, linear, 0));
    }
    let reserved = paging.reserved(PAE_RESERVED);
    if pointer & (reserved | POINTER_RESERVED) != 0 {
        return Err(paging.fault(access, linear, fault::PRESENT | fault::RESERVED));
    }
    levels(
        memory,
        paging,
        linear,
        access,
        Start {
            root: pointer & ADDRESS,
            shift: 21,
            reserved,
        },
    )
}

/// Where a run of 64-bit tables begins.
struct Start {
    /// Address of the first table.
    root: u64,
    /// Lowest linear-address bit that indexes it.
    shift: u32,
    /// Bits reserved in every entry.
    reserved: u64,
}

/// Entries as they were read, so that they can be exchanged as they were
/// checked. Five levels at most.
type Trail = [(Gpa, u64); 5];

fn levels<M: GuestMemory + ?Sized>(
    memory: &M,
    paging: &Paging,
    linear: u64,
    access: Access,
    start: Start,
) -> Result<Attempt, WalkFault> {
    let mut trail: Trail = [(Gpa(0), 0); 5];
    let (mut table, mut shift) = (start.root, start.shift);
    let (mut all, mut any) = (u64::MAX, 0);
    let mut leaf = 0;
    // Ends at shift 12 at the latest: 48, 39, 30, 21, 12 are five.
    for place in &mut trail {
        let at = Gpa(table + (linear >> shift & 0x1FF) * 8);
        leaf = memory
            .load_u64(at)
            .map_err(|_| WalkFault::OutsideRam { at })?;
        if leaf & PRESENT == 0 {
            return Err(paging.fault(access, linear, 0));
        }
        let large = leaf & LARGE != 0 && shift != 12;
        if leaf & start.reserved != 0 || large && leaf & large_reserved(shift) != 0 {
            return Err(paging.fault(access, linear, fault::PRESENT | fault::RESERVED));
        }
        *place = (at, leaf);
        all &= leaf;
        any |= leaf;
        if large || shift == 12 {
            break;
        }
        table = leaf & ADDRESS;
        shift -= 9;
    }
    if !paging.allows(access, all, any) {
        return Err(paging.fault(access, linear, fault::PRESENT));
    }
    let in_page = (1 << shift) - 1;
    let reached = Gpa(leaf & ADDRESS & !in_page | linear & in_page);
    if all & ACCESSED != 0 && (!access.write || leaf & DIRTY != 0) {
        return Ok(Attempt::Reached(reached));
    }
    mark(memory, &trail, access.write, reached)
}

/// Bits reserved in an entry that maps a large page: the address bits below the
/// page size except bit 12 (PAT); above 1 GiB there are no large pages.
const fn large_reserved(shift: u32) -> u64 {
    if shift > 30 {
        LARGE
    } else {
        ((1 << shift) - 1) & ADDRESS & !(1 << 12)
    }
}

/// Sets the bits that are missing, top down.
#[cold]
fn mark<M: GuestMemory + ?Sized>(
    memory: &M,
    trail: &Trail,
    write: bool,
    reached: Gpa,
) -> Result<Attempt, WalkFault> {
    for (level, &(at, entry)) in trail.iter().enumerate() {
        // Entries are present, so zero is the unused rest of the array.
        if entry == 0 {
            break;
        }
        let last = trail.get(level + 1).is_none_or(|next| next.1 == 0);
        let dirty = if last && write { DIRTY } else { 0 };
        let marked = entry | ACCESSED | dirty;
        if marked == entry {
            continue;
        }
        match memory.exchange_u64(at, entry, marked) {
            Ok(true) => {}
            Ok(false) => return Ok(Attempt::Raced),
            Err(_) => return Err(WalkFault::OutsideRam { at }),
        }
    }
    Ok(Attempt::Reached(reached))
}

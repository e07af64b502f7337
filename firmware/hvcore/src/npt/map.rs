//! Mapping guest RAM: choosing page sizes, building tables, counting them first.
//!
//! Nothing is mapped at the local APIC, the IOAPIC or any other hole: an access
//! there is a nested page fault, which is how MMIO reaches us (MMU-45).

use super::table::Tables;
use crate::ids::{Gpa, Hpa};
use svm::npt::{Entry, PAGE_1G, PAGE_2M, PAGE_4K};

/// Why a range could not be mapped. Nothing is undone: the partition is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapFault {
    /// The arena has no frame left.
    OutOfTables,
    /// Addresses or length are not multiples of 4 KiB, or wrap.
    Unaligned,
    /// A page is mapped already.
    Occupied,
}

/// Frames that mapping `len` bytes from guest address 0, and a second run above
/// 4 GiB, can need when both sides are 2 MiB aligned: root, pointer tables, and
/// one directory for each GiB touched.
pub const fn tables_needed(len: u64) -> u64 {
    4 + len.div_ceil(PAGE_1G) + 1
}

const fn index(at: u64, level: u32) -> usize {
    ((at >> (12 + 9 * (level - 1))) & 511) as usize
}

/// Maps `[gpa, gpa + len)` to `[hpa, ...)`. `giant` allows 1 GiB pages.
pub fn map_run(
    tables: &mut impl Tables,
    root: Hpa,
    gpa: Gpa,
    hpa: Hpa,
    len: u64,
    giant: bool,
) -> Result<(), MapFault> {
    let end = gpa.0.checked_add(len).ok_or(MapFault::Unaligned)?;
    if !(gpa.0 | hpa.0 | len).is_multiple_of(PAGE_4K) {
        return Err(MapFault::Unaligned);
    }
    let mut at = gpa.0;
    while at < end {
        let to = hpa.0 + (at - gpa.0);
        let (size, level) = largest(at, to, end - at, giant);
        set_leaf(tables, root, at, level, Entry::leaf(to, level > 1))?;
        at += size;
    }
    Ok(())
}

fn largest(gpa: u64, hpa: u64, left: u64, giant: bool) -> (u64, u32) {
    let fits = |size: u64| (gpa | hpa).is_multiple_of(size) && left >= size;
    if giant && fits(PAGE_1G) {
        (PAGE_1G, 3)
    } else if fits(PAGE_2M) {
        (PAGE_2M, 2)
    } else {
        (PAGE_4K, 1)
    }
}

fn set_leaf(
    tables: &mut impl Tables,
    root: Hpa,
    gpa: u64,
    level: u32,
    leaf: Entry,
) -> Result<(), MapFault> {
    let mut at = root;
    for upper in (level + 1..=4).rev() {
        at = next_table(tables, at, index(gpa, upper))?;
    }
    let table = tables.table(at).ok_or(MapFault::OutOfTables)?;
    if table.get(index(gpa, level)).present() {
        return Err(MapFault::Occupied);
    }
    table.set(index(gpa, level), leaf);
    Ok(())
}

fn next_table(tables: &mut impl Tables, at: Hpa, slot: usize) -> Result<Hpa, MapFault> {
    let entry = tables.table(at).ok_or(MapFault::OutOfTables)?.get(slot);
    if entry.large() && entry.present() {
        return Err(MapFault::Occupied);
    }
    if entry.present() {
        return Ok(Hpa(entry.address()));
    }
    let fresh = tables.allocate().ok_or(MapFault::OutOfTables)?;
    tables
        .table(at)
        .ok_or(MapFault::OutOfTables)?
        .set(slot, Entry::table(fresh.0));
    Ok(fresh)
}

/// Host address behind a guest address, as hardware would find it.
pub fn translate(tables: &impl Tables, root: Hpa, gpa: Gpa) -> Option<Hpa> {
    let mut at = root;
    for level in (1..=4u32).rev() {
        let entry = tables.table(at)?.get(index(gpa.0, level));
        if !entry.present() {
            return None;
        }
        if level == 1 || entry.large() {
            let size = 1u64 << (12 + 9 * (level - 1));
            return Some(Hpa((entry.address() & !(size - 1)) | (gpa.0 & (size - 1))));
        }
        at = Hpa(entry.address());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::table::TablePage;
    use super::*;
    use proptest::prelude::*;

    struct Host(Vec<Box<TablePage>>, usize);

    impl Tables for Host {
        fn allocate(&mut self) -> Option<Hpa> {
            if self.0.len() >= self.1 {
                return None;
            }
            self.0.push(Box::new(TablePage::empty()));
            Some(Hpa(self.0.len() as u64 * 4096))
        }
        fn table(&self, at: Hpa) -> Option<&TablePage> {
            self.0
                .get((at.0 / 4096).checked_sub(1)? as usize)
                .map(|b| &**b)
        }
    }

    fn host(frames: usize) -> (Host, Hpa) {
        let mut tables = Host(Vec::new(), frames);
        let root = tables.allocate().unwrap();
        (tables, root)
    }

    /// MMU-08: too few frames refuse the map instead of leaving holes unnoticed.
    #[test]
    fn an_exhausted_arena_is_an_error() {
        let (mut tables, root) = host(2);
        let result = map_run(&mut tables, root, Gpa(0), Hpa(PAGE_1G), PAGE_2M, false);
        assert_eq!(result, Err(MapFault::OutOfTables));
    }

    /// MMU-45: a partition's map leaves the interrupt controllers to exits.
    #[test]
    fn the_hole_below_4_gib_is_never_mapped() {
        let (mut tables, root) = host(64);
        map_run(
            &mut tables,
            root,
            Gpa(0),
            Hpa(8 * PAGE_1G),
            3 * PAGE_1G,
            true,
        )
        .unwrap();
        map_run(
            &mut tables,
            root,
            Gpa(4 * PAGE_1G),
            Hpa(11 * PAGE_1G),
            PAGE_1G,
            true,
        )
        .unwrap();
        for hole in [0xc000_0000, 0xfec0_0000, 0xfee0_0000, 0xffff_f000] {
            assert_eq!(translate(&tables, root, Gpa(hole)), None);
        }
    }

    proptest! {
        /// MMU-01, MMU-43: every page of a run, whatever sizes were chosen, leads
        /// to its own host page, and the page after the run to nothing.
        #[test]
        fn every_page_of_a_run_translates_to_its_frame(
            start in 0u64..2048, frame in 0u64..4096, pages in 1u64..3000, probe in 0u64..3000, giant: bool,
        ) {
            let (mut tables, root) = host(64);
            let (gpa, hpa) = (start * 4096, (frame + 4096) * 4096);
            map_run(&mut tables, root, Gpa(gpa), Hpa(hpa), pages * 4096, giant).unwrap();
            let at = probe % pages * 4096 + 123;
            prop_assert_eq!(translate(&tables, root, Gpa(gpa + at)), Some(Hpa(hpa + at)));
            prop_assert_eq!(translate(&tables, root, Gpa(gpa + pages * 4096)), None);
            prop_assert_eq!(map_run(&mut tables, root, Gpa(gpa), Hpa(hpa), 4096, false), Err(MapFault::Occupied));
        }

        /// The count that sizes the arena is never too small.
        #[test]
        fn the_counted_tables_suffice_for_any_two_mib_size(mib in 1u64..4096) {
            let len = mib * PAGE_2M;
            let low = len.min(3 * PAGE_1G);
            let (mut tables, root) = host(tables_needed(len) as usize);
            map_run(&mut tables, root, Gpa(0), Hpa(PAGE_2M * 5), low, false).unwrap();
            if len > low {
                map_run(&mut tables, root, Gpa(4 * PAGE_1G), Hpa(PAGE_2M * 5 + low), len - low, false).unwrap();
            }
        }
    }
}

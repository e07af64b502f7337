//! Page-table walks: what is translated, what faults, which bits get set.
//!
//! The long-mode walk is compared with a model that first collects the entries
//! and then judges them, over random entries and control bits. The rest are the
//! cases where formats differ, and the races with another CPU.

use hvcore::decode::mode::EFER_LMA;
use hvcore::decode::paging::{Access, Paging, WalkFault};
use hvcore::decode::walk::walk;
use hvcore::ids::{Gpa, Gva};
use proptest::prelude::*;
use testkit::guest_ram::GuestRam;
use testkit::page_tables::{OPEN, PageTables};

const PG: u64 = 1 << 31;
const WP: u64 = 1 << 16;
const PSE: u64 = 1 << 4;
const PAE: u64 = 1 << 5;
const LA57: u64 = 1 << 12;
const SMEP: u64 = 1 << 20;
const SMAP: u64 = 1 << 21;
const NXE: u64 = 1 << 11;
const AC: u64 = 1 << 18;

const P: u64 = 1;
const W: u64 = 2;
const U: u64 = 4;
const A: u64 = 0x20;
const D: u64 = 0x40;
const PS: u64 = 0x80;
const NX: u64 = 1 << 63;

const READ: Access = Access {
    write: false,
    user: false,
    fetch: false,
};
const WRITE: Access = Access {
    write: true,
    user: false,
    fetch: false,
};
const FETCH: Access = Access {
    write: false,
    user: false,
    fetch: true,
};

fn long_mode(cr3: u64) -> Paging {
    Paging {
        cr0: PG | WP | 1,
        cr3,
        cr4: PAE,
        efer: EFER_LMA | NXE,
        rflags: 0,
        cpl: 0,
        phys_bits: 40,
    }
}

fn fault(address: u64, code: u32) -> Result<Gpa, WalkFault> {
    Err(WalkFault::PageFault { code, address })
}

/// Panics if the walk stores anything.
fn forbid_stores(ram: &GuestRam) {
    ram.interfere(|_, at| panic!("store to {at:?}"));
}

#[test]
fn pages_of_every_size_keep_their_offset() {
    let ram = GuestRam::new(0, 0x10000);
    let mut tables = PageTables::new(&ram, 0x1000, 4);
    tables.set(0xFFFF_8000_0000_0000, 12, 0x12_3456_7000 | P | A);
    tables.set(0x20_0000, 21, 0x12_3460_0000 | P | A | PS);
    tables.set(0x4000_0000, 30, 0x12_4000_0000 | P | A | PS);
    let paging = long_mode(tables.root | 0xFFF);
    forbid_stores(&ram);
    let at = |linear| walk(&ram, &paging, Gva(linear), READ);
    assert_eq!(at(0xFFFF_8000_0000_0ABC), Ok(Gpa(0x12_3456_7ABC)));
    assert_eq!(at(0x2A_BCDE), Ok(Gpa(0x12_346A_BCDE)));
    assert_eq!(at(0x7ABC_DEF0), Ok(Gpa(0x12_7ABC_DEF0)));
    assert_eq!(at(0x8000_0000), fault(0x8000_0000, 0));
}

#[test]
fn a_read_marks_every_level_accessed_and_only_a_write_marks_the_leaf_dirty() {
    let ram = GuestRam::new(0, 0x10000);
    let mut tables = PageTables::new(&ram, 0x1000, 4);
    let upper = tables.set(0x5000, 39, 0x2000 | P | W);
    ram.put_u64(0x2000, 0x3000 | P | W | A);
    ram.put_u64(0x3000, 0x4000 | P | W);
    ram.put_u64(0x4000 + 5 * 8, 0x9000 | P | W);
    let paging = long_mode(tables.root);
    let entries = || [upper, 0x2000, 0x3000, 0x4028].map(|at| ram.get_u64(at) & (A | D));
    assert_eq!(walk(&ram, &paging, Gva(0x5008), READ), Ok(Gpa(0x9008)));
    assert_eq!(entries(), [A, A, A, A]);
    assert_eq!(walk(&ram, &paging, Gva(0x5008), WRITE), Ok(Gpa(0x9008)));
    assert_eq!(entries(), [A, A, A, A | D]);
    forbid_stores(&ram);
    assert_eq!(walk(&ram, &paging, Gva(0x5008), WRITE), Ok(Gpa(0x9008)));
}

#[test]
fn a_walk_that_faults_marks_nothing() {
    let ram = GuestRam::new(0, 0x10000);
    let mut tables = PageTables::new(&ram, 0x1000, 4);
    tables.set(0x5000, 12, 0x9000 | P);
    let before = ram.snapshot();
    let paging = long_mode(tables.root);
    assert_eq!(walk(&ram, &paging, Gva(0x5000), WRITE), fault(0x5000, 0b11));
    assert!(ram.snapshot() == before);
}

#[test]
fn without_paging_linear_addresses_are_32_bit_physical_ones() {
    let ram = GuestRam::new(0, 8);
    let paging = Paging {
        cr0: 1,
        ..long_mode(0)
    };
    assert_eq!(
        walk(&ram, &paging, Gva(0x1_0000_0123), WRITE),
        Ok(Gpa(0x123))
    );
}

#[test]
fn canonical_means_48_bits_with_four_levels_and_57_with_five() {
    let ram = GuestRam::new(0, 0x20000);
    let mut tables = PageTables::new(&ram, 0x1000, 5);
    tables.set(0x00FF_0000_0000_0000, 12, 0x9000 | P | A);
    tables.set(0xFF00_0000_0000_0000, 12, 0xA000 | P | A);
    let five = Paging {
        cr4: PAE | LA57,
        ..long_mode(tables.root)
    };
    assert_eq!(
        walk(&ram, &five, Gva(0x00FF_0000_0000_0000), READ),
        Ok(Gpa(0x9000))
    );
    assert_eq!(
        walk(&ram, &five, Gva(0xFF00_0000_0000_0000), READ),
        Ok(Gpa(0xA000))
    );
    let beyond = walk(&ram, &five, Gva(0x0100_0000_0000_0000), READ);
    assert_eq!(beyond, Err(WalkFault::NonCanonical));
    let four = long_mode(tables.root);
    let beyond = walk(&ram, &four, Gva(0x0000_8000_0000_0000), READ);
    assert_eq!(beyond, Err(WalkFault::NonCanonical));
}

#[test]
fn tables_outside_ram_are_told_apart_from_absent_pages() {
    let ram = GuestRam::new(0, 0x2000);
    ram.put_u64(0x1000, 0x7F_0000_0000 | OPEN);
    let at = Gpa(0x7F_0000_0000);
    let paging = long_mode(0x1000);
    assert_eq!(
        walk(&ram, &paging, Gva(0), READ),
        Err(WalkFault::OutsideRam { at })
    );
    assert_eq!(walk(&ram, &paging, Gva(1 << 39), READ), fault(1 << 39, 0));
}

#[test]
fn pae_reads_a_pointer_and_two_levels() {
    let ram = GuestRam::new(0, 0x10000);
    // The pointer table is aligned to 32 bytes only.
    ram.put_u64(0x1020 + 3 * 8, 0x2000 | P);
    ram.put_u64(0x2000, 0x3000 | P | W | U | A);
    ram.put_u64(0x3000, 0x8_0000_0000 | P | W | A);
    ram.put_u64(0x2008, 0x8_0020_0000 | P | W | A | PS);
    let paging = Paging {
        efer: NXE,
        ..long_mode(0x1020)
    };
    let at = |linear| walk(&ram, &paging, Gva(linear), READ);
    assert_eq!(at(0xC000_0123), Ok(Gpa(0x8_0000_0123)));
    assert_eq!(at(0xC02A_BCDE), Ok(Gpa(0x8_002A_BCDE)));
    assert_eq!(at(0x8000_0000), fault(0x8000_0000, 0));
    ram.put_u64(0x1020 + 3 * 8, 0x2000 | P | W);
    assert_eq!(at(0xC000_0123), fault(0xC000_0123, 0b1001));
    ram.put_u64(0x1020 + 3 * 8, 0x2000 | P);
    ram.put_u64(0x3000, 0x8_0000_0000 | P | W | A | 1 << 52);
    assert_eq!(at(0xC000_0123), fault(0xC000_0123, 0b1001));
}

/// Two-level tables: the directory at 0x1000, one table at 0x2000.
fn legacy(cr4: u64) -> (GuestRam, Paging) {
    let ram = GuestRam::new(0, 0x10000);
    // Directory entries 0 (a table) and 1 (4 MiB at 0x12_0080_0000).
    let large: u64 = 0x0080_0000 | 0x12 << 13 | P | W | PS;
    ram.put_u64(0x1000, 0x2000 | P | W | large << 32);
    ram.put_u64(0x2000, (0x9000 | P | W) << 32);
    let paging = Paging {
        cr4,
        efer: 0,
        ..long_mode(0x1000)
    };
    (ram, paging)
}

#[test]
fn legacy_entries_are_marked_without_touching_their_neighbours() {
    let (ram, paging) = legacy(PSE);
    let (directory, table) = (ram.get_u64(0x1000), ram.get_u64(0x2000));
    assert_eq!(walk(&ram, &paging, Gva(0x1234), WRITE), Ok(Gpa(0x9234)));
    assert_eq!(ram.get_u64(0x1000), directory | A);
    assert_eq!(ram.get_u64(0x2000), table | (A | D) << 32);
    assert_eq!(walk(&ram, &paging, Gva(0x0), READ), fault(0, 0));
}

#[test]
fn four_mib_pages_reach_beyond_4_gib_and_need_pse() {
    let (ram, paging) = legacy(PSE);
    assert_eq!(
        walk(&ram, &paging, Gva(0x7A_BCDE), READ),
        Ok(Gpa(0x12_00BA_BCDE))
    );
    let narrow = Paging {
        phys_bits: 36,
        ..paging
    };
    assert_eq!(
        walk(&ram, &narrow, Gva(0x7A_BCDE), READ),
        fault(0x7A_BCDE, 0b1001)
    );
    // Without PSE the same entry points at a table.
    let (ram, paging) = legacy(0);
    let at = Gpa(0x0082_4000 + 0x3AB * 4);
    assert_eq!(
        walk(&ram, &paging, Gva(0x7A_BCDE), READ),
        Err(WalkFault::OutsideRam { at })
    );
}

#[test]
fn an_entry_that_another_cpu_replaced_is_walked_again() {
    let ram = GuestRam::new(0, 0x10000);
    let mut tables = PageTables::new(&ram, 0x1000, 4);
    let leaf = tables.set(0x5000, 12, 0x9000 | P | W);
    let paging = long_mode(tables.root);
    ram.interfere(move |ram, _| ram.put_u64(leaf, 0xA000 | P | W | A | D));
    assert_eq!(walk(&ram, &paging, Gva(0x5000), WRITE), Ok(Gpa(0xA000)));
    // Marked between load and exchange, then taken away: no stale bit comes
    // back to life.
    ram.put_u64(leaf, 0x9000 | P | W);
    ram.interfere(move |ram, _| ram.put_u64(leaf, 0));
    assert_eq!(walk(&ram, &paging, Gva(0x5000), READ), fault(0x5000, 0));
    assert_eq!(ram.get_u64(leaf), 0);
}

#[test]
fn a_fight_over_an_entry_ends_in_a_retry_by_the_guest() {
    let ram = GuestRam::new(0, 0x10000);
    let mut tables = PageTables::new(&ram, 0x1000, 4);
    let leaf = tables.set(0x5000, 12, 0x9000 | P | W);
    let mut turn = 0;
    ram.interfere(move |ram, _| {
        turn = (turn + 1) % 16;
        ram.put_u64(leaf, (0x9000 + turn * 0x1000) | P | W);
    });
    let paging = long_mode(tables.root);
    assert_eq!(
        walk(&ram, &paging, Gva(0x5000), READ),
        Err(WalkFault::Contended)
    );
}

#[test]
fn a_neighbour_of_a_legacy_entry_may_change_freely() {
    let (ram, paging) = legacy(0);
    ram.put_u64(0x1000, ram.get_u64(0x1000) | A);
    let mut once = true;
    ram.interfere(move |ram, _| {
        if std::mem::take(&mut once) {
            ram.put_u64(0x2000, ram.get_u64(0x2000) | 0xABC0_0000);
        }
    });
    assert_eq!(walk(&ram, &paging, Gva(0x1000), READ), Ok(Gpa(0x9000)));
    assert_eq!(
        ram.get_u64(0x2000),
        (0x9000 | P | W | A) << 32 | 0xABC0_0000
    );
}

/// What the manual says of a walk whose entries are `entries`, the last of them
/// mapping a page of `1 << shift` bytes.
fn judge(paging: &Paging, access: Access, entries: &[(u64, u32)]) -> Result<(), u32> {
    let nxe = paging.efer & NXE != 0;
    let mut code = 0;
    code |= if access.write { 1 << 1 } else { 0 };
    code |= if access.user { 1 << 2 } else { 0 };
    code |= if access.fetch && (nxe || paging.cr4 & SMEP != 0) {
        1 << 4
    } else {
        0
    };
    for &(entry, shift) in entries {
        if entry & P == 0 {
            return Err(code);
        }
        let mut reserved = (1 << 52) - (1 << paging.phys_bits);
        if !nxe {
            reserved |= NX;
        }
        reserved |= match (shift, entry & PS != 0) {
            (39.., _) => PS,
            (30, true) => 0x3FFF_E000,
            (21, true) => 0x1F_E000,
            _ => 0,
        };
        if entry & reserved != 0 {
            return Err(code | 0b1001);
        }
    }
    let every = |bit: u64| entries.iter().all(|&(entry, _)| entry & bit != 0);
    let some = |bit: u64| entries.iter().any(|&(entry, _)| entry & bit != 0);
    let user_page = every(U);
    let denied = [
        access.user && !user_page,
        access.write && !every(W) && (access.user || paging.cr0 & WP != 0),
        access.fetch && some(NX),
        access.fetch && !access.user && user_page && paging.cr4 & SMEP != 0,
        !access.fetch
            && !access.user
            && user_page
            && paging.cr4 & SMAP != 0
            && (paging.rflags & AC == 0 || paging.cpl == 3),
    ];
    if denied.contains(&true) {
        Err(code | 1)
    } else {
        Ok(())
    }
}

/// Flags of an entry: usually open, sometimes with one thing wrong.
fn flags() -> impl Strategy<Value = u64> {
    let open = P | W | U;
    let odd = prop::sample::select(vec![
        open & !P,
        open & !W,
        open & !U,
        open | A,
        open | D,
        open | PS,
        open | NX,
        open | A | D,
        open | PS | A,
        open | 1 << 40,
        open | 1 << 51,
        open | 1 << 13,
        open | 1 << 13 | PS,
        open | 1 << 12 | PS,
        P | U | NX,
        P,
        0,
    ]);
    prop_oneof![3 => Just(open), 2 => odd]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn permissions_and_marks_are_those_of_the_model(
        flags in prop::array::uniform4(flags()),
        marked in any::<bool>(),
        control in any::<[bool; 6]>(),
        write in any::<bool>(),
        fetch in any::<bool>(),
        user in any::<bool>(),
        cpl in 0..4u8,
    ) {
        let ram = GuestRam::new(0, 0x8000);
        let paging = Paging {
            cr0: PG | 1 | if control[0] { WP } else { 0 },
            cr4: PAE | if control[1] { SMEP } else { 0 } | if control[2] { SMAP } else { 0 },
            efer: EFER_LMA | if control[3] { NXE } else { 0 },
            rflags: if control[4] { AC } else { 0 },
            cpl,
            ..long_mode(0x1000)
        };
        let access = Access { write: write && !fetch, user, fetch };
        // Indices 1, 2, 3 and 4 from the top; a large leaf lies at 32 GiB.
        let linear = 1u64 << 39 | 2 << 30 | 3 << 21 | 4 << 12 | 0x123;
        let mut entries = Vec::new();
        let mut places = Vec::new();
        for (level, flags) in flags.into_iter().enumerate() {
            let shift = 39 - 9 * level as u32;
            let last = shift == 12 || flags & PS != 0;
            // Nothing left to mark is the usual case, and has a path of its own.
            let flags = flags | if marked { A | D } else { 0 };
            // In an entry that points at a table these are address bits.
            let flags = if last { flags } else { flags & !(3 << 12) };
            let address = if last { 1 << 35 } else { 0x2000 + 0x1000 * level as u64 };
            let place = 0x1000 * (level as u64 + 1) + 8 * (level as u64 + 1);
            ram.put_u64(place, address | flags);
            entries.push((address | flags, shift));
            places.push(place);
            if last {
                break;
            }
        }
        let result = walk(&ram, &paging, Gva(linear), access);
        let after: Vec<u64> = places.iter().map(|&place| ram.get_u64(place)).collect();
        let mut expected: Vec<u64> = entries.iter().map(|&(entry, _)| entry).collect();
        match judge(&paging, access, &entries) {
            Err(code) => prop_assert_eq!(result, fault(linear, code)),
            Ok(()) => {
                let (leaf, shift) = *entries.last().unwrap();
                let in_page = (1u64 << shift) - 1;
                let page = leaf & 0x000F_FFFF_FFFF_F000 & !in_page;
                prop_assert_eq!(result, Ok(Gpa(page | linear & in_page)));
                expected.iter_mut().for_each(|entry| *entry |= A);
                *expected.last_mut().unwrap() |= if access.write { D } else { 0 };
            }
        }
        prop_assert_eq!(after, expected);
    }
}

#[test]
fn fetch_faults_carry_the_fetch_bit_only_if_something_could_forbid_fetches() {
    let ram = GuestRam::new(0, 0x2000);
    let at = |cr4, efer| {
        let paging = Paging {
            cr4: PAE | cr4,
            efer: EFER_LMA | efer,
            ..long_mode(0x1000)
        };
        walk(&ram, &paging, Gva(0x5000), FETCH)
    };
    assert_eq!(at(0, 0), fault(0x5000, 0));
    assert_eq!(at(SMEP, 0), fault(0x5000, 0x10));
    assert_eq!(at(0, NXE), fault(0x5000, 0x10));
}

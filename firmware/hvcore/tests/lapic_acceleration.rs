//! AVIC exits: the register table and the causes of an unfinished IPI.
#![cfg(not(any(loom, shuttle)))]

use hvcore::lapic::acceleration::{Access, IpiRemedy, classify, remedy};

use Access::{Direct, Fault, Trap};

/// Offsets and what happens to a read and to a write of each.
const TABLE: [(u16, u16, Access, Access); 17] = [
    (0x020, 0x020, Direct, Trap),
    (0x030, 0x030, Direct, Fault),
    (0x080, 0x080, Direct, Direct),
    (0x090, 0x090, Fault, Fault),
    (0x0A0, 0x0A0, Direct, Fault),
    (0x0B0, 0x0B0, Fault, Trap),
    (0x0C0, 0x0C0, Direct, Trap),
    (0x0D0, 0x0E0, Direct, Trap),
    (0x0F0, 0x0F0, Direct, Trap),
    (0x100, 0x270, Direct, Fault),
    (0x280, 0x280, Direct, Trap),
    (0x300, 0x300, Direct, Trap),
    (0x310, 0x310, Direct, Direct),
    (0x320, 0x370, Direct, Trap),
    (0x380, 0x380, Direct, Trap),
    (0x390, 0x390, Fault, Fault),
    (0x3E0, 0x3E0, Direct, Trap),
];

/// AVIC-30: each slot of the page in both directions, and what lies between.
#[test]
fn every_offset_exits_as_the_table_says() {
    for offset in 0..0x1000u16 {
        let row = TABLE
            .iter()
            .find(|row| offset % 16 == 0 && (row.0..=row.1).contains(&offset));
        let expected = row.map_or((Fault, Fault), |row| (row.2, row.3));
        let found = (classify(offset, false), classify(offset, true));
        assert_eq!(found, expected, "{offset:#x}");
    }
}

/// H-39: a bad target is no reason to forget the good ones; H-40: nor to stop.
#[test]
fn only_a_bad_backing_page_is_our_fault() {
    assert_eq!(remedy(0), IpiRemedy::Emulate);
    assert_eq!(remedy(1), IpiRemedy::Kick);
    assert_eq!(remedy(2), IpiRemedy::Emulate);
    assert_eq!(remedy(3), IpiRemedy::Stop);
    assert_eq!(remedy(4), IpiRemedy::Emulate);
    for cause in [5, 6, u32::MAX] {
        assert_eq!(remedy(cause), IpiRemedy::EmulateAndReport);
    }
}

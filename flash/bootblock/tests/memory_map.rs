//! The memory map: claims cut holes, neighbours merge, nothing overlaps.

use bootblock::memory_map::{Full, Kind, MemoryMap, Range};
use proptest::prelude::*;

const MIB: u64 = 1 << 20;

fn e820(entries: &[(u64, u64, u32)]) -> Vec<u8> {
    let mut file = Vec::new();
    for &(start, length, kind) in entries {
        file.extend(start.to_le_bytes());
        file.extend(length.to_le_bytes());
        file.extend(kind.to_le_bytes());
    }
    file
}

fn flat(map: &MemoryMap) -> Vec<(u64, u64, Kind)> {
    map.ranges()
        .iter()
        .map(|r| (r.start, r.end, r.kind))
        .collect()
}

#[test]
fn a_claim_inside_ram_leaves_ram_on_both_sides() {
    let mut map = MemoryMap::from_e820(&e820(&[(0, 512 * MIB, 1)])).unwrap();
    map.claim(0x8000, 0xe000, Kind::Reserved).unwrap();
    assert_eq!(
        flat(&map),
        [
            (0, 0x8000, Kind::Ram),
            (0x8000, 0xe000, Kind::Reserved),
            (0xe000, 512 * MIB, Kind::Ram)
        ]
    );
}

#[test]
fn the_later_claim_wins_and_equal_neighbours_become_one() {
    let mut map = MemoryMap::new();
    map.claim(0x1000, 0x3000, Kind::Ram).unwrap();
    map.claim(0x3000, 0x4000, Kind::Ram).unwrap();
    map.claim(0x2000, 0x5000, Kind::Table).unwrap();
    map.claim(0x4000, 0x4800, Kind::Table).unwrap();
    assert_eq!(
        flat(&map),
        [(0x1000, 0x2000, Kind::Ram), (0x2000, 0x5000, Kind::Table)]
    );
}

#[test]
fn unknown_e820_types_are_reserved_and_a_half_record_is_ignored() {
    let mut file = e820(&[(0, MIB, 1), (MIB, MIB, 99)]);
    file.extend([0xff; 7]);
    let map = MemoryMap::from_e820(&file).unwrap();
    assert_eq!(
        flat(&map),
        [(0, MIB, Kind::Ram), (MIB, 2 * MIB, Kind::Reserved)]
    );
}

#[test]
fn low_ram_ends_below_4_gib_whatever_lies_above() {
    let map = MemoryMap::from_e820(&e820(&[(0, 2048 * MIB, 1), (4096 * MIB, 4096 * MIB, 1)]));
    assert_eq!(map.unwrap().low_ram_end(), 2048 * MIB);
    assert_eq!(MemoryMap::new().low_ram_end(), 0);
}

#[test]
fn a_segment_that_touches_a_hole_is_not_in_ram() {
    let mut map = MemoryMap::from_e820(&e820(&[(0, 512 * MIB, 1)])).unwrap();
    map.claim(32 * MIB, 34 * MIB, Kind::Reserved).unwrap();
    assert!(map.is_ram(16 * MIB, 32 * MIB));
    assert!(!map.is_ram(16 * MIB, 32 * MIB + 1));
    assert!(!map.is_ram(511 * MIB, 513 * MIB));
}

#[test]
fn a_full_map_says_so() {
    let mut map = MemoryMap::new();
    let answers: Vec<_> = (0..100)
        .map(|i| map.claim(i * 0x2000, i * 0x2000 + 0x1000, Kind::Ram))
        .collect();
    assert!(answers.contains(&Err(Full)));
    assert_eq!(map.ranges().len(), bootblock::memory_map::CAPACITY);
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Ram),
        Just(Kind::Reserved),
        Just(Kind::Acpi),
        Just(Kind::Table)
    ]
}

proptest! {
    /// Against a model that paints a line of pages, one claim after the other.
    #[test]
    fn every_page_belongs_to_its_last_claim(claims in prop::collection::vec((0u64..40, 0u64..40, kind()), 0..24)) {
        let mut map = MemoryMap::new();
        let mut pages = [None; 40];
        for (start, end, kind) in claims {
            map.claim(start, end, kind).unwrap();
            for page in start..end {
                pages[page as usize] = Some(kind);
            }
        }
        let owner = |page: u64| {
            let mut owners = map.ranges().iter().filter(|r| r.start <= page && page < r.end);
            let owner = owners.next().map(|r| r.kind);
            assert!(owners.next().is_none(), "ranges overlap");
            owner
        };
        for page in 0..40 {
            prop_assert_eq!(owner(page), pages[page as usize]);
        }
        let mergeable = |w: &[Range]| w[0].end == w[1].start && w[0].kind == w[1].kind;
        prop_assert!(map.ranges().windows(2).all(|w| w[0].end <= w[1].start && !mergeable(w)));
    }
}

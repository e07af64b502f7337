//! Memory maps, carving, and the PVH hand-off.

mod handoff_memory;

use handoff_memory::Sparse;
use hvcore::handoff::memory::{
    FRAME, LARGE_PAGE, LOW_MEMORY_END, TooLittleMemory, UsableRam, trampoline_page,
};
use hvcore::handoff::memory_map::{MemoryKind, MemoryMap, ResolvedMap, Span};
use hvcore::handoff::pvh::{self, PvhFault};
use hvcore::ids::Hpa;
use proptest::prelude::*;

const MIB: u64 = 1 << 20;

fn resolved(list: &[(u64, u64, u32)]) -> ResolvedMap {
    let mut map = MemoryMap::empty();
    for (start, len, kind) in list {
        map.push(*start, *len, MemoryKind(*kind)).unwrap();
    }
    map.resolve()
}

fn q35() -> ResolvedMap {
    resolved(&[
        (0, 0x1000, 16),
        (0x1000, 0x9f000, 1),
        (0xa_0000, 0x6_0000, 2),
        (MIB, 127 * MIB, 1),
        (127 * MIB, MIB, 16),
    ])
}

#[test]
fn where_ranges_overlap_the_most_restrictive_kind_holds() {
    let map = resolved(&[
        (0, 0x10000, 1),
        (0x4000, 0x2000, 2),
        (0x5000, 0x3000, 5),
        (0x20000, 0x1000, 77),
    ]);
    let found: Vec<_> = map
        .pieces()
        .iter()
        .map(|p| (p.span.start.0, p.span.end(), p.kind.0))
        .collect();
    let wanted = [
        (0, 0x4000, 1),
        (0x4000, 0x5000, 2),
        (0x5000, 0x8000, 5),
        (0x8000, 0x10000, 1),
        (0x20000, 0x21000, 77),
    ];
    assert_eq!(found, wanted);
    assert_eq!(map.kind_at(Hpa(0x1_8000)), None);
}

#[test]
fn ram_that_wraps_round_is_ignored_and_a_reservation_that_wraps_is_kept() {
    let map = resolved(&[
        (u64::MAX - 10, 100, 1),
        (0x1000, 0x1000, 1),
        (0x1800, u64::MAX, 2),
    ]);
    assert_eq!(
        map.ram().collect::<Vec<_>>(),
        [Span::between(0x1000, 0x1800)]
    );
}

#[test]
fn the_payload_and_the_first_mebibyte_are_never_given_out() {
    let payload = Span::between(16 * MIB, 32 * MIB);
    let ram = UsableRam::carve(&q35(), &[payload]);
    let runs: Vec<_> = ram.runs().iter().map(|r| (r.start.0, r.end())).collect();
    assert_eq!(runs, [(LOW_MEMORY_END, 16 * MIB), (32 * MIB, 127 * MIB)]);
}

#[test]
fn partitions_come_from_the_top_of_the_tightest_run_and_frames_from_the_bottom() {
    let mut ram = UsableRam::carve(&q35(), &[Span::between(16 * MIB, 32 * MIB)]);
    // 14 MiB fit into the low run [2, 16) exactly, so the big one stays whole.
    assert_eq!(
        ram.take_partition(14 * MIB).unwrap(),
        Span::between(2 * MIB, 16 * MIB)
    );
    assert_eq!(
        ram.take_partition(32 * MIB).unwrap(),
        Span::between(94 * MIB, 126 * MIB)
    );
    assert_eq!(
        ram.take_frames(FRAME + 1).unwrap(),
        Span::between(MIB, MIB + 2 * FRAME)
    );
    assert_eq!(ram.take_partition(1).unwrap().len, LARGE_PAGE);
}

#[test]
fn too_little_memory_says_how_much_is_missing() {
    let mut ram = UsableRam::carve(&q35(), &[]);
    let before = ram.clone();
    let refused = ram.take_partition(128 * MIB).unwrap_err();
    assert_eq!(
        refused,
        TooLittleMemory {
            wanted: 128 * MIB,
            largest: 124 * MIB
        }
    );
    assert_eq!(refused.missing(), 4 * MIB);
    assert_eq!(
        refused.to_string(),
        "needs 131072 KiB in one piece, the largest free piece has 126976 KiB: 4096 KiB are missing"
    );
    assert_eq!(ram, before);
    assert!(ram.take_partition(u64::MAX).is_err());
    assert!(ram.take_frames(u64::MAX).is_err());
}

#[test]
fn the_trampoline_page_is_chosen_from_the_map() {
    assert_eq!(trampoline_page(&q35(), &[]), Some(Hpa(0x1_0000)));
    assert_eq!(
        trampoline_page(&q35(), &[Span::between(0x1_0800, 0x1_0900)]),
        Some(Hpa(0x1_1000))
    );
    // Only low pages are RAM, and 0x8000 to 0xdfff hold page tables.
    let tight = resolved(&[(0, 0x1000, 16), (0x1000, 0xf000, 1), (0x1000, 0xd000, 2)]);
    assert_eq!(trampoline_page(&tight, &[]), Some(Hpa(0xe000)));
    // Page 0 is RAM, but never used; half a page is no page.
    assert_eq!(trampoline_page(&resolved(&[(0, 0x1800, 1)]), &[]), None);
    assert_eq!(
        trampoline_page(&resolved(&[(0xa_0000, 0x1_0000, 1)]), &[]),
        None
    );
}

fn start_info(version: u32, ranges: &[(u64, u64, u32)], modules: u32) -> Sparse {
    let mut block = Vec::new();
    for word in [pvh::MAGIC, version, 0, modules] {
        block.extend(word.to_le_bytes());
    }
    for long in [0x2000u64, 0, 0xf5a0, 0x3000] {
        block.extend(long.to_le_bytes());
    }
    block.extend((ranges.len() as u32).to_le_bytes());
    block.extend([0; 4]);
    let module: Vec<u8> = [64 * MIB, 4 * MIB, 0, 0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let map: Vec<u8> = ranges
        .iter()
        .flat_map(|(s, l, k)| {
            [
                s.to_le_bytes().to_vec(),
                l.to_le_bytes().to_vec(),
                u64::from(*k).to_le_bytes().to_vec(),
            ]
        })
        .flatten()
        .collect();
    Sparse::default()
        .with(0x1000, block)
        .with(0x2000, module)
        .with(0x3000, map)
}

#[test]
fn a_start_info_block_gives_map_root_pointer_and_module() {
    let tables = pvh::read(
        &start_info(1, &[(MIB, 127 * MIB, 1), (0, 4096, 2)], 1),
        Hpa(0x1000),
    )
    .unwrap();
    assert_eq!(tables.memory.ranges().len(), 2);
    assert_eq!(tables.acpi_rsdp, Some(Hpa(0xf5a0)));
    assert_eq!(tables.ram_cbfs, Some(Span::between(64 * MIB, 68 * MIB)));
    let without = pvh::read(&start_info(1, &[(MIB, MIB, 1)], 0), Hpa(0x1000)).unwrap();
    assert_eq!(without.ram_cbfs, None);
}

#[test]
fn a_start_info_block_that_is_of_no_use_says_why() {
    assert_eq!(
        pvh::read(&start_info(0, &[(MIB, MIB, 1)], 0), Hpa(0x1000)),
        Err(PvhFault::NoMemoryMap)
    );
    assert_eq!(
        pvh::read(&start_info(1, &[(MIB, MIB, 2)], 0), Hpa(0x1000)),
        Err(PvhFault::NoMemory)
    );
    assert_eq!(
        pvh::read(&start_info(1, &[], 0), Hpa(0x1004)),
        Err(PvhFault::NotFound)
    );
    let many: Vec<_> = (0..65).map(|i| (i * MIB, 4096, 1)).collect();
    assert_eq!(
        pvh::read(&start_info(1, &many, 0), Hpa(0x1000)),
        Err(PvhFault::MemoryMapFull)
    );
    let mut beyond = start_info(1, &[(MIB, MIB, 1)], 0);
    beyond.pieces[0].1[48] = 9;
    assert_eq!(
        pvh::read(&beyond, Hpa(0x1000)),
        Err(PvhFault::MemoryMapUnreadable)
    );
}

fn any_range() -> impl Strategy<Value = (u64, u64, u32)> {
    let place = prop_oneof![
        0u64..0x40_0000,
        (0u64..64).prop_map(|p| p * 0x8_0000),
        any::<u64>()
    ];
    let len = prop_oneof![
        0u64..0x10_0000,
        (0u64..512).prop_map(|p| p * 0x8_0000),
        any::<u64>()
    ];
    (
        place,
        len,
        prop_oneof![4 => Just(1u32), 2 => 0u32..18, 1 => any::<u32>()],
    )
}

proptest! {
    /// The whole promise of carving, asked of arbitrary maps: pieces given out
    /// are aligned, apart from each other, wholly RAM by every range, above
    /// 1 MiB, and clear of what was withheld.
    #[test]
    fn whatever_is_given_out_is_free_ram_and_given_once(
        list in prop::collection::vec(any_range(), 0..24),
        hidden in (0u64..0x400_0000, 0u64..0x100_0000),
        wishes in prop::collection::vec((any::<bool>(), 0u64..0x80_0000), 0..12),
    ) {
        let map = resolved(&list);
        let hidden = Span { start: Hpa(hidden.0), len: hidden.1 };
        let mut ram = UsableRam::carve(&map, &[hidden]);
        let mut given: Vec<Span> = Vec::new();
        for (large, len) in wishes {
            let total = ram.total();
            let Ok(span) = (if large { ram.take_partition(len) } else { ram.take_frames(len) }) else { continue };
            prop_assert_eq!(ram.total() + span.len, total);
            prop_assert!(span.len >= len && span.start.0 >= LOW_MEMORY_END);
            prop_assert_eq!(span.start.0 % if large { LARGE_PAGE } else { FRAME }, 0);
            prop_assert!(!span.overlaps(hidden) && given.iter().all(|other| !span.overlaps(*other)));
            for (start, len, kind) in &list {
                let wraps = start.checked_add(*len).is_none();
                let range = Span::between(*start, start.saturating_add(*len));
                prop_assert!(*kind == 1 || !range.overlaps(span), "{range:?} {kind} {span:?} {wraps}");
            }
            let covered = list.iter().any(|(start, len, kind)| {
                *kind == 1 && start.checked_add(*len).is_some_and(|end| *start <= span.start.0 && span.start.0 < end)
            });
            prop_assert!(covered);
            given.push(span);
        }
        if let Some(page) = trampoline_page(&map, &[hidden]) {
            prop_assert!(page.0 != 0 && page.0 < 0xa_0000 && page.0 % 4096 == 0);
            prop_assert_eq!(map.kind_at(page), Some(MemoryKind::RAM));
        }
    }

    #[test]
    fn resolved_pieces_are_ascending_and_agree_with_the_ranges(list in prop::collection::vec(any_range(), 0..40)) {
        let map = resolved(&list);
        for pair in map.pieces().windows(2) {
            prop_assert!(pair[0].span.end() <= pair[1].span.start.0);
        }
        for piece in map.pieces() {
            let claims = list.iter().filter(|(start, len, kind)| {
                let wraps = start.checked_add(*len).is_none();
                *start <= piece.span.start.0 && piece.span.start.0 < start.saturating_add(*len) && !(wraps && *kind == 1)
            });
            let strictest = claims.map(|(_, _, kind)| MemoryKind(*kind).restriction()).max();
            prop_assert_eq!(strictest, Some(piece.kind.restriction()));
        }
    }

    #[test]
    fn arbitrary_start_info_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let mut named = pvh::MAGIC.to_le_bytes().to_vec();
        named.extend(&bytes);
        let _ = pvh::read(&Sparse::default().with(0, named), Hpa(0));
        let _ = pvh::read(&Sparse::default().with(0, bytes), Hpa(0));
    }
}

//! What must hold of any memory map that was accepted.

use hvcore::handoff::memory_map::{MemoryKind, MemoryMap};
use hvcore::ids::Hpa;

/// Pieces ascend, do not touch with the same kind, and RAM is only what every
/// range that claims it calls RAM.
pub fn assert_sound(map: &MemoryMap) {
    let resolved = map.resolve();
    let mut end = 0;
    for piece in resolved.pieces() {
        assert!(piece.span.len > 0 && piece.span.start.0 >= end);
        end = piece.span.end();
    }
    assert!(resolved.ram().next().is_some());
    for ram in resolved.ram() {
        for range in map.ranges() {
            assert!(range.kind == MemoryKind::RAM || !range.span.overlaps(ram));
        }
        for inside in [ram.start.0, ram.end() - 1] {
            assert_eq!(resolved.kind_at(Hpa(inside)), Some(MemoryKind::RAM));
        }
    }
}

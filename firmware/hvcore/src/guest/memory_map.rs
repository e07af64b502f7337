//! Where a partition's RAM is, and how its guest is told.
//!
//! One size gives everything: RAM fills guest-physical memory from 0, stops at
//! 3 GiB, and goes on at 4 GiB. Two pieces below 1 MiB are RAM too but are kept
//! out of the map: the last KiB below 640 KiB, where BIOS data is looked for,
//! and 0xE0000 to 1 MiB, where the ACPI tables are.
//! Also called: E820, memory map, low memory, PCI hole.

use heapless::Vec;

use crate::ids::Gpa;

/// First address of the hole: end of low RAM at most.
pub const HOLE_START: u64 = 0xC000_0000;
/// First address behind the hole.
pub const HOLE_END: u64 = 0x1_0000_0000;
/// End of the conventional memory a guest may use.
pub const CONVENTIONAL_END: u64 = 0x9_FC00;
/// Where firmware tables are put and looked for.
pub const FIRMWARE_AREA: u64 = 0xE_0000;
/// 1 MiB: end of the firmware area, start of RAM that is all the guest's.
pub const EXTENDED_START: u64 = 0x10_0000;
/// Smallest partition: 2 MiB.
pub const MIN_RAM: u64 = 0x20_0000;
/// Most entries of a map: two below 1 MiB, the firmware area, two above.
pub const MAX_ENTRIES: usize = 5;

/// What a range is. Values of E820 and of the multiboot map alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum RangeKind {
    /// RAM for the guest to use.
    Usable = 1,
    /// Not to be touched, but readable.
    Reserved = 2,
}

/// One entry of a memory map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapEntry {
    /// First address.
    pub start: u64,
    /// Length in bytes, not 0.
    pub len: u64,
    /// What it is.
    pub kind: RangeKind,
}

impl MapEntry {
    /// The 20 bytes of an E820 entry: base, length, type.
    pub fn encode(&self) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&self.start.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.len.to_le_bytes());
        bytes[16..].copy_from_slice(&(self.kind as u32).to_le_bytes());
        bytes
    }

    const fn contains(&self, start: u64, len: u64) -> bool {
        match start.checked_sub(self.start) {
            Some(offset) => offset <= self.len && len <= self.len - offset,
            None => false,
        }
    }
}

/// Where a partition's RAM is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RamLayout {
    size: u64,
}

impl RamLayout {
    /// Layout of `size` bytes of RAM; `None` below [`MIN_RAM`], for a size that
    /// is not a multiple of 4 KiB, and above 1 TiB.
    pub const fn new(size: u64) -> Option<Self> {
        if size < MIN_RAM || size > 1 << 40 || !size.is_multiple_of(0x1000) {
            return None;
        }
        Some(Self { size })
    }

    /// Bytes of RAM in all.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// End of RAM below the hole.
    pub const fn low_end(&self) -> u64 {
        if self.size < HOLE_START {
            self.size
        } else {
            HOLE_START
        }
    }

    /// End of RAM above the hole; [`HOLE_END`] if there is none.
    pub const fn high_end(&self) -> u64 {
        HOLE_END + (self.size - self.low_end())
    }

    /// Place of a guest range in the partition's RAM, counted from 0 without the
    /// hole. `None` if the range is not wholly RAM on one side of the hole.
    pub const fn offset_of(&self, at: Gpa, len: u64) -> Option<u64> {
        let Some(end) = at.0.checked_add(len) else {
            return None;
        };
        if end <= self.low_end() {
            Some(at.0)
        } else if at.0 >= HOLE_END && end <= self.high_end() {
            Some(at.0 - (HOLE_END - HOLE_START))
        } else {
            None
        }
    }

    /// The map a guest is given, ascending, without overlaps.
    pub fn entries(&self) -> Vec<MapEntry, MAX_ENTRIES> {
        use RangeKind::{Reserved, Usable};
        [
            (0, CONVENTIONAL_END, Usable),
            (CONVENTIONAL_END, 0xA_0000, Reserved),
            (FIRMWARE_AREA, EXTENDED_START, Reserved),
            (EXTENDED_START, self.low_end(), Usable),
            (HOLE_END, self.high_end(), Usable),
        ]
        .into_iter()
        .filter(|(start, end, _)| start < end)
        .map(|(start, end, kind)| MapEntry {
            start,
            len: end - start,
            kind,
        })
        .collect()
    }

    /// Whether a range lies wholly in one usable entry of the map.
    pub fn is_usable(&self, at: Gpa, len: u64) -> bool {
        self.entries()
            .iter()
            .any(|entry| entry.kind == RangeKind::Usable && entry.contains(at.0, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(size: u64) -> std::vec::Vec<(u64, u64, u32)> {
        let layout = RamLayout::new(size).unwrap();
        layout
            .entries()
            .iter()
            .map(|e| (e.start, e.start + e.len, e.kind as u32))
            .collect()
    }

    /// PLT-02: RAM below 640 KiB, a reserved firmware area, RAM from 1 MiB.
    #[test]
    fn a_small_partition_ends_below_the_hole() {
        let below = [
            (0, 0x9FC00, 1),
            (0x9FC00, 0xA0000, 2),
            (0xE0000, 0x100000, 2),
        ];
        assert_eq!(
            map(256 << 20),
            [&below[..], &[(0x100000, 256 << 20, 1)]].concat()
        );
        assert_eq!(
            map(3 << 30),
            [&below[..], &[(0x100000, 3 << 30, 1)]].concat()
        );
    }

    /// PLT-02: nothing between 3 and 4 GiB, where the APICs are.
    #[test]
    fn a_large_partition_goes_on_behind_the_hole() {
        let map = map(5 << 30);
        assert_eq!(map[3..], [(0x100000, 3 << 30, 1), (4 << 30, 6 << 30, 1)]);
        let layout = RamLayout::new(5 << 30).unwrap();
        assert_eq!(layout.offset_of(Gpa(4 << 30), 0x1000), Some(3 << 30));
        assert_eq!(layout.offset_of(Gpa((6 << 30) - 1), 1), Some((5 << 30) - 1));
    }

    #[test]
    fn a_range_that_leaves_ram_has_no_place() {
        let layout = RamLayout::new(4 << 30).unwrap();
        for (at, len) in [
            ((3 << 30) - 1, 2),
            (3 << 30, 1),
            (0xFEE0_0000, 4),
            ((4 << 30) - 1, 2),
            (5 << 30, 1),
            (u64::MAX, 2),
            (0, u64::MAX),
        ] {
            assert_eq!(layout.offset_of(Gpa(at), len), None, "{at:#x}");
        }
        assert_eq!(layout.offset_of(Gpa(0), 3 << 30), Some(0));
    }

    #[test]
    fn usable_is_what_the_map_says() {
        let layout = RamLayout::new(16 << 20).unwrap();
        assert!(layout.is_usable(Gpa(0), 0x9FC00));
        assert!(layout.is_usable(Gpa(0x100000), 15 << 20));
        for (at, len) in [
            (0, 0x9FC01),
            (0xE0000, 1),
            (0xB0000, 1),
            (0x100000, (15 << 20) + 1),
            (u64::MAX, 1),
        ] {
            assert!(!layout.is_usable(Gpa(at), len), "{at:#x}");
        }
    }

    #[test]
    fn sizes_that_cannot_be_mapped_are_refused() {
        assert_eq!(RamLayout::new(MIN_RAM - 0x1000), None);
        assert_eq!(RamLayout::new(MIN_RAM + 1), None);
        assert_eq!(RamLayout::new(!0xFFF), None);
    }
}

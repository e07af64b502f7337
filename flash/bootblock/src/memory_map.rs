//! Who owns which physical address: the map the payload is given.
//!
//! It starts from the emulator's `etc/e820` file and is then overlaid: a later
//! claim cuts its hole into whatever was there. Ranges stay sorted, disjoint and
//! merged, because that is what coreboot hands over and what payloads may assume.
//!
//! Also called: e820, LB_TAG_MEMORY, bootmem.

use crate::bytes::{le32, le64};
use heapless::Vec;

/// Ranges a map can hold: at most four RAM pieces from the emulator, each cut by
/// the ten claims made by this boot block, rounded up generously.
pub const CAPACITY: usize = 64;

/// What a range is for, numbered as in the coreboot table's memory record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// Free for the payload.
    Ram = 1,
    /// Not to be touched, or not memory.
    Reserved = 2,
    /// ACPI tables, reclaimable once read.
    Acpi = 3,
    /// ACPI storage that survives sleep.
    Nvs = 4,
    /// Broken memory.
    Unusable = 5,
    /// The loader's own tables and running code (CBMEM).
    Table = 16,
}

/// One piece of physical address space, `start` inclusive, `end` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub start: u64,
    /// First byte after it.
    pub end: u64,
    /// Its owner.
    pub kind: Kind,
}

/// The map did not have room for another range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Sorted, disjoint, merged ranges.
#[derive(Clone, Debug, Default)]
pub struct MemoryMap {
    ranges: Vec<Range, CAPACITY>,
}

impl MemoryMap {
    /// An empty map: nothing is RAM.
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// The map of the emulator's `etc/e820` file: records of 20 bytes (start,
    /// length, type; little-endian). A type this code does not know is reserved.
    pub fn from_e820(file: &[u8]) -> Result<Self, Full> {
        let mut map = Self::new();
        for record in file.chunks_exact(20) {
            let (Some(start), Some(length), Some(kind)) =
                (le64(record, 0), le64(record, 8), le32(record, 16))
            else {
                continue;
            };
            let kind = match kind {
                1 => Kind::Ram,
                3 => Kind::Acpi,
                4 => Kind::Nvs,
                5 => Kind::Unusable,
                _ => Kind::Reserved,
            };
            map.claim(start, start.saturating_add(length), kind)?;
        }
        Ok(map)
    }

    /// Gives `start..end` to `kind`, whatever owned it before. An empty range
    /// changes nothing.
    pub fn claim(&mut self, start: u64, end: u64, kind: Kind) -> Result<(), Full> {
        if start >= end {
            return Ok(());
        }
        let mut pieces: Vec<Range, CAPACITY> = Vec::new();
        let mut keep = |r: Range| {
            if r.start < r.end {
                pieces.push(r).map_err(|_| Full)
            } else {
                Ok(())
            }
        };
        for r in &self.ranges {
            keep(Range {
                end: r.end.min(start),
                ..*r
            })?;
            keep(Range {
                start: r.start.max(end),
                ..*r
            })?;
        }
        keep(Range { start, end, kind })?;
        pieces.sort_unstable_by_key(|r| r.start);

        self.ranges.clear();
        for r in pieces {
            match self.ranges.last_mut() {
                Some(last) if last.end == r.start && last.kind == r.kind => last.end = r.end,
                _ => self.ranges.push(r).map_err(|_| Full)?,
            }
        }
        Ok(())
    }

    /// The ranges in rising order.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Whether every byte of `start..end` is RAM. Merging makes this one lookup.
    pub fn is_ram(&self, start: u64, end: u64) -> bool {
        self.ranges
            .iter()
            .any(|r| r.kind == Kind::Ram && r.start <= start && end <= r.end)
    }

    /// Where the RAM below 4 GiB ends, 0 when there is none.
    pub fn low_ram_end(&self) -> u64 {
        self.ranges
            .iter()
            .filter(|r| r.kind == Kind::Ram && r.end <= 1 << 32)
            .map(|r| r.end)
            .max()
            .unwrap_or(0)
    }

    /// Bytes of RAM in the whole map.
    pub fn ram_bytes(&self) -> u64 {
        self.ranges
            .iter()
            .filter(|r| r.kind == Kind::Ram)
            .map(|r| r.end - r.start)
            .sum()
    }
}

//! The machine's memory map: typed ranges, and overlaps resolved to the
//! most restrictive type.
//!
//! Firmware may list ranges in any order and let them overlap. Where two
//! disagree we believe the one that allows less, because handing out memory
//! that firmware still uses cannot be undone.
//! Also called: E820, memory ranges.

use heapless::Vec;

use crate::ids::Hpa;

/// Most ranges a board may list. coreboot lists 10 to 20; 64 is its own
/// bootmem limit several times over.
pub const MAX_RANGES: usize = 64;
/// Most pieces after resolving: n ranges have at most 2n edges, hence 2n - 1
/// pieces between them.
pub const MAX_PIECES: usize = 2 * MAX_RANGES;

/// Type of a range as coreboot, E820 and PVH number it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[repr(transparent)]
pub struct MemoryKind(pub u32);

impl MemoryKind {
    /// Free for whoever comes after the firmware.
    pub const RAM: Self = Self(1);
    /// Not to be touched.
    pub const RESERVED: Self = Self(2);
    /// ACPI tables.
    pub const ACPI: Self = Self(3);
    /// ACPI non-volatile storage.
    pub const NVS: Self = Self(4);
    /// Known to be bad.
    pub const UNUSABLE: Self = Self(5);
    /// Reserved by the vendor.
    pub const VENDOR: Self = Self(6);
    /// coreboot's tables, its ramstage and the stacks of parked processors.
    pub const TABLE: Self = Self(16);
    /// RAM that has a designated use (specific-purpose memory).
    pub const SOFT_RESERVED: Self = Self(0xefff_ffff);

    /// How little a kind allows; of two claims to a byte the larger one holds.
    /// Kinds nobody has told us about count as reserved.
    pub const fn restriction(self) -> u8 {
        match self {
            Self::RAM => 0,
            Self::SOFT_RESERVED => 1,
            Self::ACPI => 2,
            Self::TABLE => 3,
            Self::NVS => 4,
            Self::UNUSABLE => 7,
            Self::VENDOR => 6,
            _ => 5,
        }
    }

    /// The kind in words, for the console.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RAM => "RAM",
            Self::RESERVED => "reserved",
            Self::ACPI => "ACPI tables",
            Self::NVS => "ACPI non-volatile",
            Self::UNUSABLE => "unusable",
            Self::VENDOR => "vendor reserved",
            Self::TABLE => "coreboot tables",
            Self::SOFT_RESERVED => "specific purpose",
            _ => "of a kind we do not know",
        }
    }
}

/// Physical addresses `start` to `start + len - 1`; never wraps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// First address.
    pub start: Hpa,
    /// Length in bytes.
    pub len: u64,
}

impl Span {
    /// From `start` (inclusive) to `end` (exclusive); empty if `end` is below.
    pub const fn between(start: u64, end: u64) -> Self {
        Self {
            start: Hpa(start),
            len: end.saturating_sub(start),
        }
    }

    /// First address behind the span (saturates at the end of the space).
    pub const fn end(self) -> u64 {
        self.start.0.saturating_add(self.len)
    }

    /// Whether the two share a byte.
    pub const fn overlaps(self, other: Self) -> bool {
        self.len != 0 && other.len != 0 && self.start.0 < other.end() && other.start.0 < self.end()
    }
}

/// One range with its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryRange {
    /// Where.
    pub span: Span,
    /// What the firmware says about it.
    pub kind: MemoryKind,
}

/// The map has more ranges than [`MAX_RANGES`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapFull;

/// The ranges as the firmware listed them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemoryMap {
    ranges: Vec<MemoryRange, MAX_RANGES>,
}

impl MemoryMap {
    /// A map without ranges.
    pub const fn empty() -> Self {
        Self { ranges: Vec::new() }
    }

    /// Adds a range. An empty one is ignored, and so is RAM that wraps round
    /// the address space; anything else that wraps is kept up to its end.
    pub fn push(&mut self, start: u64, len: u64, kind: MemoryKind) -> Result<(), MapFull> {
        let wraps = start.checked_add(len).is_none();
        if len == 0 || (wraps && kind == MemoryKind::RAM) {
            return Ok(());
        }
        let span = Span::between(start, start.saturating_add(len));
        self.ranges
            .push(MemoryRange { span, kind })
            .map_err(|_| MapFull)
    }

    /// The ranges in the firmware's order.
    pub fn ranges(&self) -> &[MemoryRange] {
        &self.ranges
    }

    /// Sorted, disjoint pieces; each byte has the most restrictive kind of all
    /// the ranges that claim it. Bytes that nobody claims are in no piece.
    pub fn resolve(&self) -> ResolvedMap {
        let mut edges: Vec<u64, MAX_PIECES> = Vec::new();
        for range in &self.ranges {
            // Two edges a range fit by the definition of MAX_PIECES.
            let _ = edges.push(range.span.start.0);
            let _ = edges.push(range.span.end());
        }
        edges.sort_unstable();
        let mut pieces: Vec<MemoryRange, MAX_PIECES> = Vec::new();
        for (low, high) in edges
            .iter()
            .zip(edges.iter().skip(1))
            .filter(|(low, high)| low < high)
        {
            let Some(kind) = self.strictest_at(*low) else {
                continue;
            };
            match pieces.last_mut() {
                Some(last) if last.kind == kind && last.span.end() == *low => {
                    last.span = Span::between(last.span.start.0, *high);
                }
                _ => {
                    let _ = pieces.push(MemoryRange {
                        span: Span::between(*low, *high),
                        kind,
                    });
                }
            }
        }
        ResolvedMap { pieces }
    }

    fn strictest_at(&self, address: u64) -> Option<MemoryKind> {
        let claims = self
            .ranges
            .iter()
            .filter(|r| r.span.start.0 <= address && address < r.span.end());
        claims.map(|r| r.kind).max_by_key(|kind| kind.restriction())
    }
}

/// A map without overlaps, in ascending order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolvedMap {
    pieces: Vec<MemoryRange, MAX_PIECES>,
}

impl ResolvedMap {
    /// The pieces, ascending and disjoint.
    pub fn pieces(&self) -> &[MemoryRange] {
        &self.pieces
    }

    /// The pieces that are plain RAM.
    pub fn ram(&self) -> impl Iterator<Item = Span> + '_ {
        self.pieces
            .iter()
            .filter(|p| p.kind == MemoryKind::RAM)
            .map(|p| p.span)
    }

    /// Kind of one address; `None` when no range covers it.
    pub fn kind_at(&self, address: Hpa) -> Option<MemoryKind> {
        let piece = self
            .pieces
            .iter()
            .find(|p| p.span.start <= address && address.0 < p.span.end())?;
        Some(piece.kind)
    }
}

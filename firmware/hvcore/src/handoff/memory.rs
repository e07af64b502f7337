//! Carves usable RAM: what partitions and our own tables are cut from.
//!
//! Starts from the RAM of the resolved map, takes away what must not be given
//! out, then hands out partition memory (large, 2 MiB aligned, contiguous) from
//! the top and small frame arenas from the bottom, so that the small pieces do
//! not break up the large ones. The same map and the same requests always give
//! the same addresses.
//! Also called: memory carve-out, physical allocator, early allocator.

use heapless::Vec;

use super::memory_map::{MAX_PIECES, ResolvedMap, Span};
use crate::ids::Hpa;

/// Alignment and unit of partition memory.
pub const LARGE_PAGE: u64 = 2 * 1024 * 1024;
/// Unit of frame arenas.
pub const FRAME: u64 = 4096;
/// Nothing below this is handed out: firmware, BIOS data and parked processors
/// live here; the trampoline page is chosen from it separately.
pub const LOW_MEMORY_END: u64 = 0x10_0000;
/// Start-up vectors can name pages below here only (and above it lies VGA).
const TRAMPOLINE_END: u64 = 0xa_0000;
/// Where the search for a trampoline page begins: below it lie the interrupt
/// table, BIOS data, coreboot's stub and, in some builds, its page tables.
const TRAMPOLINE_PREFERRED: u64 = 0x1_0000;

/// No run is long enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLittleMemory {
    /// Bytes asked for, rounded up to the unit.
    pub wanted: u64,
    /// Longest run there is, in whole units, in bytes.
    pub largest: u64,
}

impl TooLittleMemory {
    /// Bytes missing.
    pub const fn missing(self) -> u64 {
        self.wanted.saturating_sub(self.largest)
    }
}

impl core::fmt::Display for TooLittleMemory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let kib = |bytes: u64| bytes >> 10;
        write!(
            f,
            "needs {} KiB in one piece, the largest free piece has {} KiB: {} KiB are missing",
            kib(self.wanted),
            kib(self.largest),
            kib(self.missing())
        )
    }
}

/// RAM that nobody has taken yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsableRam {
    runs: Vec<Span, MAX_PIECES>,
    lost: u64,
}

impl UsableRam {
    /// All plain RAM of `map` in whole frames, without the first MiB and
    /// without each span of `withheld` (the payload's own image, modules,
    /// tables that are still needed).
    pub fn carve(map: &ResolvedMap, withheld: &[Span]) -> Self {
        let mut ram = Self {
            runs: Vec::new(),
            lost: 0,
        };
        for span in map.ram() {
            ram.keep(span);
        }
        ram.withhold(Span::between(0, LOW_MEMORY_END));
        for span in withheld {
            ram.withhold(*span);
        }
        ram
    }

    /// Takes a span out, together with the rest of every frame it touches.
    pub fn withhold(&mut self, span: Span) {
        if span.len == 0 {
            return;
        }
        let from = span.start.0 & !(FRAME - 1);
        let to = span
            .end()
            .checked_next_multiple_of(FRAME)
            .unwrap_or(u64::MAX);
        let before = core::mem::take(&mut self.runs);
        for run in before {
            self.keep(Span::between(run.start.0, run.end().min(from)));
            self.keep(Span::between(run.start.0.max(to), run.end()));
        }
    }

    /// Bytes that could not be tracked because too many pieces were cut.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Bytes left.
    pub fn total(&self) -> u64 {
        self.runs
            .iter()
            .fold(0, |sum, run| sum.saturating_add(run.len))
    }

    /// The runs left, ascending and disjoint.
    pub fn runs(&self) -> &[Span] {
        &self.runs
    }

    /// Takes `len` bytes (rounded up to 2 MiB) for a partition: the shortest
    /// run that fits, of equal ones the highest, and its upper end.
    pub fn take_partition(&mut self, len: u64) -> Result<Span, TooLittleMemory> {
        let wanted = len
            .max(1)
            .checked_next_multiple_of(LARGE_PAGE)
            .unwrap_or(u64::MAX);
        let fits = self.runs.iter().filter(|run| large_len(**run) >= wanted);
        // Of equal lengths `min_by_key` keeps the first: look from the top.
        let Some(run) = fits.rev().min_by_key(|run| large_len(**run)).copied() else {
            return Err(self.too_little(wanted, large_len));
        };
        let end = run.end() & !(LARGE_PAGE - 1);
        let taken = Span::between(end - wanted, end);
        self.withhold(taken);
        Ok(taken)
    }

    /// Takes `len` bytes (rounded up to 4 KiB frames) for our own tables: the
    /// lower end of the lowest run that fits.
    pub fn take_frames(&mut self, len: u64) -> Result<Span, TooLittleMemory> {
        let wanted = len
            .max(1)
            .checked_next_multiple_of(FRAME)
            .unwrap_or(u64::MAX);
        let Some(run) = self.runs.iter().find(|run| run.len >= wanted).copied() else {
            return Err(self.too_little(wanted, |run| run.len));
        };
        let taken = Span {
            start: run.start,
            len: wanted,
        };
        self.withhold(taken);
        Ok(taken)
    }

    fn too_little(&self, wanted: u64, usable: impl Fn(Span) -> u64) -> TooLittleMemory {
        TooLittleMemory {
            wanted,
            largest: self.runs.iter().map(|run| usable(*run)).max().unwrap_or(0),
        }
    }

    /// Keeps the whole frames of a span; counts them when there is no room.
    fn keep(&mut self, span: Span) {
        let Some(start) = span.start.0.checked_next_multiple_of(FRAME) else {
            return;
        };
        let whole = Span::between(start, span.end() & !(FRAME - 1));
        if whole.len != 0 && self.runs.push(whole).is_err() {
            self.lost = self.lost.saturating_add(whole.len);
        }
    }
}

/// Bytes of a run that lie in whole 2 MiB pages.
fn large_len(run: Span) -> u64 {
    let start = run
        .start
        .0
        .checked_next_multiple_of(LARGE_PAGE)
        .unwrap_or(u64::MAX);
    (run.end() & !(LARGE_PAGE - 1)).saturating_sub(start)
}

/// A page below 640 KiB for the start-up code of other processors: plain RAM,
/// not page 0, and clear of `avoid`. The lowest one from 64 KiB up, else the
/// lowest one below. The map decides: one coreboot build keeps the page tables
/// of parked processors at 0x8000.
pub fn trampoline_page(map: &ResolvedMap, avoid: &[Span]) -> Option<Hpa> {
    let free = |start: u64| {
        let page = Span {
            start: Hpa(start),
            len: FRAME,
        };
        let in_ram = map
            .ram()
            .any(|ram| ram.start.0 <= start && page.end() <= ram.end());
        (in_ram && avoid.iter().all(|span| !span.overlaps(page))).then_some(Hpa(start))
    };
    let pages = |from: u64, to: u64| (from..to).step_by(FRAME as usize);
    let preferred = pages(TRAMPOLINE_PREFERRED, TRAMPOLINE_END);
    preferred
        .chain(pages(FRAME, TRAMPOLINE_PREFERRED))
        .find_map(free)
}

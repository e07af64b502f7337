//! Frames of nested page tables, handed out from one arena per partition.
#![expect(
    unsafe_code,
    reason = "UNSAFETY: table frames become places (assumption 3)"
)]

use hvcore::ids::Hpa;
use hvcore::npt::table::{TablePage, Tables};

/// A run of 4 KiB frames from the boot carve.
pub struct Arena {
    next: u64,
    end: u64,
    start: u64,
}

impl Arena {
    /// An arena over `frames` frames at `at`.
    ///
    /// # Safety
    /// The frames must be the caller's alone (assumption 3) and mapped.
    pub const unsafe fn new(at: Hpa, frames: u64) -> Self {
        Self {
            next: at.0,
            end: at.0 + frames * 4096,
            start: at.0,
        }
    }
}

impl Tables for Arena {
    fn allocate(&mut self) -> Option<Hpa> {
        if self.next >= self.end {
            return None;
        }
        let at = Hpa(self.next);
        self.next += 4096;
        // SAFETY: inside the arena, handed out once; zero is an empty table.
        let _: &mut TablePage = unsafe { crate::phys::place(at) };
        Some(at)
    }

    fn table(&self, at: Hpa) -> Option<&TablePage> {
        if at.0 < self.start || at.0 >= self.next || !at.0.is_multiple_of(4096) {
            return None;
        }
        // SAFETY: a frame handed out by `allocate`; all access goes through its atomics.
        Some(unsafe { &*(at.0 as *const TablePage) })
    }
}

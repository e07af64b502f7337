//! A nested table page as an atomic place: hardware walks it while we write.

use crate::ids::Hpa;
use crate::sync::{AtomicU64, Ordering};
use svm::npt::Entry;

/// One table of 512 entries.
#[repr(C, align(4096))]
pub struct TablePage([AtomicU64; 512]);

#[cfg(not(any(loom, shuttle)))]
const _: () = assert!(size_of::<TablePage>() == 4096);

impl TablePage {
    /// The entry at `index` (0 to 511; higher bits are ignored).
    pub fn get(&self, index: usize) -> Entry {
        // no pair: boot builds tables before any vCPU walks them.
        Entry(
            self.0
                .get(index & 511)
                .map_or(0, |e| e.load(Ordering::Relaxed)),
        )
    }

    /// Stores an entry. A table it points to must be complete before (MMU-09).
    pub fn set(&self, index: usize, entry: Entry) {
        if let Some(slot) = self.0.get(index & 511) {
            // pair: MMU-09, release half; the other half is the hardware walk.
            slot.store(entry.0, Ordering::Release);
        }
    }

    /// An empty table (not `const` where atomics are a model's).
    pub fn empty() -> Self {
        Self(core::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// Frames for tables, and tables by their address.
pub trait Tables {
    /// A zeroed frame, or `None` when the arena is used up.
    fn allocate(&mut self) -> Option<Hpa>;
    /// The table in a frame that `allocate` gave out.
    fn table(&self, at: Hpa) -> Option<&TablePage>;
}

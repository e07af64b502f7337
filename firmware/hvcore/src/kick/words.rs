//! The words one vCPU shares with the other cores, one cache line each.
//!
//! A line per word, because their writers differ: requests are written by
//! remote cores, the mode by the owner at every entry and exit, and a kicker
//! that reads the one must not steal the line of the other.
//!
//! | word | writers | readers |
//! |---|---|---|
//! | `mode` | owner; others only IN_GUEST to EXITING by compare-exchange | all |
//! | `requests` | all set, the owner clears | all |
//! | `blocked` | the owner sets and clears; a waker clears by compare-exchange | wakers |
//! | `owned` | whoever claims the owner token, once | the same |
//!
//! The exit epoch shares the mode's word: it changes exactly when the mode
//! returns to OUTSIDE, and one store then tells both (design record 0011).

use super::mode::{ModeWord, Owner};
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering, const_constructor};

/// Size of a cache line on every processor we support, in bytes.
pub const CACHE_LINE: usize = 64;

/// A value alone on its cache line.
#[repr(align(64))]
#[derive(Debug)]
pub(super) struct Line<T>(pub(super) T);

/// What the cores know of one vCPU. Shared by reference; the owner's
/// transitions need the [`Owner`] token.
#[derive(Debug)]
pub struct VcpuWords {
    pub(super) mode: Line<AtomicU64>,
    pub(super) requests: Line<AtomicU64>,
    pub(super) blocked: Line<AtomicU32>,
    owned: AtomicBool,
}

#[cfg(not(any(loom, shuttle)))]
const _: () =
    assert!(size_of::<VcpuWords>() == 4 * CACHE_LINE && align_of::<VcpuWords>() == CACHE_LINE);

impl VcpuWords {
    const_constructor! {
        /// A vCPU outside the guest, awake, with nothing requested.
        pub fn new() -> Self {
            Self {
                mode: Line(AtomicU64::new(ModeWord::INITIAL.0)),
                requests: Line(AtomicU64::new(0)),
                blocked: Line(AtomicU32::new(0)),
                owned: AtomicBool::new(false),
            }
        }
    }

    /// The owner token, for the core that runs this vCPU. `None` when it has
    /// been claimed before: there is one owner for the life of the board.
    pub fn claim(&self) -> Option<Owner<'_>> {
        // no pair: a claim orders nothing, it only has one winner.
        let taken = self.owned.swap(true, Ordering::AcqRel);
        (!taken).then(|| Owner::of(self))
    }
}

impl Default for VcpuWords {
    fn default() -> Self {
        Self::new()
    }
}

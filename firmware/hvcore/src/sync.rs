//! Atomics and fences: `core` on the machine, `loom` or `shuttle` in a model.
//!
//! Every word that two CPUs share is built from what this module exports, so
//! that its interleavings can be explored on a build host.
//! Also called: memory ordering, model checking.

#[cfg(not(any(loom, shuttle)))]
pub use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

#[cfg(all(shuttle, not(loom)))]
pub use shuttle::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

//! Atomics and fences: `core` on the machine, `loom` or `shuttle` in a model.
//!
//! Every word that two CPUs share is built from what this module exports, so
//! that its interleavings can be explored on a build host. Nothing else in this
//! crate names `core::sync`.
//!
//! Two fences. `fence(SeqCst)` is right everywhere. `fence_after_rmw` is the
//! same promise where the access just before it is a locked read-modify-write:
//! on x86 that instruction has already drained the store buffer (24593 section
//! 7.4.2), so no second barrier is emitted. In a model both are the full fence.
//!
//! Also called: memory ordering, model checking, `smp_mb__after_atomic`.

#[cfg(not(any(loom, shuttle)))]
pub use core::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

#[cfg(loom)]
pub use loom::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

#[cfg(all(shuttle, not(loom)))]
pub use shuttle::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

/// A full fence whose work the read-modify-write just before it has done.
///
/// The caller's promise: in program order the last access to shared memory is a
/// read-modify-write that the compiler keeps as one. A `swap` whose result is
/// unused must be `AcqRel` or stronger, since the compiler may weaken a relaxed
/// or release one to a plain store; `fetch_or` and `fetch_and` may be relaxed.
#[inline(always)]
pub fn fence_after_rmw() {
    #[cfg(all(target_arch = "x86_64", not(any(loom, shuttle, miri))))]
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(not(all(target_arch = "x86_64", not(any(loom, shuttle, miri)))))]
    fence(Ordering::SeqCst);
}

/// Defines a constructor that is `const`, except in a loom model, whose atomics
/// register themselves when they are made.
macro_rules! const_constructor {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $body:block) => {
        $(#[$meta])*
        #[cfg(not(loom))]
        $vis const fn $name($($arg: $ty),*) -> $ret $body
        $(#[$meta])*
        #[cfg(loom)]
        $vis fn $name($($arg: $ty),*) -> $ret $body
    };
}
pub(crate) use const_constructor;

/// `[atomic; N]` of zeros, in a constant where the atomics allow it.
macro_rules! zeroed_atomics {
    ($atomic:ty) => {{
        #[cfg(not(loom))]
        {
            [const { <$atomic>::new(0) }; _]
        }
        #[cfg(loom)]
        {
            core::array::from_fn(|_| <$atomic>::new(0))
        }
    }};
}
pub(crate) use zeroed_atomics;

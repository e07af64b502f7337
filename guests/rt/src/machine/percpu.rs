//! One record per CPU, found through GS.
//!
//! Also called: per-CPU area, TLS, this_cpu.
#![expect(unsafe_code)]
// UNSAFETY: sets GS base and reads through it.

use crate::msr;
use core::arch::asm;
use core::sync::atomic::{AtomicU32, AtomicU64};

/// CPUs that a guest may have. The stacks in `start.S` are counted by it.
pub const MAX_CPUS: usize = 8;

/// What a CPU keeps about itself.
#[repr(C)]
pub struct PerCpu {
    /// Own index, which equals the APIC id. First, because [`index`] reads it at GS:0.
    index: AtomicU32,
    /// Stack pointer to resume at if the running code faults; 0 when no fault is expected.
    pub(crate) guard: AtomicU64,
}

static AREAS: [PerCpu; MAX_CPUS] = [const {
    PerCpu {
        index: AtomicU32::new(0),
        guard: AtomicU64::new(0),
    }
}; MAX_CPUS];

/// Makes `index` the calling CPU's record. Called once per CPU before anything else.
///
/// # Safety
/// `index` is the calling CPU's own.
pub(crate) unsafe fn install(index: usize) {
    let area = &AREAS[index];
    area.index
        .store(index as u32, core::sync::atomic::Ordering::Relaxed);
    // SAFETY: establishes A5 for this CPU.
    unsafe { msr::write_any(msr::GS_BASE, area as *const PerCpu as u64) };
}

/// Index of the calling CPU: 0 for the boot CPU.
#[inline]
pub fn index() -> usize {
    let index: u32;
    // SAFETY: A5.
    unsafe {
        asm!("mov {:e}, gs:[0]", out(reg) index, options(nostack, preserves_flags, readonly, pure))
    };
    index as usize
}

/// The calling CPU's record.
pub(crate) fn this() -> &'static PerCpu {
    &AREAS[index()]
}

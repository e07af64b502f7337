//! MSR and I/O permission maps: one pair for all guests, written once at boot.
//!
//! Contents come from `hvcore::policy`; every port exits. 24593 sections 15.10
//! and 15.11.
#![expect(
    unsafe_code,
    reason = "UNSAFETY: a static that is filled once before any guest runs"
)]

use core::cell::UnsafeCell;
use hvcore::ids::Hpa;

/// 8 KiB for MSRs, 12 KiB for ports; a set bit exits.
#[repr(C, align(4096))]
pub struct PermissionMaps {
    msr: UnsafeCell<[u8; 8192]>,
    io: UnsafeCell<[u8; 12288]>,
}

// SAFETY: written by `fill_msr` on core 0 before other cores start, read by hardware only.
unsafe impl Sync for PermissionMaps {}

static MAPS: PermissionMaps = PermissionMaps {
    msr: UnsafeCell::new([0xff; 8192]),
    io: UnsafeCell::new([0xff; 12288]),
};

/// Fills the MSR map (core 0, before other cores start).
pub fn fill_msr(fill: impl FnOnce(&mut [u8; 8192])) {
    // SAFETY: nothing else refers to the map yet (see the `Sync` argument).
    fill(unsafe { &mut *MAPS.msr.get() });
}

/// Physical address of the MSR map.
pub fn msr_map() -> Hpa {
    Hpa(MAPS.msr.get() as u64)
}

/// Physical address of the I/O map.
pub fn io_map() -> Hpa {
    Hpa(MAPS.io.get() as u64)
}

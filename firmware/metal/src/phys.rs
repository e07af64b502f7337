//! Host-physical memory, mapped one to one.
//!
//! The entry code maps the first 4 GiB; [`map_above_4g`] adds the rest in 1 GiB
//! pages. What firmware tables and flash hold is read through [`slice()`].
//! Also called: identity map, direct map.
#![expect(
    unsafe_code,
    reason = "UNSAFETY: turns physical addresses into references (assumption 2)"
)]

use core::sync::atomic::{AtomicU64, Ordering};
use hvcore::ids::Hpa;

/// First address that is not mapped.
static LIMIT: AtomicU64 = AtomicU64::new(4 << 30);

unsafe extern "C" {
    /// Page-directory-pointer table of the entry code.
    static mut bulkhead_boot_pdpt: [u64; 512];
    static bulkhead_image_start: u8;
    static bulkhead_image_end: u8;
}

/// First physical address that is not mapped.
pub fn mapped_limit() -> u64 {
    // No pair: written once by core 0 before other cores start.
    LIMIT.load(Ordering::Relaxed)
}

/// First and one-past-last address of the image, bss included.
pub fn image_range() -> (Hpa, Hpa) {
    (
        Hpa(&raw const bulkhead_image_start as u64),
        Hpa(&raw const bulkhead_image_end as u64),
    )
}

/// Maps physical memory from 4 GiB up to `end` (at most 512 GiB) if the CPU has
/// 1 GiB pages; returns the new limit, which is below `end` when it has not.
pub fn map_above_4g(end: u64) -> u64 {
    let has_1g = crate::cpu::cpuid(0x8000_0001, 0).edx & (1 << 26) != 0;
    if !has_1g {
        return mapped_limit();
    }
    let gib = end.div_ceil(1 << 30).clamp(4, 512);
    for i in 4..gib {
        let at = (&raw mut bulkhead_boot_pdpt)
            .cast::<u64>()
            .wrapping_add(i as usize);
        // SAFETY: slots 4.. are unused; absent to present needs no flush; 83h = present, writable, large.
        unsafe { at.write_volatile((i << 30) | 0x83) };
    }
    // No pair: see `mapped_limit`.
    LIMIT.store(gib << 30, Ordering::Relaxed);
    gib << 30
}

/// Bytes of physical memory that nobody writes while the slice lives: firmware
/// tables, flash, boot modules. `None` outside the map.
pub fn slice(at: Hpa, len: usize) -> Option<&'static [u8]> {
    let end = at.0.checked_add(len as u64)?;
    if at.0 == 0 || end > mapped_limit() {
        return None;
    }
    // SAFETY: mapped (assumption 2); callers read memory that boot left to us and that is not rewritten.
    Some(unsafe { core::slice::from_raw_parts(at.0 as *const u8, len) })
}

/// A frame from the boot carve as a place for one `T`, zeroed.
///
/// # Safety
/// The `size_of::<T>()` bytes at `at` must be the caller's alone (assumption 3),
/// aligned for `T`, and all-zero must be a valid `T`.
pub unsafe fn place<T>(at: Hpa) -> &'static mut T {
    let at = at.0 as *mut T;
    // SAFETY: by the caller's promise.
    unsafe { at.write_bytes(0, 1) };
    // SAFETY: as above; the frame is never given back.
    unsafe { &mut *at }
}

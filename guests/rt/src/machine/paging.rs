//! Changing the one-to-one map: single pages out of 2 MiB entries.
//!
//! Probes use it for pages that are absent, that alias a frame, or that end where another begins.
//! Manual: 24593 section 5.3. Also called: page table, PTE, TLB, INVLPG.
#![expect(unsafe_code)]
// UNSAFETY: writes the level-2 tables of `start.S` and the tables it links in.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a page.
pub const PAGE: u64 = 4096;
/// Entry bits: present, writable, user.
pub const RAM: u64 = 7;

/// A page table, in static memory so that no allocator is needed.
#[repr(C, align(4096))]
pub struct Table([AtomicU64; 512]);

impl Table {
    /// A table with no entry present.
    pub const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; 512])
    }

    /// Sets the entry for `address` (within the 2 MiB that this table covers) and drops the old translation.
    pub fn set(&self, address: u64, entry: u64) {
        self.0[(address >> 12 & 511) as usize].store(entry, Ordering::SeqCst);
        flush(address);
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

unsafe extern "C" {
    static boot_pd: [AtomicU64; 2048];
}

/// Gives the 2 MiB around `address` (below 4 GiB) to `table`, which starts with no page present.
///
/// # Safety
/// The 2 MiB hold nothing that the image or the runtime uses.
pub unsafe fn link(address: u64, table: &'static Table) {
    // SAFETY: a static of `start.S`.
    let entries = unsafe { &boot_pd };
    entries[(address >> 21) as usize].store(table as *const Table as u64 | RAM, Ordering::SeqCst);
    for page in 0..512 {
        flush((address & !0x1F_FFFF) + page * PAGE);
    }
}

/// Drops the calling CPU's translation of `address`.
pub fn flush(address: u64) {
    // SAFETY: the next access walks the tables again.
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) };
}

//! Guest RAM: bounded copies in and out. Implements `hvcore::port::GuestMemory`.
//!
//! A partition's RAM is up to two runs of guest-physical addresses (below and
//! above the hole under 4 GiB), each contiguous in host memory. No reference to
//! guest memory is ever made: other vCPUs write it at any time.
#![expect(
    unsafe_code,
    reason = "UNSAFETY: copies from and to guest frames (assumption 6)"
)]

use hvcore::ids::{Gpa, Hpa};
use hvcore::port::{GuestMemory, NotRam};

/// One run of RAM.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// First guest-physical address.
    pub guest: Gpa,
    /// Where it lies in host memory.
    pub host: Hpa,
    /// Bytes.
    pub len: u64,
}

/// All RAM of one partition.
#[derive(Clone, Copy, Debug)]
pub struct GuestRam {
    low: Run,
    high: Run,
}

impl GuestRam {
    /// RAM made of these runs: `low` from guest address 0, `high` possibly empty,
    /// both multiples of 4 KiB.
    ///
    /// # Safety
    /// The host ranges must belong to this partition alone and be mapped.
    pub const unsafe fn new(low: Run, high: Run) -> Self {
        Self { low, high }
    }

    /// The runs.
    pub const fn runs(&self) -> [Run; 2] {
        [self.low, self.high]
    }

    #[inline(always)]
    fn host(&self, at: Gpa, len: u64) -> Result<u64, NotRam> {
        if at.0 < self.low.len && len <= self.low.len - at.0 {
            return Ok(self.low.host.0 + at.0);
        }
        self.high_host(at, len)
    }

    /// As `host` for an aligned word: runs end at page boundaries, so a word
    /// that begins inside one ends inside it.
    #[inline(always)]
    fn word(&self, at: Gpa, size: u64) -> Result<u64, NotRam> {
        if at.0 & (size - 1) != 0 {
            return Err(NotRam);
        }
        if at.0 < self.low.len {
            return Ok(self.low.host.0 + at.0);
        }
        self.high_host(at, size)
    }

    #[cold]
    fn high_host(&self, at: Gpa, len: u64) -> Result<u64, NotRam> {
        let offset = at.0.wrapping_sub(self.high.guest.0);
        if offset < self.high.len && len <= self.high.len - offset {
            return Ok(self.high.host.0 + offset);
        }
        Err(NotRam)
    }
}

impl GuestMemory for GuestRam {
    fn read(&self, at: Gpa, into: &mut [u8]) -> Result<(), NotRam> {
        let from = self.host(at, into.len() as u64)? as *const u8;
        // SAFETY: the range is guest RAM, which never overlaps our data (assumption 6).
        unsafe { core::ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) };
        Ok(())
    }

    fn write(&self, at: Gpa, from: &[u8]) -> Result<(), NotRam> {
        let to = self.host(at, from.len() as u64)? as *mut u8;
        // SAFETY: as `read`.
        unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) };
        Ok(())
    }

    fn fill(&self, at: Gpa, len: u64, value: u8) -> Result<(), NotRam> {
        let to = self.host(at, len)? as *mut u8;
        // SAFETY: as `read`.
        unsafe { core::ptr::write_bytes(to, value, len as usize) };
        Ok(())
    }

    #[inline(always)]
    fn load_u64(&self, at: Gpa) -> Result<u64, NotRam> {
        let from = self.word(at, 8)? as *const u64;
        // SAFETY: aligned guest RAM; volatile, because the guest may write it meanwhile.
        Ok(unsafe { from.read_volatile() })
    }

    fn exchange_u64(&self, at: Gpa, old: u64, new: u64) -> Result<bool, NotRam> {
        use core::sync::atomic::{AtomicU64, Ordering};
        let word = self.word(at, 8)? as *const AtomicU64;
        // SAFETY: aligned guest RAM, reached as an atomic word.
        let word = unsafe { &*word };
        // No pair of ours: the guest's own page tables, changed as hardware would.
        Ok(word
            .compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok())
    }

    fn load_u32(&self, at: Gpa) -> Result<u32, NotRam> {
        let from = self.word(at, 4)? as *const u32;
        // SAFETY: as `load_u64`.
        Ok(unsafe { from.read_volatile() })
    }

    fn store_u32(&self, at: Gpa, value: u32) -> Result<(), NotRam> {
        let to = self.word(at, 4)? as *mut u32;
        // SAFETY: as `load_u64`.
        unsafe { to.write_volatile(value) };
        Ok(())
    }
}

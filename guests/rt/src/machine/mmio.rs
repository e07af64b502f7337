//! Device memory access of the four widths, by plain moves.
//!
//! Volatile accesses compile to one MOV, the only form that Linux uses on an APIC page. Other
//! forms (read-modify-write, string, sign extension) are the business of the probes that test them.
//! Also called: readl, writel, volatile.
#![expect(unsafe_code)]
// UNSAFETY: loads and stores to physical addresses, mapped one to one (A2).

/// First address of device memory: below it lies RAM, and the functions here refuse to touch that.
pub const FIRST_DEVICE_ADDRESS: u64 = 0xC000_0000;

macro_rules! access {
    ($read:ident, $write:ident, $word:ty, $what:literal) => {
        #[doc = concat!("Reads ", $what, " at the physical address `at`, which must lie in the device range.")]
        #[inline(always)]
        pub fn $read(at: u64) -> $word {
            assert!((FIRST_DEVICE_ADDRESS..1 << 32).contains(&at));
            // SAFETY: A2, A3; the range check keeps RAM, hence Rust objects, out of reach.
            unsafe { core::ptr::read_volatile(at as *const $word) }
        }

        #[doc = concat!("Writes ", $what, " at the physical address `at`, which must lie in the device range.")]
        #[inline(always)]
        pub fn $write(at: u64, value: $word) {
            assert!((FIRST_DEVICE_ADDRESS..1 << 32).contains(&at));
            // SAFETY: A2, A3; the range check keeps RAM, hence Rust objects, out of reach.
            unsafe { core::ptr::write_volatile(at as *mut $word, value) }
        }
    };
}

access!(read8, write8, u8, "one byte");
access!(read16, write16, u16, "two bytes");
access!(read32, write32, u32, "four bytes");
access!(read64, write64, u64, "eight bytes");

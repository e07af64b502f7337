//! KVM's clock pages: system time per vCPU, wall clock per machine.
//!
//! The host writes, the guest reads without locking: an odd `version` means
//! that a write is under way, and a changed one that the reader must start
//! again. Time is `system_time + ((tsc - tsc_timestamp) << shift) * mul / 2^32`,
//! where a negative shift goes right.
//! Also called: pvclock, kvmclock, vcpu_time_info.

use bitflags::bitflags;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

bitflags! {
    /// [`SystemTime::flags`].
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct ClockFlags: u8 {
        /// All vCPUs show the same line: no cross-CPU comparison is needed.
        const TSC_STABLE = 1 << 0;
        /// The guest was stopped by its host; it silences its watchdogs once.
        const GUEST_STOPPED = 1 << 1;
    }
}

/// One vCPU's clock, 32 bytes in guest memory.
#[derive(
    FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, PartialEq, Eq, Debug, Default,
)]
#[repr(C)]
pub struct SystemTime {
    /// Odd while being written.
    pub version: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// TSC value at which `system_time` held.
    pub tsc_timestamp: u64,
    /// Nanoseconds at `tsc_timestamp`.
    pub system_time: u64,
    /// Fraction of 2^32 that turns a shifted TSC difference into nanoseconds.
    pub tsc_to_system_mul: u32,
    /// Left shift of a TSC difference before the multiplication; right if negative.
    pub tsc_shift: i8,
    /// [`ClockFlags`].
    pub flags: u8,
    /// Reserved, zero.
    pub pad: [u8; 2],
}

/// Wall clock at the moment when system time was zero, 12 bytes in guest memory.
#[derive(
    FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, PartialEq, Eq, Debug, Default,
)]
#[repr(C)]
pub struct WallClock {
    /// Odd while being written.
    pub version: u32,
    /// Seconds since 1970-01-01 UTC.
    pub seconds: u32,
    /// Nanoseconds, below 1,000,000,000.
    pub nanoseconds: u32,
}

const _: () = assert!(size_of::<SystemTime>() == 32);
const _: () = assert!(core::mem::offset_of!(SystemTime, tsc_timestamp) == 8);
const _: () = assert!(core::mem::offset_of!(SystemTime, system_time) == 16);
const _: () = assert!(core::mem::offset_of!(SystemTime, tsc_to_system_mul) == 24);
const _: () = assert!(core::mem::offset_of!(SystemTime, tsc_shift) == 28);
const _: () = assert!(core::mem::offset_of!(SystemTime, flags) == 29);
const _: () = assert!(size_of::<WallClock>() == 12);

//! The time-stamp counter: reading it, its rate, and bounded waits.
//!
//! The rate comes from the hypervisor's timing leaf. On a bare PC it is measured against channel 2
//! of the interval timer, the one clock every PC has. Also called: rdtsc, TSC calibration, PIT.

use crate::{cpuid, port};
use core::sync::atomic::{AtomicU64, Ordering};

static HERTZ: AtomicU64 = AtomicU64::new(0);

/// The counter. Not ordered against surrounding loads.
#[inline(always)]
pub fn now() -> u64 {
    #[expect(unsafe_code)]
    // SAFETY: reading the counter has no effect; CR4.TSD is never set here.
    unsafe {
        core::arch::x86_64::_rdtsc()
    }
}

/// Ticks per second.
pub fn hertz() -> u64 {
    match HERTZ.load(Ordering::Relaxed) {
        0 => {
            let hertz = from_timing_leaf().unwrap_or_else(measure_against_interval_timer);
            HERTZ.store(hertz, Ordering::Relaxed);
            hertz
        }
        hertz => hertz,
    }
}

/// Ticks in `count` microseconds.
pub fn from_microseconds(count: u64) -> u64 {
    (u128::from(hertz()) * u128::from(count) / 1_000_000) as u64
}

/// The rate as the hypervisor tells it, in hertz.
pub fn from_timing_leaf() -> Option<u64> {
    let offered = cpuid::under_bulkhead() && cpuid::leaf(cpuid::KVM_BASE).eax >= cpuid::KVM_TIMING;
    let kilohertz = if offered {
        cpuid::leaf(cpuid::KVM_TIMING).eax
    } else {
        0
    };
    (kilohertz != 0).then_some(u64::from(kilohertz) * 1000)
}

/// Input clock of the interval timer in hertz.
const INTERVAL_TIMER_HERTZ: u64 = 1_193_182;
/// Length of the measurement: 1/20 s.
const PARTS_OF_SECOND: u64 = 20;

fn measure_against_interval_timer() -> u64 {
    let count = (INTERVAL_TIMER_HERTZ / PARTS_OF_SECOND) as u16;
    // Channel 2, gate on, speaker off; mode 0: the output goes high at the end of the count.
    port::write8(0x61, port::read8(0x61) & !2 | 1);
    port::write8(0x43, 0xB0);
    port::write8(0x42, count as u8);
    port::write8(0x42, (count >> 8) as u8);
    let start = now();
    while port::read8(0x61) & 0x20 == 0 {
        core::hint::spin_loop();
    }
    (now() - start) * PARTS_OF_SECOND
}

/// Waits until `done` holds, at most `microseconds`; tells whether it came to hold.
pub fn wait_until(microseconds: u64, mut done: impl FnMut() -> bool) -> bool {
    let end = now() + from_microseconds(microseconds);
    loop {
        if done() {
            return true;
        }
        if now() >= end {
            return done();
        }
        core::hint::spin_loop();
    }
}

/// Longest wait for something that must come. No claim about time: it only has to be longer than any
/// stretch for which a loaded host can keep a CPU from running.
const PATIENCE_MICROSECONDS: u64 = 60_000_000;

/// Waits for what must come; tells whether it did. A wait that ends with false has found a loss.
pub fn wait_for(done: impl FnMut() -> bool) -> bool {
    wait_until(PATIENCE_MICROSECONDS, done)
}

/// Waits `microseconds`, spinning.
pub fn delay(microseconds: u64) {
    wait_until(microseconds, || false);
}

//! The local APIC timer in three modes, and one deadline function over them.
//!
//! Manual: 24593 section 16.4.1; TSC-deadline mode as in the KVM guest interface.
//! Also called: APIC timer, TSC deadline, TMICT.

use crate::lapic::{self, Register};
use crate::{cpuid, msr, tsc};

/// MSR that arms the timer by TSC value; 0 disarms.
pub const TSC_DEADLINE: u32 = 0x6E0;
/// Rate of the bus clock that the divided counter runs from, in hertz.
pub const BUS_HERTZ: u64 = 1_000_000_000;
/// Divide register value for "by one".
pub const DIVIDE_BY_1: u32 = 0xB;
/// Divide register value for "by sixteen".
pub const DIVIDE_BY_16: u32 = 0x3;

/// Timer entry bit: masked.
pub const MASKED: u32 = 1 << 16;
/// Timer entry bit: count again from the start.
pub const PERIODIC: u32 = 1 << 17;
/// Timer entry bits: armed by [`TSC_DEADLINE`].
pub const DEADLINE: u32 = 2 << 17;

/// Prepares the counter for single shots on `vector`, divided by one.
pub fn use_one_shot(vector: u8) {
    lapic::write(Register::TIMER_DIVIDE, DIVIDE_BY_1);
    lapic::write(Register::LVT_TIMER, u32::from(vector));
}

/// Prepares the timer for TSC deadlines on `vector`.
pub fn use_deadline(vector: u8) {
    lapic::write(Register::LVT_TIMER, DEADLINE | u32::from(vector));
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
}

/// Starts `period` bus ticks (divided by one) on `vector`, again and again. 0 stops it.
pub fn use_periodic(vector: u8, period: u32) {
    lapic::write(Register::TIMER_DIVIDE, DIVIDE_BY_1);
    lapic::write(Register::LVT_TIMER, PERIODIC | u32::from(vector));
    lapic::write(Register::TIMER_INITIAL, period);
}

/// Stops the timer and masks its entry.
pub fn stop() {
    lapic::write(Register::LVT_TIMER, MASKED);
    lapic::write(Register::TIMER_INITIAL, 0);
}

/// A timer that fires at a TSC value, by deadline where the CPU offers it and by the counter elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Armed through the MSR.
    Deadline,
    /// Armed through the counter.
    OneShot,
}

impl Alarm {
    /// Chooses the better mode and points it at `vector`.
    pub fn set_up(vector: u8) -> Self {
        if cpuid::has_tsc_deadline() {
            use_deadline(vector);
            Self::Deadline
        } else {
            use_one_shot(vector);
            Self::OneShot
        }
    }

    /// Fires once when the TSC reaches `at`; at once if it has. Replaces an earlier arming.
    pub fn arm(self, at: u64) {
        match self {
            Self::Deadline => msr::write(TSC_DEADLINE, at.max(1)),
            Self::OneShot => {
                let ticks = at.saturating_sub(tsc::now());
                let count = u128::from(ticks) * u128::from(BUS_HERTZ) / u128::from(tsc::hertz());
                lapic::write(
                    Register::TIMER_INITIAL,
                    count.clamp(1, u128::from(u32::MAX)) as u32,
                );
            }
        }
    }
}

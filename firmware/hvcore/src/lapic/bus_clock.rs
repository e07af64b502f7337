//! Bus clock: what the APIC timer counts, told in TSC cycles.
//!
//! Owns the two conversion factors of a machine. Every guest gets a bus of
//! exactly 1 GHz, so that its count registers mean nanoseconds on any board. The
//! factors are computed once; a conversion is a multiplication and a shift.

/// Bus clock of every guest in Hz, before the divider.
pub const BUS_HZ: u64 = 1_000_000_000;

/// Conversions between bus ticks and TSC cycles by multiplication, 32 fraction
/// bits each.
#[derive(Clone, Copy, Debug)]
pub(super) struct BusClock {
    cycles_per_tick: u64,
    ticks_per_cycle: u64,
}

impl BusClock {
    /// Fastest TSC whose ratio still fits; a thousand times any real one.
    const MAX_TSC_HZ: u64 = 1 << 42;

    pub(super) const fn new(tsc_hz: u64) -> Self {
        let hz = match tsc_hz {
            0 => 1,
            Self::MAX_TSC_HZ.. => Self::MAX_TSC_HZ,
            hz => hz,
        };
        Self {
            cycles_per_tick: (((hz as u128) << 32) / BUS_HZ as u128) as u64,
            ticks_per_cycle: (((BUS_HZ as u128) << 32) / hz as u128) as u64,
        }
    }

    /// Never 0, so that a period always advances.
    pub(super) const fn cycles(self, ticks: u64) -> u64 {
        match (ticks as u128 * self.cycles_per_tick as u128) >> 32 {
            0 => 1,
            cycles => cycles as u64,
        }
    }

    /// Rounded up, so that a timer that has not fired reads above 0.
    pub(super) const fn ticks(self, cycles: u64) -> u64 {
        let product = cycles as u128 * self.ticks_per_cycle as u128;
        product.saturating_add(u32::MAX as u128).wrapping_shr(32) as u64
    }
}

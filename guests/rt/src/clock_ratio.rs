//! Ticks of one rate as ticks of another, without division on the fast path.
//!
//! A ratio is a 32-bit fraction with a shift, as kvmclock's scale is. Pure, so it is tested on a host.
//! Also called: mult and shift, clocksource scaling.

/// `to / from` as `multiplier >> shift`, exact to 31 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    multiplier: u32,
    shift: u32,
}

impl Ratio {
    /// The ratio from a clock of `from` hertz to one of `to` hertz. Both nonzero.
    pub const fn new(from: u64, to: u64) -> Self {
        // The largest shift whose multiplier still fits in 32 bits gives the best precision.
        let mut shift = 63;
        while shift > 0 && ((to as u128) << shift) / from as u128 > u32::MAX as u128 {
            shift -= 1;
        }
        Self {
            multiplier: (((to as u128) << shift) / from as u128) as u32,
            shift,
        }
    }

    /// Ticks of the target clock in `ticks` of the source clock, rounded down.
    #[inline]
    pub const fn scale(self, ticks: u64) -> u64 {
        ((ticks as u128 * self.multiplier as u128) >> self.shift) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Ratio;

    #[test]
    fn equal_rates_keep_every_tick() {
        let same = Ratio::new(1_000_000_000, 1_000_000_000);
        for ticks in [0, 1, 999, u64::from(u32::MAX) + 7, 1 << 52] {
            assert_eq!(same.scale(ticks), ticks);
        }
    }

    #[test]
    fn a_day_of_ticks_is_off_by_less_than_a_millionth() {
        for hertz in [999_999_999, 2_994_375_000, 1_000, 25_000_000, 4_200_000_001] {
            let day = 86_400 * hertz;
            let scaled = Ratio::new(hertz, 1_000_000_000).scale(day);
            let error = scaled.abs_diff(86_400_000_000_000);
            assert!(error < 86_400_000, "{hertz} Hz: off by {error} ns");
        }
    }
}

//! Time: how fast the TSC and the APIC timer run, measured once at boot.
//!
//! The reference is the ACPI PM timer (3.579545 MHz), or PIT channel 2
//! (1.193182 MHz) where there is none; a rate in the coreboot table wins.
//! Also called: calibration.

use crate::{cpu, host_apic};

/// Rates of this machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// TSC ticks a second.
    pub tsc_hz: u64,
    /// APIC timer ticks for each TSC tick, as a fraction of 2^32.
    pub apic_per_tsc: u64,
}

impl Rates {
    /// APIC timer ticks that cover `tsc` TSC ticks, rounded up, at most one full count.
    #[inline]
    pub fn apic_ticks(self, tsc: u64) -> u32 {
        let ticks = (u128::from(tsc) * u128::from(self.apic_per_tsc)) >> 32;
        u32::try_from(ticks)
            .unwrap_or(u32::MAX - 1)
            .saturating_add(1)
    }
}

const PM_HZ: u64 = 3_579_545;
const PIT_HZ: u64 = 1_193_182;
/// About 15 ms of PM timer: one tick at each end is 37 millionths.
const PM_WINDOW: u32 = 53_693;
/// About 50 ms of PIT, within its 16 bits.
const PIT_WINDOW: u16 = 59_659;

/// A reading of the reference, bracketed by the TSC; the tightest of five, so
/// that an emulator's pause between the two does not count.
fn pm_reading(port: u16) -> (u32, u64) {
    let mut best = (0, 0, u64::MAX);
    for _ in 0..5 {
        let before = cpu::tsc();
        let value = cpu::inl(port) & 0x00ff_ffff;
        let after = cpu::tsc();
        if after - before < best.2 {
            best = (value, before + (after - before) / 2, after - before);
        }
    }
    (best.0, best.1)
}

fn measure_pm(port: u16) -> Option<(u64, u64)> {
    let (first, tsc_first) = pm_reading(port);
    let apic_first = host_apic::timer_left();
    for _ in 0..50_000_000u32 {
        let now = cpu::inl(port) & 0x00ff_ffff;
        if now.wrapping_sub(first) & 0x00ff_ffff >= PM_WINDOW {
            let (last, tsc_last) = pm_reading(port);
            let apic_last = host_apic::timer_left();
            let elapsed = u64::from(last.wrapping_sub(first) & 0x00ff_ffff);
            let tsc = tsc_last - tsc_first;
            let hz = u128::from(tsc) * u128::from(PM_HZ) / u128::from(elapsed.max(1));
            let apic = u64::from(apic_first.wrapping_sub(apic_last));
            return Some((hz as u64, (apic << 32) / tsc.max(1)));
        }
        cpu::pause();
    }
    None
}

fn measure_pit() -> Option<(u64, u64)> {
    // Gate channel 2 on, speaker off; mode 0 raises OUT at the end of the count.
    cpu::outb(0x61, (cpu::inb(0x61) & !0x02) | 0x01);
    cpu::outb(0x43, 0xb0);
    cpu::outb(0x42, PIT_WINDOW as u8);
    let apic_first = host_apic::timer_left();
    let tsc_first = cpu::tsc();
    cpu::outb(0x42, (PIT_WINDOW >> 8) as u8);
    for _ in 0..50_000_000u32 {
        if cpu::inb(0x61) & 0x20 != 0 {
            let tsc = cpu::tsc() - tsc_first;
            let apic = u64::from(apic_first.wrapping_sub(host_apic::timer_left()));
            let hz = u128::from(tsc) * u128::from(PIT_HZ) / u128::from(PIT_WINDOW);
            return Some((hz as u64, (apic << 32) / tsc.max(1)));
        }
        cpu::pause();
    }
    None
}

/// Measures both rates. `pm_timer` is the port from the FADT, `known_tsc` the
/// rate from the coreboot table. `None` when no reference moves.
pub fn measure(pm_timer: Option<u16>, known_tsc: Option<u64>) -> Option<Rates> {
    host_apic::start_silent_count();
    let measured = pm_timer.and_then(measure_pm).or_else(measure_pit);
    host_apic::stop_timer();
    let (tsc_hz, apic_per_tsc) = measured?;
    if tsc_hz == 0 || apic_per_tsc == 0 {
        return None;
    }
    Some(Rates {
        tsc_hz: known_tsc.unwrap_or(tsc_hz),
        apic_per_tsc,
    })
}

/// Spins for `micros` microseconds.
pub fn delay(rates: Rates, micros: u64) {
    let end = cpu::tsc() + rates.tsc_hz / 1_000_000 * micros;
    while cpu::tsc() < end {
        cpu::pause();
    }
}

//! The counting timer fires once for each start, never early, at every divider.
//!
//! Time is compared with the TSC and the told bus rate; early is a failure, late is not.
//! Manual: 24593 section 16.4.1. Also called: TMICT, TMCCT, APIC timer.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use probes::{claim, require};
use rt::lapic::{self, Register, read, write};
use rt::timer::{self, BUS_HERTZ, MASKED};
use rt::{interrupt, tsc};

const VECTOR: u8 = 0xD0;
const OTHER: u8 = 0xD1;
const ROUNDS: u32 = 10_000;

static FIRED: AtomicU32 = AtomicU32::new(0);
static FIRED_AT: AtomicU64 = AtomicU64::new(0);

/// Divide register values and what they divide by.
const DIVIDERS: [(u32, u64); 8] = [
    (0xB, 1),
    (0x0, 2),
    (0x1, 4),
    (0x2, 8),
    (0x3, 16),
    (0x8, 32),
    (0x9, 64),
    (0xA, 128),
];

fn timer_oneshot() {
    for vector in [VECTOR, OTHER] {
        interrupt::set_handler(vector, |frame| {
            FIRED_AT.store(tsc::now(), Ordering::Relaxed);
            FIRED.fetch_add(
                if frame.vector == u64::from(VECTOR) {
                    1
                } else {
                    0x10000
                },
                Ordering::Relaxed,
            );
            lapic::eoi();
        });
    }
    dividers();
    storm();
    masked();
    restarted();
    stopped();
    vector_changed();
}

/// Bus ticks as TSC ticks, rounded down by one tick: the bound below which a timer was early.
fn tsc_ticks(bus: u64) -> u64 {
    (u128::from(bus) * u128::from(tsc::hertz()) / u128::from(BUS_HERTZ)) as u64
}

/// Waits at most a second for the next shot.
fn wait_fired() -> bool {
    interrupt::enable();
    let fired = tsc::wait_for(|| FIRED.load(Ordering::Relaxed) != 0);
    interrupt::disable();
    fired
}

fn dividers() {
    let mut good = 0;
    for (code, divisor) in DIVIDERS {
        FIRED.store(0, Ordering::Relaxed);
        timer::use_one_shot(VECTOR);
        write(Register::TIMER_DIVIDE, code);
        let count = 20_000;
        let start = tsc::now();
        write(Register::TIMER_INITIAL, count);
        let fired = wait_fired();
        let took = FIRED_AT.load(Ordering::Relaxed).wrapping_sub(start);
        // A calibrated rate has an error of its own; a told one has not.
        let slack = if tsc::from_timing_leaf().is_some() {
            1
        } else {
            took / 50
        };
        let early = took + slack < tsc_ticks(u64::from(count) * divisor);
        let right = fired && !early && FIRED.load(Ordering::Relaxed) == 1;
        require!(
            right,
            "divided by {divisor}: fired {fired}, after {took} ticks"
        );
        good += usize::from(right && read(Register::TIMER_CURRENT) == 0);
    }
    claim!(
        good == DIVIDERS.len(),
        "at every divider it fires once and not early"
    );
}

fn storm() {
    timer::use_one_shot(VECTOR);
    let mut good = 0;
    for round in 0..ROUNDS {
        FIRED.store(0, Ordering::Relaxed);
        write(Register::TIMER_INITIAL, 1 + round * 37 % 9_973);
        while FIRED.load(Ordering::Relaxed) == 0 {
            interrupt::wait();
        }
        interrupt::window();
        good += u32::from(FIRED.load(Ordering::Relaxed) == 1);
    }
    claim!(good == ROUNDS, "{ROUNDS} shots, each taken once");
}

fn masked() {
    FIRED.store(0, Ordering::Relaxed);
    write(Register::LVT_TIMER, MASKED | u32::from(VECTOR));
    write(Register::TIMER_INITIAL, 10_000);
    let ran_down = tsc::wait_for(|| read(Register::TIMER_CURRENT) == 0);
    interrupt::window();
    claim!(
        ran_down && FIRED.load(Ordering::Relaxed) == 0,
        "a masked timer counts and does not fire"
    );
    write(Register::LVT_TIMER, u32::from(VECTOR));
    interrupt::window();
    claim!(
        FIRED.load(Ordering::Relaxed) == 0,
        "unmasking it later does not make up for it"
    );
}

fn restarted() {
    FIRED.store(0, Ordering::Relaxed);
    for _ in 0..1000 {
        write(Register::TIMER_INITIAL, 500_000_000);
    }
    write(Register::TIMER_INITIAL, 5_000);
    wait_fired();
    interrupt::window();
    claim!(
        FIRED.load(Ordering::Relaxed) == 1,
        "a new count replaces the old one"
    );
}

/// Starts two milliseconds, calls `change`, and says whether that came in time; if a host kept the CPU
/// away for longer, another try is due.
fn changed_in_time(mut change: impl FnMut()) -> bool {
    (0..100).any(|_| {
        timer::use_one_shot(VECTOR);
        interrupt::window();
        FIRED.store(0, Ordering::Relaxed);
        let start = tsc::now();
        write(Register::TIMER_INITIAL, 2_000_000);
        change();
        tsc::now() - start < tsc::from_microseconds(1_900)
    })
}

fn stopped() {
    let in_time = changed_in_time(|| write(Register::TIMER_INITIAL, 0));
    tsc::delay(3_000);
    interrupt::window();
    let silent = FIRED.load(Ordering::Relaxed) == 0;
    claim!(in_time && silent, "a count of zero stops it");
}

fn vector_changed() {
    let in_time = changed_in_time(|| write(Register::LVT_TIMER, u32::from(OTHER)));
    wait_fired();
    let other = FIRED.load(Ordering::Relaxed) == 0x10000;
    claim!(
        in_time && other,
        "the vector is the one that stands when it fires"
    );
    timer::stop();
}

probes::probe!(timer_oneshot);

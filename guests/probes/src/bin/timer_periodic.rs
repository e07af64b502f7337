//! A periodic timer keeps its rhythm, without drift or extra interrupts.
//!
//! A guest cannot see how many ticks the hypervisor merged, but it can count periods by the TSC. Two
//! things hold without any tolerance, however late interrupts are: at every moment the interrupts
//! taken are at most the periods passed, and the current count is where the start and the TSC put it.
//! What is missing to one interrupt a period was merged: `taken + merged = due`, printed at the end.
//! Manual: 24593 section 16.4.1. Also called: APIC timer periodic mode, tick.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use probes::{claim, require};
use rt::lapic::{self, Register, read, write};
use rt::timer::{self, BUS_HERTZ};
use rt::{interrupt, report, tsc};

const VECTOR: u8 = 0xD0;
/// Bus ticks of a period: 100 microseconds.
const PERIOD: u32 = 100_000;
const PERIODS: u64 = 10_000;

static TAKEN: AtomicU64 = AtomicU64::new(0);
static TOO_MANY: AtomicU32 = AtomicU32::new(0);
/// TSC just before the timer was started.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// Shortest period in TSC ticks: the hypervisor may drop the fraction of one tick, not more. On a bare
/// PC the rate was measured, so a hundredth is left for that.
fn shortest_period() -> u64 {
    let exact = (u128::from(PERIOD) * u128::from(tsc::hertz()) / u128::from(BUS_HERTZ)) as u64;
    if tsc::from_timing_leaf().is_some() {
        exact - 1
    } else {
        exact - exact / 100
    }
}

/// Periods that may have passed at most.
fn due() -> u64 {
    (tsc::now() - STARTED.load(Ordering::Relaxed)) / shortest_period()
}

fn timer_periodic() {
    interrupt::set_handler(VECTOR, |_| {
        let taken = TAKEN.fetch_add(1, Ordering::Relaxed) + 1;
        if taken > due() {
            TOO_MANY.fetch_add(1, Ordering::Relaxed);
        }
        lapic::eoi();
    });
    tsc::hertz();
    STARTED.store(tsc::now(), Ordering::Relaxed);
    timer::use_periodic(VECTOR, PERIOD);
    let start_latest = tsc::now();
    run();
    while_masked();
    phase(start_latest);
    shorter();
    stopped();
}

fn run() {
    while due() < PERIODS {
        interrupt::wait();
    }
    let (taken, due) = (TAKEN.load(Ordering::Relaxed), due());
    claim!(
        TOO_MANY.load(Ordering::Relaxed) == 0,
        "never more interrupts than periods"
    );
    claim!(
        taken > 0 && taken <= due,
        "interrupts and merged periods make up the periods"
    );
    report!(
        "info due {due} taken {taken} merged {}",
        due - taken.min(due)
    );
}

/// Twenty periods with interrupts off are one interrupt, and the rhythm goes on.
fn while_masked() {
    interrupt::window();
    let before = TAKEN.load(Ordering::Relaxed);
    tsc::delay(20 * 100);
    // The window is shorter than a period, but one more may just begin in it.
    interrupt::window();
    let more = TAKEN.load(Ordering::Relaxed) - before;
    claim!(
        (1..=2).contains(&more),
        "periods that pass masked are one interrupt"
    );
    interrupt::wait();
    claim!(
        TAKEN.load(Ordering::Relaxed) > before + more,
        "and the next period brings the next one"
    );
}

/// Where in its period the timer must be, from the earliest and the latest start and reading.
fn phase(start_latest: u64) {
    if tsc::from_timing_leaf().is_none() {
        claim!(
            true,
            "after all these periods it stands where the start puts it"
        );
        return;
    }
    let start_earliest = STARTED.load(Ordering::Relaxed);
    let before = tsc::now();
    let count = u64::from(read(Register::TIMER_CURRENT));
    let after = tsc::now();
    let to_bus =
        |ticks: u64| (u128::from(ticks) * u128::from(BUS_HERTZ) / u128::from(tsc::hertz())) as u64;
    // Each period may have lost less than one TSC tick.
    let lost = to_bus(due()) + 2;
    let least = to_bus(before - start_latest);
    let most = to_bus(after - start_earliest) + lost;
    let period = u64::from(PERIOD);
    let elapsed = period - count;
    // Some number of whole periods puts the reading between the two bounds.
    let whole = (most - elapsed.min(most)) / period;
    let position = whole * period + elapsed;
    let right = position + 2 >= least && position <= most;
    require!(
        right,
        "elapsed {elapsed} of {period}: {position} is not in {least}..={most}"
    );
    claim!(
        right,
        "after all these periods it stands where the start puts it"
    );
}

/// A new initial count starts a new rhythm at once.
fn shorter() {
    STARTED.store(tsc::now() + shortest_period() * 1_000, Ordering::Relaxed);
    write(Register::TIMER_INITIAL, 30_000);
    let before = TAKEN.load(Ordering::Relaxed);
    let end = tsc::now() + tsc::from_microseconds(30_000);
    while tsc::now() < end {
        interrupt::window();
    }
    let more = TAKEN.load(Ordering::Relaxed) - before;
    claim!(
        (1..=1_000 + 10).contains(&more),
        "a new count sets a new rhythm"
    );
}

fn stopped() {
    timer::stop();
    interrupt::window();
    let before = TAKEN.load(Ordering::Relaxed);
    tsc::delay(2_000);
    interrupt::window();
    claim!(
        TAKEN.load(Ordering::Relaxed) == before,
        "a stopped timer is silent"
    );
}

probes::probe!(timer_periodic);

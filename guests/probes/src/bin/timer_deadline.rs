//! A hundred thousand TSC deadlines, each taken exactly once and never early.
//!
//! Owns PLT-07. Deadlines lie in the future by a changing distance, in the past, or are replaced
//! before they are due; the CPU waits in HLT or spins. After each the register reads 0 again.
//! Also called: MSR 0x6E0, APIC timer, LAPIC deadline.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use probes::{claim, require};
use rt::timer::{self, TSC_DEADLINE};
use rt::{interrupt, lapic, msr, tsc};

const ROUNDS: u32 = 100_000;
const VECTOR: u8 = 0xD0;

static FIRED: AtomicU32 = AtomicU32::new(0);
static FIRED_AT: AtomicU64 = AtomicU64::new(0);

fn timer_deadline() {
    interrupt::set_handler(VECTOR, |_| {
        FIRED_AT.store(tsc::now(), Ordering::Relaxed);
        FIRED.fetch_add(1, Ordering::Relaxed);
        lapic::eoi();
    });
    ignored_in_other_modes();
    timer::use_deadline(VECTOR);
    in_the_past();
    storm();
    replaced();
    disarmed();
    left_by_mode_change();
}

fn ignored_in_other_modes() {
    timer::use_one_shot(VECTOR);
    msr::write(TSC_DEADLINE, 1);
    interrupt::window();
    claim!(
        FIRED.load(Ordering::Relaxed) == 0,
        "outside deadline mode a deadline does nothing"
    );
    claim!(
        msr::read(TSC_DEADLINE) == 0,
        "outside deadline mode the register reads 0"
    );
}

fn in_the_past() {
    let past = [1, tsc::now() - 1, tsc::now()];
    let mut fired = 0;
    for at in past {
        FIRED.store(0, Ordering::Relaxed);
        msr::write(TSC_DEADLINE, at);
        interrupt::window();
        fired += FIRED.load(Ordering::Relaxed);
        require!(
            msr::read(TSC_DEADLINE) == 0,
            "the register keeps a deadline that has fired"
        );
    }
    claim!(
        fired == past.len() as u32,
        "a deadline in the past fires at once"
    );
}

fn storm() {
    let mut distance = tsc::from_microseconds(2);
    let longest = tsc::from_microseconds(50);
    let mut good = 0;
    for round in 0..ROUNDS {
        // A walk through distances that has no common rhythm with anything else.
        distance = distance * 5 / 4 + 13;
        if distance > longest {
            distance = 17 + u64::from(round & 0xFF);
        }
        FIRED.store(0, Ordering::Relaxed);
        let at = tsc::now() + distance;
        msr::write(TSC_DEADLINE, at);
        if round & 1 == 0 {
            while FIRED.load(Ordering::Relaxed) == 0 {
                interrupt::wait();
            }
        } else {
            interrupt::enable();
            let fired = tsc::wait_for(|| FIRED.load(Ordering::Relaxed) != 0);
            interrupt::disable();
            require!(fired, "deadline {round} at distance {distance} never fired");
        }
        let early = FIRED_AT.load(Ordering::Relaxed) < at;
        let armed = round % 16 == 0 && msr::read(TSC_DEADLINE) != 0;
        interrupt::window();
        let times = FIRED.load(Ordering::Relaxed);
        let right = times == 1 && !early && !armed;
        require!(
            right,
            "deadline {round}: fired {times} times, early {early}, still armed {armed}"
        );
        if !right {
            break;
        }
        good += 1;
    }
    claim!(
        good == ROUNDS,
        "{ROUNDS} deadlines, each taken once and none early"
    );
}

fn replaced() {
    FIRED.store(0, Ordering::Relaxed);
    for n in 0..1000 {
        msr::write(
            TSC_DEADLINE,
            tsc::now() + tsc::from_microseconds(600_000_000) + n,
        );
    }
    let at = tsc::now() + tsc::from_microseconds(100);
    msr::write(TSC_DEADLINE, at);
    interrupt::wait();
    tsc::delay(100);
    interrupt::window();
    claim!(
        FIRED.load(Ordering::Relaxed) == 1,
        "only the last of many deadlines fires"
    );
    claim!(
        FIRED_AT.load(Ordering::Relaxed) >= at,
        "and it fires when it is due"
    );
}

/// Arms, takes back by `undo`, and waits until long after the deadline. A host may keep the CPU away
/// until it has fired before that; then another try is due.
fn taken_back(undo: impl Fn()) -> bool {
    for _ in 0..100 {
        FIRED.store(0, Ordering::Relaxed);
        let at = tsc::now() + tsc::from_microseconds(2_000);
        msr::write(TSC_DEADLINE, at);
        undo();
        if tsc::now() < at {
            while tsc::now() < at + tsc::from_microseconds(1_000) {
                core::hint::spin_loop();
            }
            interrupt::window();
            return FIRED.load(Ordering::Relaxed) == 0;
        }
        interrupt::window();
        timer::use_deadline(VECTOR);
    }
    false
}

fn disarmed() {
    let silent = taken_back(|| msr::write(TSC_DEADLINE, 0));
    claim!(silent, "a deadline of 0 disarms the timer");
}

fn left_by_mode_change() {
    let silent = taken_back(|| timer::use_one_shot(VECTOR));
    claim!(silent, "leaving deadline mode disarms the timer");
    timer::stop();
}

probes::probe!(timer_deadline, bulkhead);

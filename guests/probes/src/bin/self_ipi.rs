//! Interrupts to oneself arrive once each, in priority order.
//!
//! Whatever the CPU does while it waits.
//! Also called: self IPI, shorthand 1.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use probes::{claim, require};
use rt::{interrupt, lapic, tsc};

const ROUNDS: u32 = 20_000;
const VECTOR: u8 = 0x60;

static TAKEN: AtomicU32 = AtomicU32::new(0);
/// Vectors in the order they were taken, one byte each, newest lowest.
static ORDER: AtomicU64 = AtomicU64::new(0);

fn self_ipi() {
    interrupt::set_handler(VECTOR, |_| {
        TAKEN.fetch_add(1, Ordering::Relaxed);
        lapic::eoi();
    });
    storm("with interrupts on", || {
        interrupt::enable();
        lapic::send_self(VECTOR);
        let arrived = tsc::wait_for(|| TAKEN.load(Ordering::Relaxed) == 1);
        interrupt::disable();
        arrived
    });
    storm("through STI and HLT", || {
        lapic::send_self(VECTOR);
        interrupt::wait();
        TAKEN.load(Ordering::Relaxed) == 1
    });
    storm("through STI and NOP", || {
        lapic::send_self(VECTOR);
        interrupt::window();
        TAKEN.load(Ordering::Relaxed) == 1
    });
    storm("addressed by id", || {
        lapic::send_fixed(0, VECTOR);
        interrupt::window();
        TAKEN.load(Ordering::Relaxed) == 1
    });
    merged();
    ordered();
    nested();
}

fn storm(how: &str, mut round: impl FnMut() -> bool) {
    let mut good = 0;
    for n in 0..ROUNDS {
        TAKEN.store(0, Ordering::Relaxed);
        let once = round();
        require!(
            once,
            "round {n} {how}: taken {} times",
            TAKEN.load(Ordering::Relaxed)
        );
        if !once {
            break;
        }
        good += 1;
    }
    claim!(
        good == ROUNDS,
        "{ROUNDS} interrupts to itself, {how}, each taken once"
    );
}

fn merged() {
    TAKEN.store(0, Ordering::Relaxed);
    for _ in 0..10 {
        lapic::send_self(VECTOR);
    }
    interrupt::window();
    interrupt::window();
    claim!(
        TAKEN.load(Ordering::Relaxed) == 1,
        "ten requests while masked are one interrupt"
    );
}

fn note(vector: u8) {
    ORDER.store(
        ORDER.load(Ordering::Relaxed) << 8 | u64::from(vector),
        Ordering::Relaxed,
    );
}

fn ordered() {
    for vector in [0x31, 0x55, 0x56, 0xA1, 0xE0] {
        interrupt::set_handler(vector, |frame| {
            note(frame.vector as u8);
            lapic::eoi();
        });
    }
    for vector in [0x56, 0x31, 0xE0, 0x55, 0xA1] {
        lapic::send_self(vector);
    }
    for _ in 0..5 {
        interrupt::window();
    }
    claim!(
        ORDER.load(Ordering::Relaxed) == 0xE0_A1_56_55_31,
        "waiting interrupts are taken by falling vector"
    );
}

/// A handler that enables interrupts is interrupted by a higher class and not by its own.
fn nested() {
    ORDER.store(0, Ordering::Relaxed);
    interrupt::set_handler(0x55, |_| {
        lapic::send_self(0x56);
        lapic::send_self(0xA1);
        interrupt::window();
        note(0x55);
        lapic::eoi();
    });
    lapic::send_self(0x55);
    interrupt::window();
    interrupt::window();
    claim!(
        ORDER.load(Ordering::Relaxed) == 0xA1_55_56,
        "a higher class interrupts a handler, its own class waits for the end"
    );
}

probes::probe!(self_ipi);

//! Interrupts between two CPUs: each is taken exactly once.
//!
//! The sender sends and waits until the receiver's handler has counted the interrupt, before its end:
//! the handshake makes every request a separate one, so none may merge, none may be lost and none may
//! come twice. Then the target spins, the roles change, and both send at once: sleeping and running
//! targets are woken differently.
//! Also called: IPI ping-pong, kick test.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]

use core::hint::spin_loop;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use probes::{claim, require};
use rt::{interrupt, lapic, percpu, smp, tsc};

/// Interrupts to the sleeping CPU.
const ROUNDS: u32 = 100_000;
/// Interrupts in each direction of the parts in which both CPUs spin, which takes a loaded host longer.
const BUSY_ROUNDS: u32 = 10_000;
const VECTOR: u8 = 0x80;

/// Interrupts that each CPU took.
static TAKEN: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
static PART: AtomicU32 = AtomicU32::new(0);
static LOST: AtomicBool = AtomicBool::new(false);

fn ipi_storm() {
    interrupt::set_handler(VECTOR, |_| {
        TAKEN[percpu::index()].fetch_add(1, Ordering::AcqRel);
        lapic::eoi();
    });
    claim!(smp::start(second_cpu) == 2, "the second CPU runs");
    interrupt::enable();
    part(1, "to a halted CPU", || send_all(1, ROUNDS), [0, ROUNDS]);
    part(
        2,
        "to a spinning CPU",
        || send_all(1, BUSY_ROUNDS),
        [0, BUSY_ROUNDS],
    );
    part(3, "back from the second CPU", || (), [BUSY_ROUNDS, 0]);
    part(
        4,
        "both ways at once",
        || send_all(1, BUSY_ROUNDS),
        [BUSY_ROUNDS; 2],
    );
}

/// Runs one part on both CPUs and compares the counts with the expected increase.
fn part(number: u32, what: &str, mine: impl FnOnce(), more: [u32; 2]) {
    let before = TAKEN.each_ref().map(|taken| taken.load(Ordering::Acquire));
    PART.store(number, Ordering::Release);
    lapic::send_fixed(1, 0x81);
    mine();
    let count = |n: usize| TAKEN[n].load(Ordering::Acquire).wrapping_sub(before[n]);
    let complete = || LOST.load(Ordering::Relaxed) || (count(0) >= more[0] && count(1) >= more[1]);
    // As long as it goes on, it may take its time.
    let mut arrived = complete();
    while !arrived {
        let seen = count(0) + count(1);
        if !tsc::wait_for(|| count(0) + count(1) != seen || complete()) {
            break;
        }
        arrived = complete();
    }
    // Time for one too many to arrive.
    tsc::delay(1_000);
    let counts = [count(0), count(1)];
    require!(
        arrived && counts == more,
        "{what}: taken {counts:?}, sent {more:?}"
    );
    claim!(
        counts == more,
        "{} interrupts {what}, each taken once",
        more[0].max(more[1])
    );
}

/// Sends `count` interrupts to CPU `target`, each after the one before has been acknowledged.
fn send_all(target: usize, count: u32) {
    let taken = &TAKEN[target];
    let base = taken.load(Ordering::Acquire);
    for n in 1..=count {
        lapic::send_fixed(target as u8, VECTOR);
        if !tsc::wait_for(|| taken.load(Ordering::Acquire).wrapping_sub(base) >= n) {
            require!(false, "interrupt {n} to CPU {target} was not taken");
            LOST.store(true, Ordering::Relaxed);
            return;
        }
    }
}

fn second_cpu(_: usize) {
    // A wake-up only: it ends the HLT in which the CPU waits for the next part.
    interrupt::set_handler(0x81, |_| lapic::eoi());
    let mut done = 0;
    loop {
        let part = PART.load(Ordering::Acquire);
        if part == done {
            interrupt::wait();
            continue;
        }
        done = part;
        match part {
            1 => (),
            2 => {
                let base = TAKEN[1].load(Ordering::Acquire);
                interrupt::enable();
                while TAKEN[1].load(Ordering::Acquire).wrapping_sub(base) < BUSY_ROUNDS
                    && PART.load(Ordering::Acquire) == part
                {
                    spin_loop();
                }
                interrupt::disable();
            }
            _ => {
                interrupt::enable();
                send_all(0, BUSY_ROUNDS);
                interrupt::disable();
            }
        }
    }
}

probes::probe!(ipi_storm);

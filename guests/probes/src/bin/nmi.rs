//! NMIs ignore the interrupt flag, wait for each other's IRET, and merge to one.
//!
//! Manual: 24593 section 8.2.3; on the hypervisor's side 15.21.9. Also called: NMI blocking, IRET.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};
use probes::{claim, require};
use rt::lapic::{self, icr};
use rt::{interrupt, percpu, smp, tsc};

const VECTOR: u8 = 0x60;
const ROUNDS: u32 = 10_000;

static TAKEN: AtomicU32 = AtomicU32::new(0);
static DEPTH: AtomicU32 = AtomicU32::new(0);
static DEEPEST: AtomicU32 = AtomicU32::new(0);
/// NMIs that a handler sends to itself while it runs.
static MORE: AtomicU32 = AtomicU32::new(0);
static FIXED: AtomicU32 = AtomicU32::new(0);
static SENT: AtomicU32 = AtomicU32::new(0);
static STORM: AtomicU32 = AtomicU32::new(0);

fn nmi_to_self() {
    lapic::send(0, icr::NMI | icr::ASSERT);
}

fn nmi() {
    interrupt::set_handler(2, |_| {
        if percpu::index() != 0 {
            return;
        }
        let depth = DEPTH.fetch_add(1, Ordering::Relaxed) + 1;
        DEEPEST.fetch_max(depth, Ordering::Relaxed);
        let again = MORE.swap(0, Ordering::Relaxed);
        (0..again).for_each(|_| nmi_to_self());
        TAKEN.fetch_add(1, Ordering::Release);
        DEPTH.fetch_sub(1, Ordering::Relaxed);
    });
    interrupt::set_handler(VECTOR, |_| {
        FIXED.fetch_add(1, Ordering::Relaxed);
        lapic::eoi();
    });
    interrupts_off();
    while_running();
    inside_an_interrupt();
    claim!(smp::start(sender) == 2, "the second CPU runs");
    storm();
}

/// Waits for `count` NMIs in all; interrupts stay as they are.
fn wait_for(count: u32) -> bool {
    let came = tsc::wait_for(|| TAKEN.load(Ordering::Acquire) >= count);
    // Time for one too many.
    tsc::delay(100);
    came && TAKEN.load(Ordering::Acquire) == count
}

fn interrupts_off() {
    TAKEN.store(0, Ordering::Relaxed);
    nmi_to_self();
    claim!(wait_for(1), "an NMI is taken with interrupts off");
}

fn while_running() {
    TAKEN.store(0, Ordering::Relaxed);
    DEEPEST.store(0, Ordering::Relaxed);
    MORE.store(1, Ordering::Relaxed);
    nmi_to_self();
    claim!(wait_for(2), "an NMI sent by the handler comes after it");
    claim!(DEEPEST.load(Ordering::Relaxed) == 1, "and not within it");
    TAKEN.store(0, Ordering::Relaxed);
    MORE.store(5, Ordering::Relaxed);
    nmi_to_self();
    let came = tsc::wait_for(|| TAKEN.load(Ordering::Acquire) >= 2);
    tsc::delay(1_000);
    let taken = TAKEN.load(Ordering::Relaxed);
    claim!(came && taken < 6, "NMIs sent while one is handled merge");
    claim!(
        DEEPEST.load(Ordering::Relaxed) == 1,
        "none interrupts another"
    );
}

/// An NMI interrupts a handler, and a fixed interrupt waits for the NMI handler's end.
fn inside_an_interrupt() {
    TAKEN.store(0, Ordering::Relaxed);
    interrupt::set_handler(0x70, |_| {
        let before = TAKEN.load(Ordering::Relaxed);
        nmi_to_self();
        let came = tsc::wait_for(|| TAKEN.load(Ordering::Acquire) == before + 1);
        claim!(came, "an NMI interrupts an interrupt handler");
        lapic::eoi();
    });
    lapic::send_self(0x70);
    interrupt::window();
}

fn sender(_: usize) {
    while STORM.load(Ordering::Acquire) < 2 {
        if STORM.swap(0, Ordering::AcqRel) == 1 {
            SENT.fetch_add(1, Ordering::AcqRel);
            lapic::send(0, icr::NMI | icr::ASSERT);
        }
        core::hint::spin_loop();
    }
}

/// Each round one NMI from outside and one interrupt to itself: both must come, once each.
fn storm() {
    TAKEN.store(0, Ordering::Relaxed);
    FIXED.store(0, Ordering::Relaxed);
    interrupt::enable();
    let mut good = 0;
    for round in 1..=ROUNDS {
        STORM.store(1, Ordering::Release);
        lapic::send_self(VECTOR);
        let both = tsc::wait_for(|| {
            TAKEN.load(Ordering::Acquire) >= round && FIXED.load(Ordering::Relaxed) >= round
        });
        let counts = (TAKEN.load(Ordering::Relaxed), FIXED.load(Ordering::Relaxed));
        require!(
            both && counts == (round, round),
            "round {round}: NMIs and interrupts {counts:?}"
        );
        if !both || counts != (round, round) {
            break;
        }
        good += 1;
    }
    interrupt::disable();
    STORM.store(2, Ordering::Release);
    claim!(
        good == ROUNDS,
        "{ROUNDS} NMIs among {ROUNDS} interrupts, each taken once"
    );
}

probes::probe!(nmi);

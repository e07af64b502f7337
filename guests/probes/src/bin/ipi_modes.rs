//! Every way to address an interrupt reaches just the CPUs that it names.
//!
//! Owns the destination and delivery modes of the interrupt command register: physical, logical flat and
//! cluster, broadcast, shorthands, lowest priority, NMI, INIT and start-up, and the ones without effect.
//! Manual: 24593 section 16.5. Also called: ICR, LDR, DFR, INIT-SIPI-SIPI.
//!
//! needs: cpus=4 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};
use probes::{claim, require};
use rt::lapic::{self, Register, icr};
use rt::{interrupt, percpu, smp, tsc};

const CPUS: usize = 4;
const VECTOR: u8 = 0x61;
/// Makes a CPU take up its logical id under the model in `CLUSTERS`.
const SET_LOGICAL: u8 = 0x90;

static TAKEN: [AtomicU32; CPUS] = [const { AtomicU32::new(0) }; CPUS];
static NMIS: [AtomicU32; CPUS] = [const { AtomicU32::new(0) }; CPUS];
static STARTS: [AtomicU32; CPUS] = [const { AtomicU32::new(0) }; CPUS];
static LOGICAL_SET: AtomicU32 = AtomicU32::new(0);
static CLUSTERS: AtomicU32 = AtomicU32::new(0);

fn ipi_modes() {
    interrupt::set_handler(VECTOR, |_| {
        TAKEN[percpu::index()].fetch_add(1, Ordering::Relaxed);
        lapic::eoi();
    });
    interrupt::set_handler(2, |_| {
        NMIS[percpu::index()].fetch_add(1, Ordering::Relaxed);
    });
    interrupt::set_handler(SET_LOGICAL, |_| {
        take_logical_id();
        LOGICAL_SET.fetch_add(1, Ordering::AcqRel);
        lapic::eoi();
    });
    claim!(smp::start(other_cpu) == CPUS, "all four CPUs run");
    physical();
    shorthands();
    flat();
    cluster();
    lowest_priority();
    nmi();
    without_effect();
    init_and_start();
}

fn other_cpu(index: usize) {
    STARTS[index].fetch_add(1, Ordering::Relaxed);
}

/// Flat: one bit a CPU. Cluster: two CPUs in each of the clusters 0 and 1.
fn take_logical_id() {
    let index = percpu::index() as u32;
    if CLUSTERS.load(Ordering::Acquire) == 0 {
        lapic::write(Register::DFR, u32::MAX);
        lapic::write(Register::LDR, 1 << (24 + index));
    } else {
        lapic::write(Register::DFR, 0x0FFF_FFFF);
        lapic::write(Register::LDR, (index / 2) << 28 | 1 << (24 + index % 2));
    }
}

fn set_model(clusters: bool) {
    CLUSTERS.store(u32::from(clusters), Ordering::Release);
    LOGICAL_SET.store(0, Ordering::Release);
    for target in 0..CPUS {
        lapic::send_fixed(target as u8, SET_LOGICAL);
    }
    interrupt::enable();
    let all = tsc::wait_for(|| LOGICAL_SET.load(Ordering::Acquire) == CPUS as u32);
    interrupt::disable();
    require!(all, "not every CPU has set its logical id");
}

/// Sends, waits until the `expected` CPUs have counted one more and no other has, and tells whether so.
fn reaches(
    counters: &[AtomicU32; CPUS],
    what: &str,
    destination: u8,
    command: u32,
    expected: u8,
) -> bool {
    let before = counters
        .each_ref()
        .map(|counter| counter.load(Ordering::Relaxed));
    lapic::send(destination, command);
    interrupt::enable();
    let reached = || {
        counters.iter().zip(before).enumerate().fold(
            0,
            |mask, (n, (counter, before))| match counter
                .load(Ordering::Relaxed)
                .wrapping_sub(before)
            {
                0 => mask,
                1 => mask | 1 << n,
                _ => mask | 0x80,
            },
        )
    };
    tsc::wait_for(|| reached() & expected == expected);
    // Time for one too many.
    tsc::delay(300);
    interrupt::disable();
    let mask: u8 = reached();
    require!(
        mask == expected,
        "{what} to {destination:#x}: reached {mask:#06b}, not {expected:#06b}"
    );
    mask == expected
}

/// As [`reaches`] for the fixed vector.
fn fixed(what: &str, destination: u8, mode: u32, expected: u8) -> bool {
    reaches(
        &TAKEN,
        what,
        destination,
        mode | icr::ASSERT | u32::from(VECTOR),
        expected,
    )
}

fn physical() {
    let each = (0..CPUS as u8).all(|target| fixed("physical", target, icr::FIXED, 1 << target));
    claim!(each, "a physical id reaches that CPU");
    claim!(
        fixed("broadcast", 0xFF, icr::FIXED, 0b1111),
        "the physical broadcast reaches all"
    );
    claim!(
        fixed("nobody", 7, icr::FIXED, 0),
        "an id that nobody has reaches nobody"
    );
    claim!(
        fixed("still alive", 2, icr::FIXED, 0b0100),
        "and does not stand in the way of the next"
    );
}

fn shorthands() {
    claim!(
        fixed("self", 3, icr::TO_SELF, 0b0001),
        "the shorthand self reaches the sender, whatever the destination"
    );
    claim!(
        fixed("all", 3, icr::TO_ALL, 0b1111),
        "the shorthand all reaches all"
    );
    claim!(
        fixed("others", 0, icr::TO_OTHERS, 0b1110),
        "the shorthand others reaches all but the sender"
    );
}

fn flat() {
    set_model(false);
    let each = (1..16u8).all(|mask| fixed("flat", mask, icr::LOGICAL, mask));
    claim!(each, "a flat logical mask reaches just its members");
    claim!(
        fixed("flat broadcast", 0xFF, icr::LOGICAL, 0b1111),
        "the flat broadcast reaches all"
    );
    let hole = fixed("flat with a hole", 0b1010_0101, icr::LOGICAL, 0b0101);
    claim!(
        hole,
        "a mask with members that do not exist reaches the others"
    );
    claim!(
        fixed("empty", 0, icr::LOGICAL, 0),
        "an empty mask reaches nobody"
    );
}

fn cluster() {
    set_model(true);
    let sets = [
        (0x01, 0b0001),
        (0x02, 0b0010),
        (0x03, 0b0011),
        (0x11, 0b0100),
        (0x12, 0b1000),
        (0x13, 0b1100),
    ];
    let each = sets
        .into_iter()
        .all(|(id, expected)| fixed("cluster", id, icr::LOGICAL, expected));
    claim!(each, "a cluster's mask reaches just its members");
    claim!(
        fixed("no cluster", 0x21, icr::LOGICAL, 0),
        "a cluster that nobody is in reaches nobody"
    );
    claim!(
        fixed("cluster broadcast", 0xFF, icr::LOGICAL, 0b1111),
        "the cluster broadcast reaches all"
    );
    set_model(false);
}

fn lowest_priority() {
    let before = TAKEN
        .each_ref()
        .map(|counter| counter.load(Ordering::Relaxed));
    lapic::send(
        0b1110,
        icr::LOWEST_PRIORITY | icr::LOGICAL | icr::ASSERT | u32::from(VECTOR),
    );
    tsc::delay(20_000);
    let more: u32 = (0..CPUS)
        .map(|n| TAKEN[n].load(Ordering::Relaxed).wrapping_sub(before[n]))
        .sum();
    claim!(more == 1, "lowest priority reaches one of those it names");
}

fn nmi() {
    let nmi = icr::NMI | icr::ASSERT;
    let each = (0..CPUS as u8).all(|target| reaches(&NMIS, "NMI", target, nmi, 1 << target));
    claim!(each, "an NMI reaches the CPU with that id");
    claim!(
        reaches(&NMIS, "NMI, flat", 0b1010, nmi | icr::LOGICAL, 0b1010),
        "an NMI reaches a logical mask"
    );
    claim!(
        reaches(&NMIS, "NMI, others", 0, nmi | icr::TO_OTHERS, 0b1110),
        "an NMI reaches all but the sender"
    );
}

fn without_effect() {
    let starts = || {
        STARTS
            .each_ref()
            .map(|counter| counter.load(Ordering::Relaxed))
    };
    let before = starts();
    lapic::send(0xFF, icr::INIT | icr::LEVEL);
    lapic::send(1, icr::STARTUP | icr::ASSERT | 0x08);
    if rt::cpuid::under_bulkhead() {
        // SMI and the reserved modes, and an illegal vector; a bare PC has a use for some of them.
        for mode in [2 << 8, 3 << 8, 7 << 8, icr::FIXED | 0x0E] {
            lapic::send(2, mode | icr::ASSERT);
        }
    }
    tsc::delay(1_000);
    claim!(
        starts() == before,
        "start-up to a running CPU and INIT de-assert do nothing"
    );
    claim!(
        fixed("all", 0, icr::TO_ALL, 0b1111),
        "reserved modes and illegal vectors leave everybody running"
    );
}

fn init_and_start() {
    let nmis = NMIS[3].load(Ordering::Relaxed);
    lapic::send(3, icr::INIT | icr::ASSERT);
    tsc::delay(1_000);
    claim!(
        fixed("stopped", 3, icr::FIXED, 0),
        "a CPU after INIT takes no interrupt"
    );
    claim!(fixed("rest", 0, icr::TO_ALL, 0b0111), "the others go on");
    let started = smp::wake(3) && tsc::wait_for(|| STARTS[3].load(Ordering::Relaxed) == 2);
    claim!(
        started,
        "a start-up message starts it again from the beginning"
    );
    tsc::delay(1_000);
    claim!(STARTS[3].load(Ordering::Relaxed) == 2, "just once");
    claim!(
        fixed("again", 3, icr::FIXED, 0b1000),
        "and it takes interrupts again"
    );
    claim!(
        NMIS[3].load(Ordering::Relaxed) == nmis,
        "it has not been given an NMI by that"
    );
}

probes::probe!(ipi_modes);

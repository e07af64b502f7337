//! An interrupt arrives although sent while another one was being put in.
//!
//! QEMU's TCG can drop a physical interrupt that meets a VMRUN with a virtual interrupt. The hypervisor's
//! kick for the second interrupt is then lost, and the target goes on without it. Here the first
//! handler waits for the second interrupt, of a higher class, without any exit that would rescue it.
//! The sender's pause between the two sweeps over the critical moment.
//! With the switch off (board `qemu_q35`, task priority rewritten after each virtual interrupt) a round may
//! time out, though 100,000 have not met it; with it on, none may. Also called: lost IPI, V_IRQ race, helper_vmrun.
//!
//! needs: cpus=2 memory=16M cmdline="rounds=5000"
#![no_std]
#![no_main]

use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, Ordering};
use probes::{claim, require};
use rt::{interrupt, lapic, multiboot, smp, tsc};

const FIRST: u8 = 0x40;
const SECOND: u8 = 0x90;
/// Wait of the first handler; far longer than a host keeps a CPU waiting.
const PATIENCE_US: u64 = 10_000_000;

static FIRST_TAKEN: AtomicU32 = AtomicU32::new(0);
static SECOND_TAKEN: AtomicU32 = AtomicU32::new(0);
static LATE: AtomicU32 = AtomicU32::new(0);

fn erratum_lost_kick() {
    interrupt::set_handler(SECOND, |_| {
        SECOND_TAKEN.fetch_add(1, Ordering::AcqRel);
        lapic::eoi();
    });
    interrupt::set_handler(FIRST, |_| {
        let round = FIRST_TAKEN.load(Ordering::Relaxed) + 1;
        interrupt::enable();
        let end = tsc::now() + tsc::from_microseconds(PATIENCE_US);
        while SECOND_TAKEN.load(Ordering::Acquire) < round && tsc::now() < end {
            spin_loop();
        }
        interrupt::disable();
        if SECOND_TAKEN.load(Ordering::Acquire) < round {
            LATE.fetch_add(1, Ordering::Relaxed);
        }
        lapic::eoi();
        FIRST_TAKEN.store(round, Ordering::Release);
    });
    let rounds = multiboot::command_line()
        .number("rounds", 5_000)
        .unwrap_or(5_000) as u32;
    tsc::hertz();
    claim!(smp::start(target) == 2, "the second CPU runs");
    let mut sent = 0;
    for round in 1..=rounds {
        lapic::send_fixed(1, FIRST);
        (0..round % 61).for_each(|_| spin_loop());
        lapic::send_fixed(1, SECOND);
        sent = round;
        let done = tsc::wait_for(|| {
            FIRST_TAKEN.load(Ordering::Acquire) >= round
                && SECOND_TAKEN.load(Ordering::Acquire) >= round
        });
        require!(done, "round {round} never ended");
        if !done {
            break;
        }
    }
    let late = LATE.load(Ordering::Relaxed);
    require!(
        late == 0,
        "{late} of {sent} second interrupts came only after an exit"
    );
    claim!(
        sent == rounds && late == 0,
        "{rounds} second interrupts arrive without help"
    );
}

/// Spins with interrupts on: no exit of its own.
fn target(_: usize) {
    interrupt::enable();
    loop {
        spin_loop();
    }
}

probes::probe!(erratum_lost_kick);

//! An interrupt never comes between STI and HLT, wherever the hypervisor took the CPU away.
//!
//! QEMU's TCG up to 7.2 ignores the interrupt shadow that VMRUN is given: a guest that lost the CPU just
//! behind its STI gets the interrupt before its HLT, and then sleeps with nothing left to wake it. The
//! handler looks at its return address. The other CPU sends at moments that sweep over the sequence.
//! With the switch off (board `qemu_q35`) a round is caught now and then; with it on, none may.
//! Manual: 24593 section 15.21.5. Also called: INTERRUPT_SHADOW, sti;hlt race.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: the sequence under test, in assembly so that its addresses are known.

use core::arch::global_asm;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, Ordering};
use probes::{claim, require};
use rt::{interrupt, lapic, smp, tsc};

const ROUNDS: u32 = 50_000;
const VECTOR: u8 = 0x60;

global_asm!("sti_hlt:", "sti", "shadowed_hlt:", "hlt", "cli", "ret");

unsafe extern "C" {
    safe fn sti_hlt();
    static shadowed_hlt: u8;
}

static TAKEN: AtomicU32 = AtomicU32::new(0);
static TOO_EARLY: AtomicU32 = AtomicU32::new(0);

fn erratum_shadow_at_vmrun() {
    interrupt::set_handler(VECTOR, |frame| {
        if frame.rip == &raw const shadowed_hlt as u64 {
            TOO_EARLY.fetch_add(1, Ordering::Relaxed);
        }
        TAKEN.fetch_add(1, Ordering::Release);
        lapic::eoi();
    });
    claim!(smp::start(sleeper) == 2, "the second CPU runs");
    let mut sent = 0;
    for round in 1..=ROUNDS {
        lapic::send_fixed(1, VECTOR);
        let taken = tsc::wait_until(2_000_000, || TAKEN.load(Ordering::Acquire) >= round);
        require!(taken, "round {round} was not taken");
        if !taken {
            break;
        }
        sent = round;
        (0..round % 47).for_each(|_| spin_loop());
    }
    let early = TOO_EARLY.load(Ordering::Relaxed);
    require!(
        early == 0,
        "{early} of {sent} interrupts came between STI and HLT"
    );
    claim!(
        sent == ROUNDS && early == 0,
        "{ROUNDS} interrupts to a CPU that does STI and HLT all the time"
    );
}

fn sleeper(_: usize) {
    loop {
        sti_hlt();
    }
}

probes::probe!(erratum_shadow_at_vmrun);

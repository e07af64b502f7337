//! An interrupt never comes right behind STI, wherever the CPU was taken away.
//!
//! QEMU's TCG up to 7.2 ignores the interrupt shadow that VMRUN is given: a guest that lost the CPU just
//! behind its STI gets the interrupt before its HLT, and then sleeps with nothing left to wake it. The
//! handler looks at its return address. The other CPU sends at moments that sweep over the sequence,
//! which has a NOP where others have the HLT, because a CPU that sleeps is hardly ever caught there.
//! With the switch off (board `qemu_q35`) rounds are caught; with it on, none may.
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

const ROUNDS: u32 = 2_000;
const VECTOR: u8 = 0x60;

global_asm!("sti_nop:", "sti", "shadowed_nop:", "nop", "cli", "ret");

unsafe extern "C" {
    safe fn sti_nop();
    static shadowed_nop: u8;
}

static TAKEN: AtomicU32 = AtomicU32::new(0);
static TOO_EARLY: AtomicU32 = AtomicU32::new(0);

fn erratum_shadow_at_vmrun() {
    interrupt::set_handler(VECTOR, |frame| {
        if frame.rip == &raw const shadowed_nop as u64 {
            TOO_EARLY.fetch_add(1, Ordering::Relaxed);
        }
        TAKEN.fetch_add(1, Ordering::Release);
        lapic::eoi();
    });
    claim!(smp::start(open_and_shut) == 2, "the second CPU runs");
    let mut sent = 0;
    for round in 1..=ROUNDS {
        lapic::send_fixed(1, VECTOR);
        let taken = tsc::wait_for(|| TAKEN.load(Ordering::Acquire) >= round);
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
        "{early} of {sent} interrupts came right behind STI"
    );
    claim!(
        sent == ROUNDS && early == 0,
        "{ROUNDS} interrupts to a CPU that does STI and CLI all the time"
    );
}

fn open_and_shut(_: usize) {
    loop {
        sti_nop();
    }
}

probes::probe!(erratum_shadow_at_vmrun);

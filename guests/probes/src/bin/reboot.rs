//! A reset starts the image again on fresh memory, as in the first life.
//!
//! Nothing that a guest could leave a note in survives, so the guest cannot count its lives: it resets
//! itself in each, and the plan's restart limit ends the series. Every life prints the log beside this file.
//! Also called: CF9, restart policy, warm reset.
//!
//! needs: cpus=2 memory=16M ends=restart
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};
use probes::claim;
use rt::lapic::{self, Register};
use rt::timer::Alarm;
use rt::{power, smp, start, tsc};

/// In initialised data: a life that ran on the memory of the one before would find 2.
static DATA: AtomicU32 = AtomicU32::new(1);
/// In zeroed memory.
static ZEROED: AtomicU32 = AtomicU32::new(0);
/// Free memory above the image.
const FREE: u64 = 0xA0_0000;

fn reboot() {
    claim!(
        start::state().magic == rt::multiboot::MAGIC,
        "the loader has handed over as at the first start"
    );
    claim!(
        DATA.swap(2, Ordering::Relaxed) == 1,
        "initialised data is as in the file"
    );
    claim!(
        ZEROED.swap(3, Ordering::Relaxed) == 0,
        "zeroed data is zero"
    );
    #[expect(unsafe_code)]
    // SAFETY: free RAM, mapped one to one. UNSAFETY: reads and writes it.
    let before = unsafe { core::ptr::replace(FREE as *mut u64, 0x1234_5678_9ABC_DEF0) };
    claim!(before == 0, "free memory is zero");
    let idle = lapic::read(Register::TIMER_INITIAL) == 0 && lapic::read(Register::ISR) == 0;
    claim!(idle, "no timer runs and nothing is in service");
    claim!(smp::start(|_| ()) == 2, "the second CPU starts");
    // Things that a restart has to end: a timer on its way, a request that nobody takes, a CPU in HLT.
    let alarm = Alarm::set_up(0xD0);
    alarm.arm(tsc::now() + tsc::from_microseconds(1_000));
    lapic::send_self(0x77);
    lapic::send_fixed(1, 0xFF);
    rt::report!("PROBE reboot resets");
    power::reset()
}

probes::probe!(reboot);

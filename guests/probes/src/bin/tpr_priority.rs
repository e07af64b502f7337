//! The task priority holds back what is not above it, the equal class included.
//!
//! CR8 and the register are one thing; an interrupt that was held comes the moment it may. The equal
//! class is where an emulator of virtual interrupts goes wrong (`svm-emulators.md`, row 24).
//! Manual: 24593 section 16.6. Also called: TPR, CR8, PPR, task priority.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: writes CR8.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};
use probes::{claim, require};
use rt::lapic::{self, Register};
use rt::{interrupt, smp, tsc};

static TAKEN: AtomicU32 = AtomicU32::new(0);
/// Vector that the other CPU is asked to send, 0 for none.
static ASK: AtomicU32 = AtomicU32::new(0);

fn set_class(class: u64) {
    // SAFETY: changes which interrupts are let through.
    unsafe { asm!("mov cr8, {}", in(reg) class, options(nostack)) };
}

fn tpr_priority() {
    for class in 2..16 {
        interrupt::set_handler(class << 4 | 5, |_| {
            TAKEN.fetch_add(1, Ordering::Relaxed);
            lapic::eoi();
        });
    }
    every_pair();
    sub_class();
    released_by_register();
    claim!(smp::start(sender) == 2, "the second CPU runs");
    from_other_cpu();
    own_handler();
}

/// Each class against each priority. Class 1 has exception vectors and is left out.
fn every_pair() {
    let mut good = 0;
    for class in 2..16u8 {
        for priority in 0..16u64 {
            TAKEN.store(0, Ordering::Relaxed);
            set_class(priority);
            lapic::send_self(class << 4 | 5);
            interrupt::window();
            let taken = TAKEN.load(Ordering::Relaxed) == 1;
            let expected = u64::from(class) > priority;
            set_class(0);
            interrupt::window();
            let once = TAKEN.load(Ordering::Relaxed) == 1;
            require!(
                taken == expected && once,
                "class {class} at priority {priority}: taken {taken}"
            );
            good += u32::from(taken == expected && once);
        }
    }
    claim!(
        good == 14 * 16,
        "a class is taken just when it is above the priority, and once"
    );
}

fn sub_class() {
    let mut good = 0;
    for low in [0x50, 0x55, 0x5F] {
        TAKEN.store(0, Ordering::Relaxed);
        lapic::write(Register::TPR, low);
        lapic::send_self(0x55);
        interrupt::window();
        good += u32::from(TAKEN.load(Ordering::Relaxed) == 0);
        lapic::write(Register::TPR, 0x4F);
        interrupt::window();
        good += u32::from(TAKEN.load(Ordering::Relaxed) == 1);
    }
    lapic::write(Register::TPR, 0);
    claim!(
        good == 6,
        "the priority's lower half does not let its own class through"
    );
}

fn released_by_register() {
    TAKEN.store(0, Ordering::Relaxed);
    set_class(15);
    lapic::send_self(0x75);
    interrupt::enable();
    let held = TAKEN.load(Ordering::Relaxed) == 0;
    set_class(6);
    let taken = tsc::wait_for(|| TAKEN.load(Ordering::Relaxed) == 1);
    interrupt::disable();
    set_class(0);
    claim!(held && taken, "lowering CR8 lets a held interrupt in");
}

fn sender(_: usize) {
    loop {
        match ASK.swap(0, Ordering::AcqRel) {
            0 => core::hint::spin_loop(),
            vector => lapic::send_fixed(0, vector as u8),
        }
    }
}

/// The interrupt arrives from outside while the priority is high, and the CPU spins or waits.
fn from_other_cpu() {
    let mut good = 0;
    for round in 0..2_000u32 {
        TAKEN.store(0, Ordering::Relaxed);
        set_class(7);
        interrupt::enable();
        ASK.store(0x75, Ordering::Release);
        let arrived = tsc::wait_for(|| lapic::bit(Register::IRR, 0x75));
        let held = TAKEN.load(Ordering::Relaxed) == 0;
        set_class(u64::from(round % 7));
        let taken = tsc::wait_for(|| TAKEN.load(Ordering::Relaxed) == 1);
        interrupt::disable();
        set_class(0);
        require!(
            arrived && held && taken,
            "round {round}: arrived {arrived}, held {held}, taken {taken}"
        );
        good += u32::from(arrived && held && taken);
    }
    claim!(
        good == 2_000,
        "interrupts from the other CPU are held and then taken"
    );
}

/// Inside a handler the class in service counts like a priority, whatever TPR says.
fn own_handler() {
    TAKEN.store(0, Ordering::Relaxed);
    interrupt::set_handler(0x66, |_| {
        lapic::send_self(0x65);
        lapic::send_self(0x75);
        interrupt::window();
        let higher_only = TAKEN.load(Ordering::Relaxed) == 1;
        claim!(
            higher_only,
            "a handler is interrupted by a higher class only"
        );
        claim!(
            lapic::read(Register::PPR) == 0x60,
            "its class shows in the processor priority"
        );
        lapic::eoi();
    });
    lapic::send_self(0x66);
    interrupt::window();
    interrupt::window();
    claim!(
        TAKEN.load(Ordering::Relaxed) == 2,
        "what it held back comes after its end"
    );
}

probes::probe!(tpr_priority);

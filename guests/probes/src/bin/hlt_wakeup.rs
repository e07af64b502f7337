//! HLT ends for every source that may end it, and for none that may not.
//!
//! Sources: timer, interrupt from the other CPU, interrupt from itself, UART, NMI. A masked source must
//! leave the CPU asleep, and an interrupt that came between the look and the HLT must not be slept over.
//! Also called: idle, wake-up race, sti;hlt.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use probes::{claim, require};
use rt::timer::{self, Alarm};
use rt::{interrupt, ioapic, lapic, smp, tsc, uart};

const TIMER: u8 = 0xD0;
const MESSAGE: u8 = 0x80;
const SERIAL: u8 = 0x50;
const ROUNDS: u32 = 5_000;

static WOKEN: AtomicU32 = AtomicU32::new(0);
static ASK: AtomicU32 = AtomicU32::new(0);
static STOP: AtomicBool = AtomicBool::new(false);

fn hlt_wakeup() {
    for vector in [TIMER, MESSAGE] {
        interrupt::set_handler(vector, |frame| {
            WOKEN.fetch_or(1 << (frame.vector >> 4), Ordering::Relaxed);
            lapic::eoi();
        });
    }
    interrupt::set_handler(SERIAL, |_| {
        uart::read(uart::register::IIR);
        uart::write(uart::register::IER, 0);
        WOKEN.fetch_or(1 << (SERIAL >> 4), Ordering::Relaxed);
        lapic::eoi();
    });
    interrupt::set_handler(rt::fault::vector::NMI, |_| {
        WOKEN.fetch_or(1, Ordering::Relaxed);
    });
    let alarm = Alarm::set_up(TIMER);
    by_timer(alarm);
    by_itself();
    by_uart();
    claim!(smp::start(other_cpu) == 2, "the second CPU runs");
    by_message();
    by_nmi();
    masked_sources(alarm);
    STOP.store(true, Ordering::Release);
}

fn woken_by(vector: u8) -> bool {
    WOKEN.swap(0, Ordering::Relaxed) == 1 << (vector >> 4)
}

fn by_timer(alarm: Alarm) {
    let mut good = 0;
    for distance in 0..ROUNDS {
        // From far beyond the HLT down to before it: the interesting place is passed on the way.
        alarm.arm(tsc::now() + u64::from(ROUNDS - distance) * 4);
        interrupt::wait();
        good += u32::from(woken_by(TIMER));
    }
    claim!(good == ROUNDS, "the timer ends {ROUNDS} sleeps");
}

fn by_itself() {
    lapic::send_self(MESSAGE);
    interrupt::wait();
    claim!(
        woken_by(MESSAGE),
        "an interrupt sent before the HLT ends it"
    );
}

fn by_uart() {
    uart::drain();
    ioapic::route_edge(uart::PIN, SERIAL, 0);
    uart::write(uart::register::IER, uart::ier::TRANSMIT_EMPTY);
    interrupt::wait();
    claim!(woken_by(SERIAL), "the UART ends a sleep");
    ioapic::set_entry(uart::PIN, ioapic::MASKED);
}

/// Sends what it is asked for: bit 8 set is an NMI, else a fixed vector.
fn other_cpu(_: usize) {
    while !STOP.load(Ordering::Acquire) {
        match ASK.swap(0, Ordering::AcqRel) {
            0 => core::hint::spin_loop(),
            0x100 => lapic::send(0, lapic::icr::NMI | lapic::icr::ASSERT),
            vector => lapic::send_fixed(0, vector as u8),
        }
    }
}

fn by_message() {
    let mut good = 0;
    for _ in 0..ROUNDS {
        ASK.store(u32::from(MESSAGE), Ordering::Release);
        interrupt::wait();
        good += u32::from(woken_by(MESSAGE));
    }
    claim!(
        good == ROUNDS,
        "interrupts from the other CPU end {ROUNDS} sleeps"
    );
}

fn by_nmi() {
    let mut good = 0;
    for _ in 0..100 {
        ASK.store(0x100, Ordering::Release);
        // With interrupts off: an NMI ends the sleep all the same.
        halt_masked();
        good += u32::from(woken_by(0));
    }
    claim!(good == 100, "an NMI ends a sleep with interrupts off");
}

/// What is masked at the APIC must not wake: the sleep lasts until the alarm.
fn masked_sources(alarm: Alarm) {
    timer::stop();
    let alarm_again = Alarm::set_up(TIMER);
    require!(alarm_again == alarm, "the timer mode changed");
    lapic::write(lapic::Register::TPR, 0x90);
    lapic::send_self(MESSAGE);
    let at = tsc::now() + tsc::from_microseconds(2_000);
    alarm.arm(at);
    interrupt::wait();
    let slept = tsc::now() >= at;
    claim!(
        slept && woken_by(TIMER),
        "a request below the task priority does not end the sleep"
    );
    lapic::write(lapic::Register::TPR, 0);
    interrupt::window();
    claim!(
        woken_by(MESSAGE),
        "it is taken once the priority is lowered"
    );
}

#[expect(unsafe_code)]
fn halt_masked() {
    // SAFETY: sleeps until an NMI. UNSAFETY: HLT with interrupts off.
    unsafe { core::arch::asm!("hlt", options(nostack)) };
}

probes::probe!(hlt_wakeup);

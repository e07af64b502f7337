//! APIC errors are logged, latched by a write, and can interrupt.
//!
//! Manual: 24593 section 16.4.6. Also called: error status register, LVT error.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};
use probes::claim;
use rt::lapic::{self, Register, icr, read, write};
use rt::{interrupt, timer, tsc};

const ERROR: u8 = 0x70;
const SEND_ILLEGAL_VECTOR: u32 = 1 << 5;
const RECEIVE_ILLEGAL_VECTOR: u32 = 1 << 6;
const ILLEGAL_REGISTER: u32 = 1 << 7;

static TAKEN: AtomicU32 = AtomicU32::new(0);

/// Latches, and returns what was logged since the last time.
fn errors() -> u32 {
    write(Register::ESR, 0);
    read(Register::ESR)
}

fn esr() {
    interrupt::set_handler(ERROR, |_| {
        TAKEN.fetch_add(1, Ordering::Relaxed);
        lapic::eoi();
    });
    errors();
    claim!(errors() == 0, "nothing is logged at first");
    send();
    register();
    interrupting();
    receive();
}

fn send() {
    write(Register::ICR_LOW, icr::TO_SELF | icr::ASSERT | 0x0F);
    claim!(
        read(Register::ESR) == 0,
        "an error is not visible before it is latched"
    );
    claim!(
        errors() == SEND_ILLEGAL_VECTOR,
        "sending a vector below 16 is logged"
    );
    claim!(errors() == 0, "latching again shows it once only");
    let pending = (0..16).any(|vector| lapic::bit(Register::IRR, vector));
    claim!(!pending, "no vector below 16 becomes pending");
}

fn register() {
    write(Register(0x3F0), 1);
    read(Register(0x40));
    claim!(
        errors() == ILLEGAL_REGISTER,
        "access to a register that does not exist is logged"
    );
    write(Register::ICR_LOW, icr::TO_SELF | icr::ASSERT | 0x03);
    read(Register(0x40));
    claim!(
        errors() == ILLEGAL_REGISTER | SEND_ILLEGAL_VECTOR,
        "different errors add up"
    );
}

fn interrupting() {
    write(Register::LVT_ERROR, u32::from(ERROR));
    write(Register::ICR_LOW, icr::TO_SELF | icr::ASSERT | 0x01);
    interrupt::window();
    claim!(
        TAKEN.load(Ordering::Relaxed) == 1,
        "an error interrupts when its entry is open"
    );
    write(Register::ICR_LOW, icr::TO_SELF | icr::ASSERT | 0x02);
    interrupt::window();
    claim!(
        TAKEN.load(Ordering::Relaxed) == 1,
        "a second one before the latch does not"
    );
    errors();
    write(Register::LVT_ERROR, timer::MASKED);
}

/// A local entry whose own vector is illegal: logged when it fires.
fn receive() {
    timer::use_one_shot(0x05);
    write(Register::TIMER_INITIAL, 1000);
    let fired = tsc::wait_for(|| read(Register::TIMER_CURRENT) == 0);
    tsc::delay(100);
    claim!(
        fired && errors() & RECEIVE_ILLEGAL_VECTOR != 0,
        "a timer with a vector below 16 is logged"
    );
    timer::stop();
}

probes::probe!(esr, bulkhead);

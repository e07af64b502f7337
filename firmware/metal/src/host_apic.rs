//! The host's own local APIC: identity, kick IPI, INIT and SIPI, one-shot timer.
//!
//! Firmware leaves it in xAPIC or x2APIC mode; both are driven as found, because
//! going back from x2APIC needs a disable step that firmware itself avoids.
//! 24593 chapter 16.
#![expect(unsafe_code, reason = "UNSAFETY: accesses the APIC page and its MSRs")]

use crate::{cpu, idt};
use core::sync::atomic::{AtomicBool, Ordering};
use hvcore::ids::ApicId;
use svm::msr;

const BASE: u64 = 0xfee0_0000;
const ID: u32 = 0x20;
const TPR: u32 = 0x80;
const SVR: u32 = 0xf0;
const ICR_LOW: u32 = 0x300;
const ICR_HIGH: u32 = 0x310;
const LVT_TIMER: u32 = 0x320;
const LVT_LINT0: u32 = 0x350;
const LVT_LINT1: u32 = 0x360;
const TIMER_INITIAL: u32 = 0x380;
const TIMER_CURRENT: u32 = 0x390;
const TIMER_DIVIDE: u32 = 0x3e0;
const MASKED: u32 = 1 << 16;
const DIVIDE_BY_1: u32 = 0b1011;
const DELIVERY_PENDING: u32 = 1 << 12;

static X2APIC: AtomicBool = AtomicBool::new(false);

/// The APICs are in x2APIC mode.
pub fn is_x2apic() -> bool {
    // No pair: written by core 0 before any other core runs.
    X2APIC.load(Ordering::Relaxed)
}

fn read(register: u32) -> u32 {
    if is_x2apic() {
        return cpu::rdmsr(0x800 + (register >> 4)) as u32;
    }
    let at = (BASE + u64::from(register)) as *const u32;
    // SAFETY: an aligned register of the APIC page, mapped (assumption 2).
    unsafe { at.read_volatile() }
}

fn write(register: u32, value: u32) {
    if is_x2apic() {
        // SAFETY: the APIC's own registers; this module keeps vectors and modes consistent.
        unsafe { cpu::wrmsr(0x800 + (register >> 4), u64::from(value)) };
        return;
    }
    let at = (BASE + u64::from(register)) as *mut u32;
    // SAFETY: as in `read`.
    unsafe { at.write_volatile(value) };
}

/// Finds the mode firmware left (core 0, before [`init`] anywhere).
pub fn detect_mode() {
    let x2 = cpu::rdmsr(msr::APIC_BASE) & msr::APIC_BASE_X2APIC != 0;
    // No pair: see `is_x2apic`.
    X2APIC.store(x2, Ordering::Relaxed);
}

/// Takes over this core's APIC: enabled, external and performance inputs
/// masked, NMI input masked, timer stopped, nothing held back.
pub fn init() {
    let base = cpu::rdmsr(msr::APIC_BASE);
    let mut wanted = base | msr::APIC_BASE_ENABLE;
    if is_x2apic() {
        wanted |= msr::APIC_BASE_X2APIC;
    }
    if wanted != base {
        // SAFETY: enables the APIC at its default base, in the mode of core 0.
        unsafe { cpu::wrmsr(msr::APIC_BASE, wanted) };
    }
    write(LVT_LINT0, MASKED);
    write(LVT_LINT1, MASKED);
    write(LVT_TIMER, MASKED | u32::from(idt::TIMER));
    write(TIMER_DIVIDE, DIVIDE_BY_1);
    write(TIMER_INITIAL, 0);
    write(TPR, 0);
    write(SVR, 0x100 | u32::from(idt::SPURIOUS));
    eoi();
}

/// This core's APIC id.
pub fn id() -> ApicId {
    let raw = read(ID);
    ApicId(if is_x2apic() { raw } else { raw >> 24 })
}

/// Ends the interrupt in service.
pub fn eoi() {
    write(0xb0, 0);
}

fn send(to: ApicId, command: u32) {
    if is_x2apic() {
        // SAFETY: the ICR; targets are cores the MADT lists.
        unsafe { cpu::wrmsr(0x830, (u64::from(to.0) << 32) | u64::from(command)) };
        return;
    }
    // A kick handler never sends, but a vCPU exit can come between the halves on
    // its own core only, so the pair needs no lock; interrupts may stay on.
    write(ICR_HIGH, to.0 << 24);
    write(ICR_LOW, command);
    while read(ICR_LOW) & DELIVERY_PENDING != 0 {
        cpu::pause();
    }
}

/// Interrupts another core: out of its guest, or out of its sleep.
pub fn kick(to: ApicId) {
    send(to, u32::from(idt::KICK));
    // Lets the target run where one host thread emulates all cores.
    cpu::pause();
}

/// INIT to another core.
pub fn send_init(to: ApicId) {
    send(to, 0x4500);
}

/// Start-up IPI: the core starts in real mode at `page << 12`.
pub fn send_startup(to: ApicId, page: u8) {
    send(to, 0x4600 | u32::from(page));
}

/// Arms the one-shot timer: an interrupt after `ticks` bus ticks (at least 1).
pub fn arm_timer(ticks: u32) {
    write(LVT_TIMER, u32::from(idt::TIMER));
    write(TIMER_INITIAL, ticks.max(1));
}

/// Stops the timer.
pub fn stop_timer() {
    write(TIMER_INITIAL, 0);
}

/// Ticks left of the running count, for calibration.
pub fn timer_left() -> u32 {
    read(TIMER_CURRENT)
}

/// Starts a count that does not interrupt, for calibration.
pub fn start_silent_count() {
    write(LVT_TIMER, MASKED | u32::from(idt::TIMER));
    write(TIMER_INITIAL, u32::MAX);
}

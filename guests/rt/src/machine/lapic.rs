//! The local APIC in xAPIC mode: registers, interrupt command, end of interrupt.
//!
//! Manual: 24593 chapter 16. Also called: xAPIC, ICR, EOI, TPR.

use crate::mmio;

/// Physical address of the register page.
pub const BASE: u64 = 0xFEE0_0000;

/// A register's offset in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Register(pub u16);

/// The registers by their manual names (24593 table 16-2).
#[allow(missing_docs)]
impl Register {
    pub const ID: Self = Self(0x20);
    pub const VERSION: Self = Self(0x30);
    pub const TPR: Self = Self(0x80);
    pub const APR: Self = Self(0x90);
    pub const PPR: Self = Self(0xA0);
    pub const EOI: Self = Self(0xB0);
    pub const RRR: Self = Self(0xC0);
    pub const LDR: Self = Self(0xD0);
    pub const DFR: Self = Self(0xE0);
    pub const SVR: Self = Self(0xF0);
    pub const ISR: Self = Self(0x100);
    pub const TMR: Self = Self(0x180);
    pub const IRR: Self = Self(0x200);
    pub const ESR: Self = Self(0x280);
    pub const ICR_LOW: Self = Self(0x300);
    pub const ICR_HIGH: Self = Self(0x310);
    pub const LVT_TIMER: Self = Self(0x320);
    pub const LVT_THERMAL: Self = Self(0x330);
    pub const LVT_PERF: Self = Self(0x340);
    pub const LVT_LINT0: Self = Self(0x350);
    pub const LVT_LINT1: Self = Self(0x360);
    pub const LVT_ERROR: Self = Self(0x370);
    pub const TIMER_INITIAL: Self = Self(0x380);
    pub const TIMER_CURRENT: Self = Self(0x390);
    pub const TIMER_DIVIDE: Self = Self(0x3E0);
}

/// Vector of spurious interrupts, set by [`enable`].
pub const SPURIOUS: u8 = 0xFF;

/// Bits of the interrupt command register's low half.
#[allow(missing_docs)]
pub mod icr {
    pub const FIXED: u32 = 0 << 8;
    pub const LOWEST_PRIORITY: u32 = 1 << 8;
    pub const NMI: u32 = 4 << 8;
    pub const INIT: u32 = 5 << 8;
    pub const STARTUP: u32 = 6 << 8;
    pub const LOGICAL: u32 = 1 << 11;
    pub const PENDING: u32 = 1 << 12;
    pub const ASSERT: u32 = 1 << 14;
    pub const LEVEL: u32 = 1 << 15;
    pub const TO_SELF: u32 = 1 << 18;
    pub const TO_ALL: u32 = 2 << 18;
    pub const TO_OTHERS: u32 = 3 << 18;
}

/// Reads a register.
#[inline(always)]
pub fn read(register: Register) -> u32 {
    mmio::read32(BASE + u64::from(register.0))
}

/// Writes a register.
#[inline(always)]
pub fn write(register: Register, value: u32) {
    mmio::write32(BASE + u64::from(register.0), value);
}

/// Own APIC id.
pub fn id() -> u8 {
    (read(Register::ID) >> 24) as u8
}

/// Software-enables the APIC and lets every priority through.
pub fn enable() {
    write(Register::TPR, 0);
    write(Register::SVR, 0x100 | u32::from(SPURIOUS));
    crate::interrupt::set_handler(SPURIOUS, |_| ());
}

/// Ends the interrupt in service with the highest priority.
#[inline(always)]
pub fn eoi() {
    write(Register::EOI, 0);
}

/// Sends an interrupt command: destination first, then the low half that triggers it, then a PAUSE,
/// because under a counted-instruction emulator a kick does not make the other CPU run.
#[inline]
pub fn send(destination: u8, command: u32) {
    write(Register::ICR_HIGH, u32::from(destination) << 24);
    write(Register::ICR_LOW, command);
    core::hint::spin_loop();
}

/// Sends `vector` as a fixed interrupt to the CPU with APIC id `destination`.
#[inline]
pub fn send_fixed(destination: u8, vector: u8) {
    send(destination, icr::FIXED | icr::ASSERT | u32::from(vector));
}

/// Sends `vector` to the calling CPU itself.
#[inline]
pub fn send_self(vector: u8) {
    write(
        Register::ICR_LOW,
        icr::TO_SELF | icr::ASSERT | u32::from(vector),
    );
}

/// Whether the bit of `vector` is set in one of the three 256-bit fields (ISR, TMR, IRR).
pub fn bit(field: Register, vector: u8) -> bool {
    read(Register(field.0 + u16::from(vector >> 5) * 16)) >> (vector & 31) & 1 != 0
}

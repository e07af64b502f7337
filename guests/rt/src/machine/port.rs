//! Port I/O of the three widths.
//!
//! Safe functions: on this machine no port leads to a device that writes memory (assumption A3).
//! Manual: 24592 section 3.8.
//! Also called: in, out, inb, outb.
#![expect(unsafe_code)]
// UNSAFETY: the IN and OUT instructions.

use core::arch::asm;

/// Reads one byte from `port`.
pub fn read8(port: u16) -> u8 {
    let value;
    // SAFETY: A3.
    unsafe { asm!("in al, dx", out("al") value, in("dx") port, options(nostack, preserves_flags)) };
    value
}

/// Reads two bytes from `port`.
pub fn read16(port: u16) -> u16 {
    let value;
    // SAFETY: A3.
    unsafe { asm!("in ax, dx", out("ax") value, in("dx") port, options(nostack, preserves_flags)) };
    value
}

/// Reads four bytes from `port`.
pub fn read32(port: u16) -> u32 {
    let value;
    // SAFETY: A3.
    unsafe {
        asm!("in eax, dx", out("eax") value, in("dx") port, options(nostack, preserves_flags))
    };
    value
}

/// Writes one byte to `port`.
pub fn write8(port: u16, value: u8) {
    // SAFETY: A3.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nostack, preserves_flags)) };
}

/// Writes two bytes to `port`.
pub fn write16(port: u16, value: u16) {
    // SAFETY: A3.
    unsafe { asm!("out dx, ax", in("dx") port, in("ax") value, options(nostack, preserves_flags)) };
}

/// Writes four bytes to `port`.
pub fn write32(port: u16, value: u32) {
    // SAFETY: A3.
    unsafe {
        asm!("out dx, eax", in("dx") port, in("eax") value, options(nostack, preserves_flags))
    };
}

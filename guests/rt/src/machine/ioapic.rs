//! The I/O APIC: 24 pins, routed by redirection entries.
//!
//! Also called: IOAPIC, GSI, redirection table, RTE.

use crate::mmio;

/// Physical address of the register window.
pub const BASE: u64 = 0xFEC0_0000;
/// Pins of this machine.
pub const PINS: u8 = 24;
/// Entry bit: masked.
pub const MASKED: u64 = 1 << 16;
/// Entry bit: level-triggered.
pub const LEVEL: u64 = 1 << 15;
/// Entry bit, read-only: a level interrupt waits for its end.
pub const REMOTE_IRR: u64 = 1 << 14;
/// Entry bit: active low.
pub const ACTIVE_LOW: u64 = 1 << 13;

/// Register 0: the id in bits 27 to 24.
pub const ID: u8 = 0;
/// Register 1: version, and the number of the last pin in bits 23 to 16.
pub const VERSION: u8 = 1;

/// Reads register `index` through the window.
pub fn read(index: u8) -> u32 {
    mmio::write32(BASE, u32::from(index));
    mmio::read32(BASE + 0x10)
}

/// Writes register `index` through the window.
pub fn write(index: u8, value: u32) {
    mmio::write32(BASE, u32::from(index));
    mmio::write32(BASE + 0x10, value);
}

/// The redirection entry of `pin`.
pub fn entry(pin: u8) -> u64 {
    u64::from(read(0x11 + 2 * pin)) << 32 | u64::from(read(0x10 + 2 * pin))
}

/// Sets the redirection entry of `pin`: masked first, so that no half-written entry is ever live.
pub fn set_entry(pin: u8, entry: u64) {
    write(0x10 + 2 * pin, MASKED as u32);
    write(0x11 + 2 * pin, (entry >> 32) as u32);
    write(0x10 + 2 * pin, entry as u32);
}

/// Routes `pin` as an edge to `vector` on the CPU with APIC id `destination`.
pub fn route_edge(pin: u8, vector: u8, destination: u8) {
    set_entry(pin, u64::from(destination) << 56 | u64::from(vector));
}

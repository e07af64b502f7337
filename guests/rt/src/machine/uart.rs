//! The 16550 at 0x3F8, register by register, and sending by polling.
//!
//! Written out here although a driver crate exists, because probes must be able to touch every
//! register by itself and see its every bit. Also called: COM1, serial port, 8250.

use crate::port;

/// First port of the device.
pub const BASE: u16 = 0x3F8;
/// Its I/O APIC pin, edge-triggered.
pub const PIN: u8 = 4;
/// Bytes that the transmit FIFO takes at once when it reports itself empty.
pub const FIFO_BYTES: usize = 16;

/// A register's offset from [`BASE`].
#[allow(missing_docs)]
pub mod register {
    pub const DATA: u16 = 0;
    pub const IER: u16 = 1;
    pub const IIR: u16 = 2;
    pub const FCR: u16 = 2;
    pub const LCR: u16 = 3;
    pub const MCR: u16 = 4;
    pub const LSR: u16 = 5;
    pub const MSR: u16 = 6;
    pub const SCRATCH: u16 = 7;
}

/// Line status bits.
#[allow(missing_docs)]
pub mod lsr {
    pub const DATA_READY: u8 = 1;
    pub const OVERRUN: u8 = 2;
    pub const TRANSMIT_HOLDING_EMPTY: u8 = 0x20;
    pub const TRANSMIT_EMPTY: u8 = 0x40;
}

/// Interrupt enable bits.
#[allow(missing_docs)]
pub mod ier {
    pub const RECEIVED: u8 = 1;
    pub const TRANSMIT_EMPTY: u8 = 2;
    pub const LINE_STATUS: u8 = 4;
    pub const MODEM_STATUS: u8 = 8;
}

/// Reads a register.
#[inline]
pub fn read(register: u16) -> u8 {
    port::read8(BASE + register)
}

/// Writes a register.
#[inline]
pub fn write(register: u16, value: u8) {
    port::write8(BASE + register, value);
}

/// 115200 8N1, FIFOs on and empty, no interrupts, OUT2 set so that the interrupt line is connected.
pub fn set_up() {
    write(register::IER, 0);
    write(register::LCR, 0x83);
    write(register::DATA, 1);
    write(register::IER, 0);
    write(register::LCR, 0x03);
    write(register::FCR, 0x07);
    write(register::MCR, 0x0B);
}

/// Sends one byte; waits as long as the device has no room.
pub fn send(byte: u8) {
    while read(register::LSR) & lsr::TRANSMIT_HOLDING_EMPTY == 0 {
        core::hint::spin_loop();
    }
    write(register::DATA, byte);
}

/// Waits until everything has left the device.
pub fn drain() {
    while read(register::LSR) & lsr::TRANSMIT_EMPTY == 0 {
        core::hint::spin_loop();
    }
}

/// A received byte, if there is one.
pub fn receive() -> Option<u8> {
    (read(register::LSR) & lsr::DATA_READY != 0).then(|| read(register::DATA))
}

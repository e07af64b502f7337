//! Ports: who owns each, and what an access does.
//!
//! The map is sparse: a UART, the two sleep registers and the reset register
//! that the ACPI tables name. All other ports behave as on a bus where nobody
//! answers: reads give all ones, writes are lost. That is what tells a kernel
//! that there is no PIC, PIT, keyboard controller, CMOS or PCI.
//! Also called: PIO, IOPM, IN and OUT.

/// First port of the UART, eight registers.
pub const UART: u16 = 0x3F8;
/// ACPI SLEEP_CONTROL register (ACPI 6 section 4.8.3.7), named in the FADT.
pub const SLEEP_CONTROL: u16 = 0x600;
/// ACPI SLEEP_STATUS register.
pub const SLEEP_STATUS: u16 = 0x601;
/// Reset control register, named in the FADT.
pub const RESET: u16 = 0xCF9;
/// Value that the FADT tells the guest to write to [`RESET`].
pub const RESET_VALUE: u8 = 0x06;
/// Sleep type of soft-off, named in the DSDT's `_S5`.
pub const SLEEP_TYPE_OFF: u8 = 5;

/// [`RESET`] bit 2: reset the CPU.
const RESET_CPU: u8 = 1 << 2;
/// [`SLEEP_CONTROL`] bit 5: enter the sleep state of bits 4:2.
const SLEEP_ENABLE: u8 = 1 << 5;

/// Who answers at a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// Register of the UART, 0 to 7.
    Uart(u8),
    /// ACPI sleep control.
    SleepControl,
    /// ACPI sleep status.
    SleepStatus,
    /// Reset control.
    Reset,
    /// Nobody.
    Nobody,
}

/// What an OUT means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortWrite {
    /// Give the byte to a register of the UART.
    Uart(u8, u8),
    /// The guest switches itself off.
    PowerOff,
    /// The guest resets itself.
    Reset,
    /// Nothing.
    Ignore,
}

/// What an IN gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortRead {
    /// A register of the UART, 0 to 7. In a wider access the upper bytes are ones.
    Uart(u8),
    /// This value, in as many bytes as the access has.
    Value(u32),
}

/// Who owns `port`.
#[inline]
pub const fn owner(port: u16) -> Owner {
    match port {
        UART..=0x3FF => Owner::Uart((port - UART) as u8),
        SLEEP_CONTROL => Owner::SleepControl,
        SLEEP_STATUS => Owner::SleepStatus,
        RESET => Owner::Reset,
        _ => Owner::Nobody,
    }
}

/// All ones in the width of an access; `size` is 1, 2 or 4 bytes.
const fn all_ones(size: u8) -> u32 {
    match size {
        1 => 0xFF,
        2 => 0xFFFF,
        _ => 0xFFFF_FFFF,
    }
}

/// What an IN of `size` bytes at `port` gives.
///
/// A device register is one byte wide and answers on the low byte only.
#[inline]
pub const fn read(port: u16, size: u8) -> PortRead {
    match owner(port) {
        Owner::Uart(register) => PortRead::Uart(register),
        Owner::SleepControl | Owner::SleepStatus | Owner::Reset => {
            PortRead::Value(all_ones(size) & !0xFF)
        }
        Owner::Nobody => PortRead::Value(all_ones(size)),
    }
}

/// What an OUT of `value` at `port` means; only the low byte reaches a device.
#[inline]
pub const fn write(port: u16, value: u32) -> PortWrite {
    let byte = value as u8;
    match owner(port) {
        Owner::Uart(register) => PortWrite::Uart(register, byte),
        Owner::SleepControl if byte & SLEEP_ENABLE != 0 && byte >> 2 & 0b111 == SLEEP_TYPE_OFF => {
            PortWrite::PowerOff
        }
        Owner::Reset if byte & RESET_CPU != 0 => PortWrite::Reset,
        Owner::SleepControl | Owner::SleepStatus | Owner::Reset | Owner::Nobody => {
            PortWrite::Ignore
        }
    }
}

/// Bytes of an I/O permission map: one bit a port and a few beyond the last, in
/// three pages (24593 section 15.10.1).
pub const MAP_BYTES: usize = 3 * 4096;

/// Fills the permission map: every port exits.
pub fn fill_map(map: &mut [u8; MAP_BYTES]) {
    map.fill(0xFF);
}

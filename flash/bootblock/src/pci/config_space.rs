//! Configuration space as a trait, and the registers used of it.

/// Address of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Bus number.
    pub bus: u8,
    /// Device on the bus, 0..32.
    pub device: u8,
    /// Function of the device, 0..8.
    pub function: u8,
}

impl core::fmt::Display for Function {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:02x}:{:02x}.{}", self.bus, self.device, self.function)
    }
}

/// Aligned 32-bit access to the configuration space of all functions.
pub trait ConfigSpace {
    /// Reads the word at byte offset `register`; all ones where nobody answers.
    fn read(&mut self, function: Function, register: u16) -> u32;
    /// Writes the word at byte offset `register`.
    fn write(&mut self, function: Function, register: u16, value: u32);
}

/// Vendor and device.
pub const ID: u16 = 0x00;
/// Command (low half) and status.
pub const COMMAND: u16 = 0x04;
/// Cache line, latency, header type, self test.
pub const HEADER: u16 = 0x0c;
/// First base address register.
pub const BAR0: u16 = 0x10;
/// Primary, secondary, subordinate bus of a bridge.
pub const BUSES: u16 = 0x18;
/// I/O window of a bridge (low half) and secondary status.
pub const IO_WINDOW: u16 = 0x1c;
/// Memory window of a bridge.
pub const MEMORY_WINDOW: u16 = 0x20;
/// Prefetchable window of a bridge, low halves.
pub const PREFETCH_WINDOW: u16 = 0x24;
/// Upper half of the prefetchable base.
pub const PREFETCH_BASE_HIGH: u16 = 0x28;
/// Upper half of the prefetchable limit.
pub const PREFETCH_LIMIT_HIGH: u16 = 0x2c;
/// Upper halves of the I/O window.
pub const IO_WINDOW_HIGH: u16 = 0x30;
/// Interrupt line, pin, bridge control.
pub const INTERRUPT: u16 = 0x3c;

/// Command bit: answer in I/O space.
pub const COMMAND_IO: u32 = 1 << 0;
/// Command bit: answer in memory space.
pub const COMMAND_MEMORY: u32 = 1 << 1;
/// Command bit: may start transfers.
pub const COMMAND_MASTER: u32 = 1 << 2;

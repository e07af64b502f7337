//! The host's 16550s: console and log, over ports or memory.
//!
//! Wraps `uart_16550`; the rest of the image sees two non-blocking calls.
//! The record of the coreboot table says where the console is.
#![expect(
    unsafe_code,
    reason = "UNSAFETY: constructs UART drivers on addresses from firmware tables"
)]

use core::ptr::NonNull;
use uart_16550::backend::{MmioBackend, PioBackend};
use uart_16550::{BaudRate, Config, Uart16550};

/// A UART by its way of access.
pub enum Serial {
    /// Byte ports.
    Port(Uart16550<PioBackend>),
    /// Memory registers at a stride.
    Memory(Uart16550<MmioBackend>),
}

// SAFETY: the driver holds only an address; the lock around it serialises access.
unsafe impl Send for Serial {}

/// Bytes of the transmit FIFO, filled at once when the holding register is empty.
const FIFO: usize = 16;

impl Serial {
    /// A UART on I/O ports; `None` for an address it cannot have. `hz` is the
    /// input clock (0: the PC's 1.8432 MHz).
    pub fn port(base: u16, hz: u32, baud: u32) -> Option<Self> {
        // SAFETY: the firmware table or the board says that a UART is here, and nobody else drives it.
        let mut uart = unsafe { Uart16550::new_port(base) }.ok()?;
        let _ = uart.init(config(hz, baud));
        Some(Self::Port(uart))
    }

    /// A UART in memory; `stride` bytes between registers.
    pub fn memory(base: u64, stride: u8, hz: u32, baud: u32) -> Option<Self> {
        let base = NonNull::new(base as *mut u8)?;
        // SAFETY: as `port`; the window lies below 4 GiB and is mapped (assumption 2).
        let mut uart = unsafe { Uart16550::new_mmio(base, stride) }.ok()?;
        let _ = uart.init(config(hz, baud));
        Some(Self::Memory(uart))
    }

    /// A received byte, if there is one.
    pub fn receive(&mut self) -> Option<u8> {
        match self {
            Self::Port(uart) => uart.try_receive_byte().ok(),
            Self::Memory(uart) => uart.try_receive_byte().ok(),
        }
    }

    /// Hands over bytes if the transmitter is empty; says how many it took (at most
    /// one FIFO). 0 means: still busy.
    pub fn send(&mut self, bytes: &[u8]) -> usize {
        let bytes = &bytes[..bytes.len().min(FIFO)];
        match self {
            Self::Port(uart) => uart.send_bytes(bytes),
            Self::Memory(uart) => uart.send_bytes(bytes),
        }
    }

    /// Sends everything, waiting for the line; for boot messages and crashes.
    pub fn send_all(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        let mut idle = 0u32;
        // A UART that is not there never becomes ready: give up after a bound.
        while !rest.is_empty() && idle < 10_000_000 {
            let sent = self.send(rest);
            rest = &rest[sent.min(rest.len())..];
            idle = if sent == 0 { idle + 1 } else { 0 };
        }
    }

    /// Lets the UART interrupt when bytes have come in.
    pub fn interrupt_on_receive(&mut self) {
        use uart_16550::spec::registers::IER;
        match self {
            Self::Port(uart) => uart.enable_interrupts(IER::DATA_READY),
            Self::Memory(uart) => uart.enable_interrupts(IER::DATA_READY),
        }
    }
}

fn config(hz: u32, baud: u32) -> Config {
    let mut config = Config {
        baud_rate: BaudRate::from_integer(baud.max(1)),
        ..Config::default()
    };
    if hz != 0 {
        config.frequency = hz;
    }
    config
}

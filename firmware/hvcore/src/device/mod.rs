//! Emulated devices of a guest: the interrupt pins and the serial port.
//!
//! Each device is a plain struct with `&mut self`; whoever shares one between
//! vCPUs holds a lock around it. Devices do not call each other: [`uart`] returns
//! the new level of its line, the caller hands it to a pin of [`ioapic`], and the
//! message that comes out goes to `lapic::icr::route`.
//! Also called: device model, virtual platform.

pub mod ioapic;
pub mod uart;
mod uart_registers;

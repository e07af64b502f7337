//! The parts of the runtime that need the guest machine itself.
//!
//! Kept apart from the pure parts so that those build and test on a host.

pub mod acpi;
pub mod console;
pub mod cpuid;
pub mod descriptor;
pub mod fault;
pub mod interrupt;
pub mod ioapic;
pub mod lapic;
pub mod mmio;
pub mod msr;
pub mod multiboot;
pub mod paging;
pub mod percpu;
pub mod port;
pub mod power;
pub mod smp;
pub mod start;
pub mod timer;
pub mod tsc;
pub mod uart;
pub mod uart_writer;

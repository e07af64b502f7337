//! POLICY: what a guest may see and touch, as tables.
//!
//! Each file answers one question for one kind of access (a CPUID leaf, an MSR,
//! a port, an address without RAM): an answer names what the exit handler has to
//! do. State is kept only where it has no effect (MTRR shadows, counts). What a
//! table does not name gets the default of its kind (zeros, #GP, all ones), and
//! the caller counts it.
//!
//! Also called: filters, trap tables, MSRPM, IOPM.

pub mod cpuid;
pub mod efer;
pub mod mmio;
pub mod msr;
pub mod msr_map;
pub mod mtrr;
pub mod port_io;
pub mod xcr0;

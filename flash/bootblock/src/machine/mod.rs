//! Everything that touches the machine: assembly, ports, registers, raw memory.
//!
//! The boot block runs alone, with interrupts off, on identity-mapped memory, so
//! each unsafe block rests on the same short list of facts, stated where used.

pub mod chipset;
pub mod console;
pub mod ecam;
pub mod fw_cfg;
pub mod handoff;
pub mod interrupts;
pub mod memory_types;
pub mod physical;
pub mod ports;
pub mod processors;
pub mod protected_mode;
pub mod reset;

//! ACPI tables: placed by the emulator's loader script, found through one RSDP.
//!
//! QEMU builds the tables itself and hands them over as files plus a script of
//! relocations (`etc/table-loader`), because only firmware knows where they will
//! lie. It must be asked after the PCI set-up: the tables describe the windows
//! that firmware programmed, and there is no MCFG before PCIEXBAR is on.

pub mod loader;
pub mod root_pointer;

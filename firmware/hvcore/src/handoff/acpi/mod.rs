//! ACPI: the four tables the host machine is learnt from.
//!
//! `root` finds and proves tables, `madt` lists processors and interrupt
//! controllers, `mcfg` PCI configuration windows, `fadt` the timer and the reset
//! register. Byte code (DSDT) is never interpreted.
//! Manual: ACPI specification 6.5, chapter 5.

pub mod fadt;
pub mod madt;
pub mod mcfg;
pub mod root;

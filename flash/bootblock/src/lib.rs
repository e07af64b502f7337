//! Decisions of the boot block that stands in for coreboot on QEMU's q35.
//!
//! coreboot itself cannot be shipped with this repository, and the product is a
//! coreboot payload. So a QEMU run needs somebody who does what coreboot's board
//! code does there: give the PCI devices addresses, place the ACPI tables, count
//! the memory, describe all that in a coreboot table, find `fallback/payload` in
//! the ROM's CBFS and load it. Everything in that list that is arithmetic or
//! parsing lives in this library, without unsafe code and without hardware, and
//! is tested on the build host. The binary next to it owns the reset vector and
//! every port, register and raw address.
//!
//! Nothing here shares code with the payload: a parser used by both sides of a
//! hand-over would agree with its own mistakes.
//!
//! Also called: BIOS, firmware, ROM stage, SeaBIOS replacement.
#![no_std]
#![forbid(unsafe_code)]

pub mod acpi;
pub mod bytes;
pub mod fw_cfg;
pub mod memory_map;
pub mod pci;
pub mod rom;
pub mod table;

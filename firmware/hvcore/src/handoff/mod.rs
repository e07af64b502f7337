//! HAND-OFF: what the firmware before us left in memory and flash, read with care.
//!
//! Theory of operation. `coreboot` (on a board) or `pvh` (a quick start under
//! an emulator) turns foreign bytes into one [`board_tables::BoardTables`].
//! `memory` carves usable RAM out of its memory map, `acpi` lists processors,
//! interrupt controllers and configuration space, `fmap` and `cbfs` find files
//! in flash, and `plan` re-checks the compiled partition plan against all that.
//!
//! Nothing here trusts a byte: every structure is checksummed where it has a
//! checksum, every offset is bounds-checked, every loop has a limit, and each
//! fault says in one sentence what is wrong. Memory is reached only through
//! [`physical::PhysicalMemory`], so all of it runs on a build host.
//! Also called: boot information, boot protocol, firmware tables.

pub mod physical;
pub mod wire;

pub mod memory_map;

pub mod board_tables;

pub mod coreboot;
mod coreboot_records;
pub mod pvh;

pub mod acpi;

pub mod cbfs;
pub mod fmap;

pub mod memory;
pub mod plan;

//! GUESTS: what a partition's memory and first vCPU hold at the first entry.
//!
//! RAM starts at guest-physical 0 and has one hole, 3 to 4 GiB, where the local
//! APIC and the I/O APIC are ([`memory_map`]). Three kinds of program are
//! loaded: Linux ([`linux_boot`]), [`multiboot`] images, and [`flat`] binaries.
//! Each loader turns bytes that came from flash and are trusted with nothing
//! into writes through `port::GuestMemory` and an [`entry::EntryState`]; it
//! decides where everything goes before it writes the first byte.

pub mod acpi_tables;
pub mod dsdt;
pub mod entry;
pub mod field;
pub mod flat;
pub mod linux_boot;
pub mod memory_map;
pub mod multiboot;
pub mod reset_vector;

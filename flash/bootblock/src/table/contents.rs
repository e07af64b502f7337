//! Which records the table has, in which order.
//!
//! They are those seen under coreboot on this board, plus two nuisances that real
//! tables contain and parsers trip over: a record with an unknown tag right at
//! the start, whose odd number of words leaves every later 64-bit field on a
//! 4-byte boundary, and records whose text needs padding.

use super::cbmem::Entry;
use super::writer::{Full, TableWriter};
use crate::memory_map::Range;

/// Physical address of the stub table that forwards to the real one.
pub const STUB_ADDRESS: u64 = 0x500;
/// Bytes kept for the real table.
pub const TABLE_BYTES: usize = 8192;
/// I/O base of the console.
pub const SERIAL_PORT: u16 = 0x3f8;
/// Its speed in baud.
pub const SERIAL_BAUD: u32 = 115_200;
/// A tag nobody has assigned.
pub const UNKNOWN_TAG: u32 = 0x6e6f_6e65;

/// Record tags of the coreboot table.
mod tag {
    pub const MEMORY: u32 = 0x01;
    pub const MAINBOARD: u32 = 0x03;
    pub const VERSION: u32 = 0x04;
    pub const EXTRA_VERSION: u32 = 0x05;
    pub const BUILD: u32 = 0x06;
    pub const COMPILE_TIME: u32 = 0x07;
    pub const SERIAL: u32 = 0x0f;
    pub const CONSOLE: u32 = 0x10;
    pub const FORWARD: u32 = 0x11;
    pub const CBMEM_CONSOLE: u32 = 0x17;
    pub const VERSION_TIMESTAMP: u32 = 0x26;
    pub const BOOT_MEDIA: u32 = 0x30;
    pub const CBMEM_ENTRY: u32 = 0x31;
    pub const FLASH_MAP: u32 = 0x37;
    pub const BOARD_CONFIG: u32 = 0x40;
    pub const ACPI_RSDP: u32 = 0x43;
    pub const BOOT_MODE: u32 = 0xcd;
}

/// Everything the table tells. Addresses are physical, sizes are bytes.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The memory map.
    pub memory: &'a [Range],
    /// The CBMEM entries.
    pub cbmem: &'a [Entry],
    /// Address of the console ring.
    pub console: u64,
    /// Address of the flash map's copy.
    pub flash_map: u64,
    /// Address of the RSDP.
    pub rsdp: u64,
    /// Offset of the flash map in the flash.
    pub fmap_offset: u64,
    /// Offset of the active CBFS in the flash.
    pub cbfs_offset: u64,
    /// Size of the active CBFS.
    pub cbfs_size: u64,
    /// Size of the flash.
    pub flash_size: u64,
    /// Part in the mainboard record, without a zero; at most [`PART_LEN`] bytes.
    pub part: &'a [u8],
}

/// Part that coreboot's own q35 mainboard names.
pub const Q35_PART: &[u8] = b"QEMU x86 q35/ich9";
/// Longest part.
pub const PART_LEN: usize = 32;

/// Writes the stub: one record that says where the table is.
pub fn write_stub(buffer: &mut [u8], table: u64) -> Result<usize, Full> {
    let mut stub = TableWriter::new(buffer);
    stub.record(tag::FORWARD, |r| {
        r.u64(table);
    });
    stub.finish()
}

/// Writes the table; the bytes it takes.
pub fn write_table(buffer: &mut [u8], facts: &Facts<'_>) -> Result<usize, Full> {
    let mut table = TableWriter::new(buffer);
    table.record(UNKNOWN_TAG, |r| {
        r.u32(0xffff_ffff);
    });
    table.record(tag::MEMORY, |r| {
        for range in facts.memory {
            r.u64(range.start)
                .u64(range.end - range.start)
                .u32(range.kind as u32);
        }
    });
    identity(&mut table, facts.part);
    console(&mut table);
    for (tag, address) in [
        (tag::CBMEM_CONSOLE, facts.console),
        (tag::FLASH_MAP, facts.flash_map),
        (tag::ACPI_RSDP, facts.rsdp),
    ] {
        table.record(tag, |r| {
            r.u64(address);
        });
    }
    table.record(tag::BOOT_MEDIA, |r| {
        r.u64(facts.fmap_offset).u64(facts.cbfs_offset);
        r.u64(facts.cbfs_size).u64(facts.flash_size);
    });
    table.record(tag::BOARD_CONFIG, |r| {
        r.u64(u64::MAX).u32(u32::MAX).u32(u32::MAX).u32(u32::MAX);
    });
    for entry in facts.cbmem {
        table.record(tag::CBMEM_ENTRY, |r| {
            r.u64(entry.address).u32(entry.size).u32(entry.id as u32);
        });
    }
    table.record(tag::BOOT_MODE, |r| {
        r.u32(0);
    });
    table.finish()
}

fn identity(table: &mut TableWriter<'_>, part: &[u8]) {
    const VENDOR: &[u8] = b"Emulation\0";
    let part = &part[..part.len().min(PART_LEN)];
    table.record(tag::MAINBOARD, |r| {
        r.bytes(&[0, VENDOR.len() as u8]).bytes(VENDOR);
        r.bytes(part).bytes(b"\0");
    });
    table.text(
        tag::VERSION,
        concat!("bulkhead-bootblock-", env!("CARGO_PKG_VERSION")),
    );
    table.text(tag::EXTRA_VERSION, "");
    table.text(tag::BUILD, "stands in for coreboot");
    table.text(tag::COMPILE_TIME, "00:00:00");
    table.record(tag::VERSION_TIMESTAMP, |r| {
        r.u32(0);
    });
}

fn console(table: &mut TableWriter<'_>) {
    const IO_MAPPED: u32 = 1;
    const REGISTER_WIDTH: u32 = 1;
    const INPUT_HZ: u32 = 1_843_200;
    const NO_PCI_ADDRESS: u32 = 0;
    const DRIVER_8250: u32 = 0;
    table.record(tag::SERIAL, |r| {
        r.u32(IO_MAPPED).u32(SERIAL_PORT.into()).u32(SERIAL_BAUD);
        r.u32(REGISTER_WIDTH).u32(INPUT_HZ).u32(NO_PCI_ADDRESS);
    });
    table.record(tag::CONSOLE, |r| {
        r.u32(DRIVER_8250);
    });
}

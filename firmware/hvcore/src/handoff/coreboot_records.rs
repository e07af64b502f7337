//! The bodies of the coreboot records we use, one function each.
//!
//! 64-bit fields are 4-byte aligned in these records, so everything is read as
//! bytes. A known record whose body makes no sense is counted and passed over;
//! an unknown one is passed over silently, as the format intends.

use heapless::Vec;

use super::board_tables::{
    BoardTables, BootMedia, FlashWindow, SerialPort, SerialRegisters, SpiFlash,
};
use super::memory_map::{MapFull, MemoryKind};
use super::wire::{le32, le64, printable, u8_at};
use crate::ids::Hpa;

/// Record tags.
pub mod tag {
    pub const MEMORY: u32 = 0x01;
    pub const MAINBOARD: u32 = 0x03;
    pub const SERIAL: u32 = 0x0f;
    pub const FORWARD: u32 = 0x11;
    pub const CBMEM_CONSOLE: u32 = 0x17;
    pub const SPI_FLASH: u32 = 0x29;
    pub const BOOT_MEDIA: u32 = 0x30;
    pub const CBMEM_ENTRY: u32 = 0x31;
    pub const TSC_INFO: u32 = 0x32;
    pub const FMAP: u32 = 0x37;
    pub const ACPI_RSDP: u32 = 0x43;
}

/// Name of the flash-map copy among the CBMEM entries ("FMAP").
const CBMEM_ID_FMAP: u32 = 0x464d_4150;
/// Bytes of one memory range: start, size, kind.
const RANGE_LEN: usize = 20;
/// Bytes of one flash window: flash offset, host address, size.
const WINDOW_LEN: usize = 12;

/// Takes one record into `tables`. Of several records of one tag the first
/// holds, except memory ranges and CBMEM entries, which add up.
pub fn take(tables: &mut BoardTables, found: u32, body: &[u8]) -> Result<(), MapFull> {
    let understood = match found {
        tag::MEMORY => return memory(tables, body),
        tag::MAINBOARD => mainboard(tables, body),
        tag::SERIAL => keep(&mut tables.serial, serial(body)),
        tag::CBMEM_CONSOLE => keep(&mut tables.cbmem_console, le64(body, 0).map(Hpa)),
        tag::SPI_FLASH => spi_flash(tables, body),
        tag::BOOT_MEDIA => keep(&mut tables.boot_media, boot_media(body)),
        tag::CBMEM_ENTRY => cbmem_entry(tables, body),
        tag::TSC_INFO => keep(&mut tables.tsc_khz, le32(body, 0).filter(|khz| *khz != 0)),
        tag::FMAP => keep(&mut tables.fmap_copy, le64(body, 0).map(Hpa)),
        tag::ACPI_RSDP => keep(&mut tables.acpi_rsdp, le64(body, 0).map(Hpa)),
        _ => Some(()),
    };
    if understood.is_none() {
        tables.losses.malformed_records = tables.losses.malformed_records.saturating_add(1);
    }
    Ok(())
}

/// Fills a slot that is still empty; `None` when there is no value to fill in.
fn keep<T>(slot: &mut Option<T>, value: Option<T>) -> Option<()> {
    let value = value?;
    slot.get_or_insert(value);
    Some(())
}

fn memory(tables: &mut BoardTables, body: &[u8]) -> Result<(), MapFull> {
    for range in body.chunks_exact(RANGE_LEN) {
        if let (Some(start), Some(len), Some(kind)) =
            (le64(range, 0), le64(range, 8), le32(range, 16))
        {
            tables.memory.push(start, len, MemoryKind(kind))?;
        }
    }
    Ok(())
}

fn mainboard(tables: &mut BoardTables, body: &[u8]) -> Option<()> {
    let strings = body.get(2..)?;
    let text = |index: u8| strings.get(usize::from(index)..);
    let (vendor, part) = (text(u8_at(body, 0)?)?, text(u8_at(body, 1)?)?);
    if tables.part.is_empty() {
        tables.vendor = printable(vendor);
        tables.part = printable(part);
    }
    Some(())
}

fn serial(body: &[u8]) -> Option<SerialPort> {
    let base = le32(body, 4)?;
    let registers = match le32(body, 0)? {
        1 => SerialRegisters::Ports(u16::try_from(base).ok()?),
        2 => SerialRegisters::Memory(Hpa(u64::from(base))),
        _ => return None,
    };
    let width = le32(body, 12)?;
    Some(SerialPort {
        registers,
        baud: le32(body, 8)?,
        // Old tables leave the width at zero and mean byte registers.
        register_width: if matches!(width, 1 | 2 | 4) { width } else { 1 },
        input_hz: le32(body, 16).unwrap_or(0),
    })
}

fn boot_media(body: &[u8]) -> Option<BootMedia> {
    Some(BootMedia {
        fmap_offset: le64(body, 0)?,
        cbfs_offset: le64(body, 8)?,
        cbfs_size: le64(body, 16)?,
        media_size: le64(body, 24)?,
    })
}

fn cbmem_entry(tables: &mut BoardTables, body: &[u8]) -> Option<()> {
    let (at, id) = (le64(body, 0)?, le32(body, 12)?);
    if id == CBMEM_ID_FMAP {
        tables.fmap_copy.get_or_insert(Hpa(at));
    }
    Some(())
}

fn spi_flash(tables: &mut BoardTables, body: &[u8]) -> Option<()> {
    let mut flash = SpiFlash {
        size: le32(body, 0)?,
        sector_size: le32(body, 4)?,
        erase_opcode: u8_at(body, 8)?,
        flags: u8_at(body, 9)?,
        windows: Vec::new(),
    };
    // The window count is absent in tables older than the windows themselves.
    let count = le32(body, 12).unwrap_or(0) as usize;
    for window in body
        .get(16..)
        .unwrap_or(&[])
        .chunks_exact(WINDOW_LEN)
        .take(count)
    {
        let window = FlashWindow {
            flash_offset: u64::from(le32(window, 0)?),
            host: Hpa(u64::from(le32(window, 4)?)),
            len: u64::from(le32(window, 8)?),
        };
        if flash.windows.push(window).is_err() {
            tables.losses.flash_windows = tables.losses.flash_windows.saturating_add(1);
        }
    }
    tables.spi_flash.get_or_insert(flash);
    Some(())
}

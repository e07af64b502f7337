//! What the firmware before us told about the board, whoever it was.
//!
//! Owns the plain data that `coreboot` and `pvh` both produce, so that the rest
//! of the boot does not care how it was started. A fact nobody gave is `None`:
//! guessing is left to code that can print a line about it.

use heapless::{String, Vec};

use super::memory_map::{MemoryMap, Span};
use crate::ids::Hpa;

/// Longest vendor or part text kept.
pub const NAME_LEN: usize = 48;
/// Most windows onto the SPI flash (AMD parts have one, sometimes two).
pub const MAX_FLASH_WINDOWS: usize = 4;

/// Who handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A coreboot table.
    Coreboot,
    /// A PVH start-info block.
    Pvh,
}

/// Where the UART's registers are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SerialRegisters {
    /// First I/O port.
    Ports(u16),
    /// First memory address.
    Memory(Hpa),
}

/// The console UART (a 16550).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SerialPort {
    /// Where it is.
    pub registers: SerialRegisters,
    /// Bits per second that the firmware has programmed.
    pub baud: u32,
    /// Distance of two registers in bytes: 1, 2 or 4.
    pub register_width: u32,
    /// Input clock in Hz; 0 when unknown.
    pub input_hz: u32,
}

/// Where things lie in flash; all offsets count from flash offset 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BootMedia {
    /// Offset of the flash map.
    pub fmap_offset: u64,
    /// Offset of the active CBFS.
    pub cbfs_offset: u64,
    /// Length of the active CBFS in bytes.
    pub cbfs_size: u64,
    /// Length of the whole flash in bytes.
    pub media_size: u64,
}

/// A part of the flash that can be read at a memory address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlashWindow {
    /// First flash offset shown.
    pub flash_offset: u64,
    /// Physical address it is shown at.
    pub host: Hpa,
    /// Length in bytes.
    pub len: u64,
}

/// The boot flash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpiFlash {
    /// Length in bytes.
    pub size: u32,
    /// Erase unit in bytes.
    pub sector_size: u32,
    /// Erase opcode.
    pub erase_opcode: u8,
    /// Flag byte as coreboot gives it (bit 0: 4-byte addressing).
    pub flags: u8,
    /// Memory windows; those beyond the capacity are counted in [`Losses`].
    pub windows: Vec<FlashWindow, MAX_FLASH_WINDOWS>,
}

/// What was in the tables and could not be kept; shown on the console.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Losses {
    /// Records with a tag we know and a body that makes no sense.
    pub malformed_records: u32,
    /// Flash windows beyond [`MAX_FLASH_WINDOWS`].
    pub flash_windows: u32,
}

/// Everything the firmware told us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BoardTables {
    /// Who handed over.
    pub source: Source,
    /// The memory map; never without RAM.
    pub memory: MemoryMap,
    /// The console UART.
    pub serial: Option<SerialPort>,
    /// Mainboard vendor, printable; empty when unknown.
    pub vendor: String<NAME_LEN>,
    /// Mainboard part, printable; empty when unknown.
    pub part: String<NAME_LEN>,
    /// Offsets in flash.
    pub boot_media: Option<BootMedia>,
    /// A copy of the flash map in RAM.
    pub fmap_copy: Option<Hpa>,
    /// The boot flash and its windows.
    pub spi_flash: Option<SpiFlash>,
    /// ACPI root pointer.
    pub acpi_rsdp: Option<Hpa>,
    /// Time-stamp counter frequency in kHz.
    pub tsc_khz: Option<u32>,
    /// coreboot's console ring in RAM.
    pub cbmem_console: Option<Hpa>,
    /// A CBFS image that the loader put into RAM (PVH's first module). It lies
    /// in type 1 memory: withhold it before carving.
    pub ram_cbfs: Option<Span>,
    /// What had to be dropped.
    pub losses: Losses,
}

impl BoardTables {
    /// Nothing known.
    pub const fn empty(source: Source) -> Self {
        Self {
            source,
            memory: MemoryMap::empty(),
            serial: None,
            vendor: String::new(),
            part: String::new(),
            boot_media: None,
            fmap_copy: None,
            spi_flash: None,
            acpi_rsdp: None,
            tsc_khz: None,
            cbmem_console: None,
            ram_cbfs: None,
            losses: Losses {
                malformed_records: 0,
                flash_windows: 0,
            },
        }
    }
}

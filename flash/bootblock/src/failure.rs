//! Every way in which a boot can end early, each with its own sentence.

use bootblock::acpi::loader;
use bootblock::rom::{cbfs, flash_map, payload};
use core::fmt;

/// RAM below 4 GiB that a boot needs: this image at 32 MiB, and some above it.
pub const NEEDED_RAM: u64 = 48 << 20;

/// Why no payload was started.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    /// The host bridge is another one; its vendor and device.
    Board(u32),
    /// The emulator's configuration device is missing.
    NoFwCfg,
    /// There is no memory map.
    NoMemoryMap,
    /// The memory map has more ranges than this program can hold.
    MemoryMapFull,
    /// Bytes of low RAM.
    TooLittleRam(u64),
    /// CBMEM does not fit below the end of low RAM.
    NoCbmem,
    /// The emulator has no ACPI loader script, or one too large.
    NoAcpiScript,
    /// The ACPI tables cannot be placed.
    Acpi(loader::Error),
    /// The flash map is no good.
    FlashMap(flash_map::Error),
    /// The file system is no good.
    Cbfs(cbfs::Error),
    /// The payload file has another type.
    NotAPayload(u32),
    /// The payload is no good.
    Payload(payload::Error),
    /// The coreboot table does not fit its entry.
    TableFull,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Board(id) => write!(f, "Board: host bridge {id:#010x} is not that of q35."),
            Self::NoFwCfg => f.write_str("fw_cfg: no device with descriptor transfers."),
            Self::NoMemoryMap => f.write_str("RAM: the emulator gives no memory map."),
            Self::MemoryMapFull => f.write_str("RAM: the memory map has too many ranges."),
            Self::TooLittleRam(bytes) => write!(
                f,
                "RAM: too little: {} MiB below 4 GiB, {} MiB are needed.",
                bytes >> 20,
                NEEDED_RAM >> 20
            ),
            Self::NoCbmem => f.write_str("CBMEM: no room at the end of low RAM."),
            Self::NoAcpiScript => f.write_str("ACPI: the emulator gives no loader script."),
            Self::Acpi(e) => e.fmt(f),
            Self::FlashMap(e) => e.fmt(f),
            Self::Cbfs(e) => e.fmt(f),
            Self::NotAPayload(kind) => {
                write!(
                    f,
                    "CBFS: 'fallback/payload' has type {kind:#x}, not 0x20 (SELF)."
                )
            }
            Self::Payload(e) => e.fmt(f),
            Self::TableFull => f.write_str("coreboot table: does not fit."),
        }
    }
}

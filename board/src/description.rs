//! What the hypervisor and the plan checker need to know of a board.
//!
//! Only facts that no table of the firmware tells: everything coreboot or ACPI
//! reports at run time is read from there.

use crate::Errata;

/// Where defmt frames and the machine protocol go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogPort {
    /// On the console line, each frame behind an escape.
    Console,
    /// A second 16550 at this I/O port, 115200 8N1.
    Port(u16),
}

/// One board.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    /// Name in plans and on the command line.
    pub name: &'static str,
    /// Vendor in coreboot's mainboard record.
    pub vendor: &'static str,
    /// Part in coreboot's mainboard record; a prefix, revisions follow it.
    pub part: &'static str,
    /// Most cores the board can have.
    pub cores: u8,
    /// Threads of one core: 2 where SMT siblings have neighbouring numbers.
    pub threads_per_core: u8,
    /// Most RAM, in bytes.
    pub memory: u64,
    /// RAM that firmware, PCI holes and Bulkhead keep from guests at most, in bytes.
    pub reserved: u64,
    /// Bytes of the flash chip.
    pub flash: u32,
    /// The log stream.
    pub log: LogPort,
    /// Can end the machine by a write to this port (an emulator's exit device).
    pub exit_port: Option<u16>,
    /// Faults of the CPU or emulator to work around.
    pub errata: Errata,
    /// AVIC as the part is documented; what counts is CPUID on the board itself.
    pub avic: bool,
}

impl Board {
    /// Every rule a board must keep; evaluated at compile time for each board.
    pub const fn valid(&self) -> bool {
        !self.name.is_empty()
            && self.cores >= 1
            && (self.threads_per_core == 1 || self.threads_per_core == 2)
            && self.cores.is_multiple_of(self.threads_per_core)
            && self.memory > self.reserved
            && self.flash.is_power_of_two()
            && self.flash >= 4 << 20
    }
}

//! The ACPI tables a guest is shown: hardware-reduced, nothing legacy.
//!
//! RSDP, XSDT, FADT, DSDT and MADT at fixed places from 0xE0000 on, so that a
//! scan finds them as well as a pointer does. Hardware-reduced mode is what
//! makes a kernel do without PIC, PIT, PM timer and SCI; sleep and reset are two
//! I/O ports each kernel knows how to use (ACPI 6.3 chapters 4.8.3.7 and 5.2).
//! The boot flags say the rest: no legacy devices, no 8042, no VGA, no CMOS.
//! Also called: RSDT, HW_REDUCED_ACPI, APIC table.

use heapless::Vec;

use super::{dsdt, memory_map};
use crate::ids::Gpa;
use crate::policy::{mmio, port_io};
use crate::port::{GuestMemory, NotRam};

/// Where the RSDP is.
pub const RSDP: Gpa = Gpa(memory_map::FIRMWARE_AREA);
const XSDT: u64 = RSDP.0 + 0x40;
const FADT: u64 = RSDP.0 + 0x100;
const DSDT: u64 = RSDP.0 + 0x240;
const MADT: u64 = RSDP.0 + 0x400;

/// Most vCPUs a MADT is built for.
pub const MAX_VCPUS: u8 = abi::plan::MAX_VCPUS as u8;
/// APIC id of the I/O APIC: the first one that no vCPU can have.
pub const IO_APIC_ID: u8 = MAX_VCPUS;

const HEADER_LEN: usize = 36;
const FADT_LEN: usize = 276;
/// Largest table: the FADT.
const MAX_TABLE: usize = FADT_LEN;
const OEM: [u8; 6] = *b"BULKHD";

const _: () = assert!(XSDT + 52 <= FADT && FADT + FADT_LEN as u64 <= DSDT);
const _: () = assert!(DSDT + (HEADER_LEN + dsdt::AML.len()) as u64 <= MADT);
const _: () = assert!(44 + 8 * MAX_VCPUS as usize + 12 + 6 <= MAX_TABLE);
const _: () = assert!(XSDT + 0x400 < memory_map::EXTENDED_START);

/// Why no tables were built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AcpiFault {
    /// The number of vCPUs is 0 or above [`MAX_VCPUS`].
    Vcpus,
    /// The firmware area is not RAM.
    NotRam,
}

impl From<NotRam> for AcpiFault {
    fn from(_: NotRam) -> Self {
        Self::NotRam
    }
}

/// Writes the tables for `vcpus` vCPUs and gives the address of the RSDP.
///
/// The whole firmware area is cleared first: a restarted guest finds nothing of
/// its former life there.
pub fn build<M: GuestMemory>(mem: &M, vcpus: u8) -> Result<Gpa, AcpiFault> {
    if vcpus == 0 || vcpus > MAX_VCPUS {
        return Err(AcpiFault::Vcpus);
    }
    let area = memory_map::EXTENDED_START - RSDP.0;
    mem.fill(RSDP, area, 0)?;
    mem.write(
        Gpa(DSDT),
        &Table::new(*b"DSDT", 2).bytes(&dsdt::AML).finish(),
    )?;
    mem.write(Gpa(FADT), &fadt().finish())?;
    mem.write(Gpa(MADT), &madt(vcpus).finish())?;
    let pointers = [FADT, MADT].map(u64::to_le_bytes);
    mem.write(
        Gpa(XSDT),
        &Table::new(*b"XSDT", 1)
            .bytes(pointers.as_flattened())
            .finish(),
    )?;
    mem.write(RSDP, &rsdp())?;
    Ok(RSDP)
}

/// A table under construction: header first, length and checksum last.
///
/// The buffer holds the largest table, which is proved above; what would not fit
/// is dropped and the tests, which parse every table, would see it.
struct Table(Vec<u8, MAX_TABLE>);

impl Table {
    fn new(signature: [u8; 4], revision: u8) -> Self {
        Self(Vec::new())
            .bytes(&signature)
            .bytes(&[0; 4])
            .bytes(&[revision, 0])
            .bytes(&OEM)
            .bytes(b"BULKHEAD")
            .bytes(&1_u32.to_le_bytes())
            .bytes(b"BULK")
            .bytes(&1_u32.to_le_bytes())
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        let _ = self.0.extend_from_slice(bytes);
        self
    }

    /// Overwrites bytes at an offset of the table.
    fn set(mut self, offset: usize, bytes: &[u8]) -> Self {
        if let Some(field) = self
            .0
            .get_mut(offset..)
            .and_then(|tail| tail.get_mut(..bytes.len()))
        {
            field.copy_from_slice(bytes);
        }
        self
    }

    fn finish(self) -> Vec<u8, MAX_TABLE> {
        let len = (self.0.len() as u32).to_le_bytes();
        let table = self.set(4, &len);
        let sum = checksum(&table.0);
        table.set(9, &[sum]).0
    }
}

/// The byte that makes the sum of all bytes 0.
fn checksum(bytes: &[u8]) -> u8 {
    bytes
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
        .wrapping_neg()
}

/// Version 2: the first 20 bytes have a checksum of their own.
fn rsdp() -> [u8; 36] {
    let mut bytes = [0; 36];
    bytes[..8].copy_from_slice(b"RSD PTR ");
    bytes[9..15].copy_from_slice(&OEM);
    bytes[15] = 2;
    bytes[20..24].copy_from_slice(&36_u32.to_le_bytes());
    bytes[24..32].copy_from_slice(&XSDT.to_le_bytes());
    bytes[8] = checksum(&bytes[..20]);
    bytes[32] = checksum(&bytes);
    bytes
}

/// Generic address: one byte of I/O space.
fn port(port: u16) -> [u8; 12] {
    let [low, high] = port.to_le_bytes();
    [1, 8, 0, 1, low, high, 0, 0, 0, 0, 0, 0]
}

fn fadt() -> Table {
    // No VGA, no CMOS clock; neither legacy devices nor an 8042.
    const BOOT_FLAGS: u16 = 1 << 2 | 1 << 5;
    // WBINVD works; no fixed power or sleep button; reset register; headless;
    // hardware-reduced.
    const FLAGS: u32 = 1 | 1 << 4 | 1 << 5 | 1 << 10 | 1 << 12 | 1 << 20;
    Table::new(*b"FACP", 6)
        .bytes(&[0; FADT_LEN - HEADER_LEN])
        .set(40, &(DSDT as u32).to_le_bytes())
        .set(109, &BOOT_FLAGS.to_le_bytes())
        .set(112, &FLAGS.to_le_bytes())
        .set(116, &port(port_io::RESET))
        .set(128, &[port_io::RESET_VALUE])
        .set(140, &DSDT.to_le_bytes())
        .set(244, &port(port_io::SLEEP_CONTROL))
        .set(256, &port(port_io::SLEEP_STATUS))
        .set(268, b"BULKHEAD")
}

fn madt(vcpus: u8) -> Table {
    // Flags 0: PCAT_COMPAT clear, or a kernel would look for a PIC.
    let mut table = Table::new(*b"APIC", 5)
        .bytes(&(mmio::LOCAL_APIC as u32).to_le_bytes())
        .bytes(&[0; 4]);
    for id in 0..vcpus {
        // Local APIC: processor UID, APIC id, enabled.
        table = table.bytes(&[0, 8, id, id, 1, 0, 0, 0]);
    }
    table
        // I/O APIC from GSI 0 on.
        .bytes(&[1, 12, IO_APIC_ID, 0])
        .bytes(&(mmio::IO_APIC as u32).to_le_bytes())
        .bytes(&[0; 4])
        // NMI at LINT1 of all processors.
        .bytes(&[4, 6, 0xFF, 0, 0, 1])
}

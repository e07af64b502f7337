//! Places CBMEM and the ACPI tables, then fills in the coreboot table.

use crate::failure::Failure;
use crate::machine::fw_cfg::FwCfg;
use crate::machine::handoff;
use crate::machine::physical;
use crate::say;
use bootblock::acpi::{loader, root_pointer};
use bootblock::memory_map::{Kind, MemoryMap};
use bootblock::rom::flash_map::FlashMap;
use bootblock::table::cbmem::{Cbmem, Entry, Id};
use bootblock::table::contents::{self, Facts};

/// Bytes for the emulator's loader script: 256 commands.
const SCRIPT_BYTES: usize = 256 * loader::COMMAND_BYTES;
/// Bytes of the console ring.
const CONSOLE_BYTES: usize = 128 * 1024;
/// Where legacy software looks for an RSDP.
const LEGACY_RSDP: u64 = 0xf_0000;

/// A page-aligned piece of memory this boot block gave itself.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Physical address.
    pub address: u64,
    /// Bytes.
    pub size: usize,
}

impl Piece {
    /// Its bytes.
    ///
    /// # Safety
    ///
    /// No other slice of the same piece may be alive.
    pub unsafe fn bytes_mut(&self) -> &'static mut [u8] {
        // SAFETY: carved from RAM below 4 GiB; unique as the caller promises.
        unsafe { physical::bytes_mut(self.address, self.size) }
    }
}

impl From<Entry> for Piece {
    fn from(entry: Entry) -> Self {
        Self {
            address: entry.address,
            size: entry.size as usize,
        }
    }
}

/// Where everything is.
pub struct Placement {
    cbmem: Cbmem,
    /// The console ring.
    pub console: Piece,
    flash_map: Piece,
    /// Resident code and stacks.
    pub ramstage: Piece,
    table: Piece,
    acpi: Piece,
}

/// Carves CBMEM from the end of low RAM and marks it in `map`.
pub fn place(fw_cfg: &mut FwCfg, map: &mut MemoryMap, others: u32) -> Result<Placement, Failure> {
    let mut script = [0; SCRIPT_BYTES];
    let script = read_script(fw_cfg, &mut script)?;
    let acpi_bytes =
        loader::region_bytes(script, fw_cfg).map_err(Failure::Acpi)? + root_pointer::EXTRA_BYTES;

    let mut cbmem = Cbmem::new(map.low_ram_end());
    let mut carve = |id, bytes| {
        cbmem
            .carve(id, bytes)
            .map(Piece::from)
            .ok_or(Failure::NoCbmem)
    };
    carve(Id::Root, 4096)?;
    let console = carve(Id::Console, CONSOLE_BYTES)?;
    let flash_map = carve(Id::FlashMap, 4096)?;
    let ramstage = carve(Id::Ramstage, handoff::bytes_for(others))?;
    let table = carve(Id::Table, contents::TABLE_BYTES)?;
    let acpi = carve(Id::Acpi, acpi_bytes)?;
    let acpi_end = acpi.address + acpi.size as u64;
    for (start, end, kind) in [
        (acpi_end, cbmem.top(), Kind::Table),
        (acpi.address, acpi_end, Kind::Acpi),
    ] {
        map.claim(start, end, kind)
            .map_err(|_| Failure::MemoryMapFull)?;
    }
    say!("CBMEM: {:#x}-{:#x}", cbmem.bottom(), cbmem.top());
    Ok(Placement {
        cbmem,
        console,
        flash_map,
        ramstage,
        table,
        acpi,
    })
}

/// Fills ACPI tables, flash map copy, coreboot table and stub; the address of the
/// coreboot table.
pub fn write(
    fw_cfg: &mut FwCfg,
    placement: &Placement,
    map: &MemoryMap,
    flash_map: &FlashMap<'_>,
) -> Result<u32, Failure> {
    let rsdp = write_acpi(fw_cfg, placement)?;
    let image = flash_map.image();
    // SAFETY: a fresh entry, in no other slice.
    let copy = unsafe { placement.flash_map.bytes_mut() };
    if let Some(copy) = copy.get_mut(..image.len()) {
        copy.copy_from_slice(image);
    }

    let cbfs = flash_map.area(b"COREBOOT").map_err(Failure::FlashMap)?;
    let mut part = [0; contents::PART_LEN];
    let part: &[u8] = match fw_cfg.read(b"opt/bulkhead/part", &mut part) {
        Some(name) => {
            let name: &[u8] = name;
            say!("Naming another mainboard part.");
            name
        }
        None => contents::Q35_PART,
    };
    let facts = Facts {
        memory: map.ranges(),
        cbmem: placement.cbmem.entries(),
        console: placement.console.address,
        flash_map: placement.flash_map.address,
        rsdp,
        fmap_offset: flash_map.offset as u64,
        cbfs_offset: cbfs.offset.into(),
        cbfs_size: cbfs.size.into(),
        flash_size: flash_map.flash.len() as u64,
        part,
    };
    // SAFETY: a fresh entry, in no other slice.
    let table = unsafe { placement.table.bytes_mut() };
    let bytes = contents::write_table(table, &facts).map_err(|_| Failure::TableFull)?;
    // SAFETY: the first page is reserved in the map, and nothing of it is in use.
    let stub = unsafe { physical::bytes_mut(contents::STUB_ADDRESS, 64) };
    contents::write_stub(stub, placement.table.address).map_err(|_| Failure::TableFull)?;
    say!(
        "Wrote coreboot table at {:#x}, {bytes:#x} bytes.",
        placement.table.address
    );
    Ok(placement.table.address as u32)
}

/// Runs the loader script; the address of the RSDP.
fn write_acpi(fw_cfg: &mut FwCfg, placement: &Placement) -> Result<u64, Failure> {
    let mut script = [0; SCRIPT_BYTES];
    let script = read_script(fw_cfg, &mut script)?;
    let base = placement.acpi.address;
    // SAFETY: a fresh entry, in no other slice.
    let region = unsafe { placement.acpi.bytes_mut() };
    region.fill(0);
    let used = loader::run(script, fw_cfg, region, base).map_err(Failure::Acpi)?;
    let rsdp = root_pointer::upgrade(region, used, base).map_err(Failure::Acpi)?;
    // SAFETY: shadow memory, unlocked before and reserved in the map.
    let legacy = unsafe { physical::bytes_mut(LEGACY_RSDP, root_pointer::RSDP_BYTES) };
    if let Some(bytes) = region.get(rsdp..rsdp + root_pointer::RSDP_BYTES) {
        legacy.copy_from_slice(bytes);
    }
    let rsdp = base + rsdp as u64;
    say!("ACPI: {used:#x} bytes at {base:#x}, RSDP at {rsdp:#x} and {LEGACY_RSDP:#x}.");
    Ok(rsdp)
}

fn read_script<'b>(fw_cfg: &mut FwCfg, buffer: &'b mut [u8]) -> Result<&'b [u8], Failure> {
    fw_cfg
        .read(b"etc/table-loader", buffer)
        .map(|script| &*script)
        .ok_or(Failure::NoAcpiScript)
}

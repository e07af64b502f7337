//! Writes a planned Linux guest into memory.
//!
//! `boot_params` is written field by field into a zeroed page: the setup header
//! as the image has it, then what a boot loader has to fill in. Offsets:
//! `zero-page.rst` of the kernel's documentation.

use super::header::{ENTRY_64, HEADER_START};
use super::layout::{BOOT_PARAMS, BootFault, CMDLINE, GDT, Layout, PAGE_TABLES};
use crate::guest::entry::{self, EntryState};
use crate::ids::Gpa;
use crate::port::{GuestMemory, NotRam};

const ACPI_RSDP_ADDR: u64 = 0x070;
const E820_ENTRIES: u64 = 0x1E8;
const TYPE_OF_LOADER: u64 = 0x210;
const RAMDISK_IMAGE: u64 = 0x218;
const RAMDISK_SIZE: u64 = 0x21C;
const CMD_LINE_PTR: u64 = 0x228;
const E820_TABLE: u64 = 0x2D0;
/// "No number assigned": the value for loaders that are not on the list.
const LOADER_UNDEFINED: u8 = 0xFF;

const PRESENT_WRITABLE: u64 = 0b11;
const LARGE_PAGE: u64 = 1 << 7;
const LARGE_PAGE_SIZE: u64 = 0x20_0000;
/// Entries written at a time.
const CHUNK: usize = 64;

impl From<NotRam> for BootFault {
    fn from(_: NotRam) -> Self {
        Self::NotRam
    }
}

/// The bytes that a Linux guest is made of.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The bzImage.
    pub image: &'a [u8],
    /// The initrd; empty for none.
    pub initrd: &'a [u8],
    /// The command line, without a zero.
    pub cmdline: &'a [u8],
}

/// Writes kernel, initrd, `boot_params`, GDT and page tables; gives the state
/// of the first vCPU.
///
/// `rsdp` is what `acpi_tables::build` gave. `files` must be what `layout` was
/// planned for.
pub fn load<M: GuestMemory>(
    mem: &M,
    layout: &Layout,
    files: &Files<'_>,
    rsdp: Gpa,
) -> Result<EntryState, BootFault> {
    let header = &layout.header;
    let code = files
        .image
        .get(header.code_offset..)
        .and_then(|tail| tail.get(..header.code_len));
    let setup = files.image.get(HEADER_START..header.end);
    let (Some(code), Some(setup)) = (code, setup) else {
        return Err(BootFault::PlanMismatch);
    };
    if files.initrd.len() != layout.initrd_len as usize || files.cmdline.len() != layout.cmdline_len
    {
        return Err(BootFault::PlanMismatch);
    }
    mem.write(layout.kernel, code)?;
    if !files.initrd.is_empty() {
        mem.write(layout.initrd, files.initrd)?;
    }
    mem.write(CMDLINE, files.cmdline)?;
    mem.fill(Gpa(CMDLINE.0 + files.cmdline.len() as u64), 1, 0)?;
    write_boot_params(mem, layout, setup, rsdp)?;
    let gdt_limit = write_gdt(mem)?;
    write_page_tables(mem)?;
    let rip = layout.kernel.0.saturating_add(ENTRY_64);
    Ok(entry::long_mode_state(
        rip,
        PAGE_TABLES,
        GDT,
        gdt_limit,
        BOOT_PARAMS.0,
    ))
}

fn write_boot_params<M: GuestMemory>(
    mem: &M,
    layout: &Layout,
    setup: &[u8],
    rsdp: Gpa,
) -> Result<(), NotRam> {
    let put = |offset: u64, bytes: &[u8]| mem.write(Gpa(BOOT_PARAMS.0 + offset), bytes);
    mem.fill(BOOT_PARAMS, 0x1000, 0)?;
    put(HEADER_START as u64, setup)?;
    put(ACPI_RSDP_ADDR, &rsdp.0.to_le_bytes())?;
    put(TYPE_OF_LOADER, &[LOADER_UNDEFINED])?;
    put(CMD_LINE_PTR, &(CMDLINE.0 as u32).to_le_bytes())?;
    if layout.initrd_len != 0 {
        put(RAMDISK_IMAGE, &(layout.initrd.0 as u32).to_le_bytes())?;
        put(RAMDISK_SIZE, &layout.initrd_len.to_le_bytes())?;
    }
    let map = layout.ram.entries();
    put(E820_ENTRIES, &[map.len() as u8])?;
    for (rank, range) in (0_u64..).zip(&map) {
        put(E820_TABLE + 20 * rank, &range.encode())?;
    }
    Ok(())
}

/// Null, unused, code at 0x10, data at 0x18; gives the limit.
fn write_gdt<M: GuestMemory>(mem: &M) -> Result<u32, NotRam> {
    let state = entry::long_mode_state(0, Gpa(0), Gpa(0), 0, 0);
    let table = [
        0,
        0,
        entry::flat_descriptor(state.cs),
        entry::flat_descriptor(state.data),
    ];
    mem.write(GDT, table.map(u64::to_le_bytes).as_flattened())?;
    Ok(size_of_val(&table) as u32 - 1)
}

/// The first 4 GiB one to one, in 2 MiB pages.
fn write_page_tables<M: GuestMemory>(mem: &M) -> Result<(), NotRam> {
    let table = |rank: u64| PAGE_TABLES.0 + rank * 0x1000;
    mem.fill(PAGE_TABLES, 2 * 0x1000, 0)?;
    mem.write(PAGE_TABLES, &(table(1) | PRESENT_WRITABLE).to_le_bytes())?;
    let directories = core::array::from_fn::<_, 4, _>(|i| table(2 + i as u64) | PRESENT_WRITABLE);
    mem.write(
        Gpa(table(1)),
        directories.map(u64::to_le_bytes).as_flattened(),
    )?;
    for first in (0..4 * 512_u64).step_by(CHUNK) {
        let entries = core::array::from_fn::<_, CHUNK, _>(|i| {
            let page = (first + i as u64) * LARGE_PAGE_SIZE;
            (page | LARGE_PAGE | PRESENT_WRITABLE).to_le_bytes()
        });
        mem.write(Gpa(table(2) + 8 * first), entries.as_flattened())?;
    }
    Ok(())
}

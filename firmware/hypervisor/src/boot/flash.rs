//! The file system with the plan and the images: in flash, or in RAM.

use crate::log::say as print;
use crate::machine::Machine;
use hvcore::handoff::cbfs::{Cbfs, Stored};
use hvcore::ids::Hpa;
use metal::phys;

const FOUR_GIB: u64 = 1 << 32;
/// Longest flash that is visible just below 4 GiB on every board.
const TOP_WINDOW: u64 = 16 << 20;

/// After it: `cbfs` and `plan` are set, or a line says what is missing.
pub fn find_plan(machine: &mut Machine) {
    let Some(region) = region(machine) else {
        print(format_args!(
            "flash: no file system is named by the tables; no partitions\n"
        ));
        return;
    };
    let cbfs = Cbfs::new(region);
    machine.cbfs = Some(cbfs);
    if let Some(fault) = cbfs.first_fault() {
        print(format_args!(
            "flash: at offset {:#x} of the file system: {}\n",
            fault.offset(),
            fault.text()
        ));
    }
    match cbfs.find(abi::plan::CBFS_NAME) {
        Some(file) if file.stored == Stored::Plain => machine.plan = Some(file.data),
        Some(_) => print(format_args!(
            "flash: {} is compressed; add it without -c\n",
            abi::plan::CBFS_NAME
        )),
        None => print(format_args!(
            "flash: no file {}; no partitions\n",
            abi::plan::CBFS_NAME
        )),
    }
}

fn region(machine: &Machine) -> Option<&'static [u8]> {
    if let Some(span) = machine.tables.ram_cbfs {
        return phys::slice(span.start, span.len as usize);
    }
    let media = machine.tables.boot_media?;
    let end = media.cbfs_offset.checked_add(media.cbfs_size)?;
    let windows = machine
        .tables
        .spi_flash
        .as_ref()
        .map(|flash| flash.windows.as_slice());
    for window in windows.unwrap_or_default() {
        let window_end = window.flash_offset.checked_add(window.len)?;
        if window.host.0 != 0 && window.flash_offset <= media.cbfs_offset && end <= window_end {
            let at = window.host.0 + (media.cbfs_offset - window.flash_offset);
            return phys::slice(Hpa(at), media.cbfs_size as usize);
        }
    }
    if media.media_size > TOP_WINDOW || end > media.media_size {
        return None;
    }
    phys::slice(
        Hpa(FOUR_GIB - media.media_size + media.cbfs_offset),
        media.cbfs_size as usize,
    )
}

//! The sequence, from a running processor to a running payload.
//!
//! Devices get addresses before the emulator is asked for its ACPI tables, since
//! those describe what was programmed; memory is counted before anything is
//! placed; other processors are parked before the payload is loaded.

use crate::failure::{Failure, NEEDED_RAM};
use crate::machine::fw_cfg::FwCfg;
use crate::machine::handoff::{Build, Ramstage};
use crate::machine::{chipset, console, ecam, interrupts, memory_types, physical, processors};
use crate::say;
use crate::tables::{self, Placement};
use bootblock::memory_map::{Kind, MemoryMap};
use bootblock::pci::{assign, program, walk};
use bootblock::rom::cbfs;
use bootblock::rom::flash_map::FlashMap;
use bootblock::rom::payload::{Payload, Segment, unpack};
use core::convert::Infallible;

/// The reserved memory this image runs in, as in the linker script.
const IMAGE: (u64, u64) = (0x0200_0000, 0x0220_0000);
/// The largest flash the emulator maps below 4 GiB.
const ROM_WINDOW: (u64, usize) = (0xff00_0000, 16 << 20);

/// Boots, or says why not.
pub fn boot() -> ! {
    console::init();
    say!(
        "\nBulkhead boot block {} (stands in for coreboot)",
        env!("CARGO_PKG_VERSION")
    );
    let Err(failure) = run();
    say!("{failure}");
    if let Failure::Payload(_) | Failure::NotAPayload(_) | Failure::Cbfs(_) = failure {
        say!("Payload not loaded.");
    }
    say!("Halted.");
    halt()
}

fn halt() -> ! {
    loop {
        x86_64::instructions::hlt();
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    say!("bug in the boot block: {info}");
    halt()
}

fn run() -> Result<Infallible, Failure> {
    chipset::recognise().map_err(Failure::Board)?;
    let mut fw_cfg = FwCfg::find().ok_or(Failure::NoFwCfg)?;
    init_devices();

    let mut map = memory_map(&mut fw_cfg)?;
    // SAFETY: the end of the address space below 4 GiB is ROM, or unmapped.
    let window = unsafe { physical::bytes(ROM_WINDOW.0, ROM_WINDOW.1) };
    let flash_map = FlashMap::find(window).map_err(Failure::FlashMap)?;
    let memory_types = memory_types::settings(flash_map.flash.len() as u64);
    memory_types::apply(&memory_types);

    let others = u32::from(fw_cfg.cpu_count()).saturating_sub(1);
    let placement = tables::place(&mut fw_cfg, &mut map, others)?;
    // SAFETY: a fresh entry, in no other slice.
    let memory = unsafe { placement.ramstage.bytes_mut() };
    let ramstage = Ramstage::build(placement.ramstage.address, memory);
    let build = build(&mut fw_cfg);
    ramstage.write_orders(build);
    match build {
        Build::MpFailed => say!("CPU: {others} others left waiting for start-up."),
        Build::Bits32 | Build::Bits64 => {
            let parked = processors::park_others(others, &memory_types);
            say!("CPU: {parked} of {others} others parked.");
        }
    }

    let table = tables::write(&mut fw_cfg, &placement, &map, &flash_map)?;
    let entry = load(&flash_map, &map)?;
    say!("Jumping to boot code at {entry:#010x}({table:#010x})");
    write_console_ring(&placement);
    ramstage.jump(entry, table)
}

/// The build of coreboot that the user asked for on the emulator's command line.
fn build(fw_cfg: &mut FwCfg) -> Build {
    let build = match fw_cfg
        .read(b"opt/bulkhead/coreboot", &mut [0; 16])
        .as_deref()
    {
        Some(b"x86_64") => Build::Bits64,
        Some(b"mp-failed") => Build::MpFailed,
        Some(_) => {
            say!("opt/bulkhead/coreboot is neither x86_64 nor mp-failed: ignored.");
            Build::Bits32
        }
        None => Build::Bits32,
    };
    if build != Build::Bits32 {
        say!("Imitating another coreboot: {build:?}.");
    }
    build
}

fn init_devices() {
    let mut config = ecam::Window::open();
    chipset::unlock_shadow(&mut config);
    chipset::init_lpc(&mut config);
    let mut topology = walk::walk(&mut config);
    assign::assign(&mut topology, &chipset::APERTURES);
    program::program(&mut config, &topology);
    say!(
        "PCI: {} functions on {} buses, ECAM at {:#x}.",
        topology.functions.len(),
        u32::from(topology.last_bus) + 1,
        ecam::WINDOW
    );
    for item in topology
        .items
        .iter()
        .filter(|i| i.size > 0 && i.base.is_none())
    {
        if let Some(node) = topology.functions.get(item.owner) {
            say!(
                "PCI: {}: no address for {:#x} bytes.",
                node.function,
                item.size
            );
        }
    }
    if topology.dropped > 0 {
        say!(
            "PCI: {} functions or BARs left out: too many.",
            topology.dropped
        );
    }
    interrupts::init();
}

/// The emulator's map with the fixed holes of a PC and of this image.
fn memory_map(fw_cfg: &mut FwCfg) -> Result<MemoryMap, Failure> {
    let mut file = [0; 20 * 64];
    let file = fw_cfg
        .read(b"etc/e820", &mut file)
        .ok_or(Failure::NoMemoryMap)?;
    let mut map = MemoryMap::from_e820(file).map_err(|_| Failure::MemoryMapFull)?;
    if map.low_ram_end() < NEEDED_RAM {
        return Err(Failure::TooLittleRam(map.low_ram_end()));
    }
    for (start, end, kind) in [
        (0, 0x1000, Kind::Table),
        (0x8000, 0xe000, Kind::Reserved),
        (0xa_0000, 0x10_0000, Kind::Reserved),
        (0xf_6000, 0xf_7000, Kind::Table),
        (IMAGE.0, IMAGE.1, Kind::Reserved),
        (
            ecam::WINDOW,
            ecam::WINDOW + ecam::WINDOW_BYTES,
            Kind::Reserved,
        ),
    ] {
        map.claim(start, end, kind)
            .map_err(|_| Failure::MemoryMapFull)?;
    }
    say!(
        "RAM: {} MiB, low RAM ends at {:#x}.",
        map.ram_bytes() >> 20,
        map.low_ram_end()
    );
    Ok(map)
}

/// Checks all segments, then loads them; the entry address.
fn load(flash_map: &FlashMap<'_>, map: &MemoryMap) -> Result<u32, Failure> {
    let area = flash_map.area(b"COREBOOT").map_err(Failure::FlashMap)?;
    let region = flash_map.bytes(area).map_err(Failure::FlashMap)?;
    let file = cbfs::find(region, b"fallback/payload").map_err(Failure::Cbfs)?;
    if file.kind != cbfs::TYPE_SELF {
        return Err(Failure::NotAPayload(file.kind));
    }
    say!("CBFS: 'fallback/payload', {:#x} bytes.", file.data.len());
    let payload = Payload::new(file.data);
    let entry = payload.check(map).map_err(Failure::Payload)?;
    for segment in payload.segments() {
        match segment.map_err(Failure::Payload)? {
            Segment::Load {
                address,
                memory,
                compression,
                stored,
            } => {
                say!(
                    "Loading segment at {address:#010x}, {memory:#x} bytes from {:#x} {compression:?}",
                    stored.len()
                );
                // SAFETY: RAM that the map gives to payloads; this program and its
                // tables lie outside of it.
                let memory = unsafe { physical::bytes_mut(address, memory as usize) };
                unpack(compression, stored, memory).map_err(Failure::Payload)?;
            }
            Segment::Zero { address, memory } => {
                say!("Clearing segment at {address:#010x}, {memory:#x} bytes");
                // SAFETY: as above.
                unsafe { physical::bytes_mut(address, memory as usize) }.fill(0);
            }
            Segment::Parameters | Segment::Entry(_) => {}
        }
    }
    // The format has 64 bits for it; 32-bit coreboot jumps to the lower ones.
    Ok(entry as u32)
}

fn write_console_ring(placement: &Placement) {
    const HEADER: usize = 8;
    // SAFETY: a CBMEM entry in no other slice.
    let ring = unsafe { placement.console.bytes_mut() };
    let (header, body) = ring.split_at_mut(HEADER);
    let length = console::copy_log(body);
    header[0..4].copy_from_slice(&(body.len() as u32).to_le_bytes());
    header[4..8].copy_from_slice(&(length as u32).to_le_bytes());
}

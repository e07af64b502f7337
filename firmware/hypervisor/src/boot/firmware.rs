//! What firmware left: tables, console, ACPI; and its interrupt paths, closed.

use super::stop::refuse;
use crate::log::say as print;
use crate::machine::Machine;
use board::{Board, Errata};
use heapless::Vec;
use hvcore::handoff::acpi::{fadt, madt, mcfg, root};
use hvcore::handoff::board_tables::{BoardTables, SerialRegisters, Source};
use hvcore::handoff::memory::UsableRam;
use hvcore::handoff::memory_map::Span;
use hvcore::handoff::physical::PhysicalMemory;
use hvcore::handoff::{coreboot, pvh};
use hvcore::ids::Hpa;
use hvcore::policy::cpuid::{HostCpuid, Regs};
use hvcore::vcpu::facts::HostFacts;
use metal::clock::Rates;
use metal::serial::Serial;
use metal::{cpu, host_apic, ioapic, phys};
use svm::cpuid::SvmFeatures;

/// Firmware memory for the parsers.
struct Memory;

impl PhysicalMemory for Memory {
    fn slice(&self, at: Hpa, len: usize) -> Option<&[u8]> {
        phys::slice(at, len)
    }
}

/// Where a console is when no table says so.
const DEFAULT_PORT: u16 = 0x3f8;
const DEFAULT_BAUD: u32 = 115_200;

/// After it: the console works, the memory map and ACPI are known, memory above
/// 4 GiB is mapped.
pub fn read(source: u32, pointer: u32, entered: u64) -> Machine {
    let at = Hpa(u64::from(pointer));
    let found = match source {
        1 => coreboot::find(&Memory, Some(at)).map_err(|fault| fault.text()),
        _ => pvh::read(&Memory, at).map_err(|fault| fault.text()),
    };
    open_console(found.as_ref().ok());
    print(format_args!("\nBulkhead {}\n", env!("CARGO_PKG_VERSION")));
    let tables = match found {
        Ok(tables) => tables,
        Err(text) => refuse(format_args!("{text}")),
    };
    let board = select_board(&tables);
    let map = tables.memory.resolve();
    let top = map.ram().map(|span| span.end()).max().unwrap_or(0);
    let limit = phys::map_above_4g(top);
    let mut withheld: Vec<Span, 4> = Vec::new();
    let (start, end) = phys::image_range();
    let _ = withheld.push(Span::between(start.0, end.0));
    if let Some(module) = tables.ram_cbfs {
        let _ = withheld.push(module);
    }
    if top > limit {
        print(format_args!(
            "memory above {limit:#x} is not used: this CPU has no 1 GiB pages\n"
        ));
        let _ = withheld.push(Span::between(limit, top));
    }
    let ram = UsableRam::carve(&map, &withheld);
    let mut machine = Machine {
        entered,
        map,
        ram,
        own_ram: 0,
        guest_tables: 0,
        board,
        madt: None,
        fadt: None,
        ecam: None,
        epoch_ns: 0,
        stable_tsc: true,
        rates: Rates {
            tsc_hz: 0,
            apic_per_tsc: 0,
        },
        facts: HostFacts {
            features: SvmFeatures::empty(),
            errata: board.errata,
            errata_off: Errata::empty(),
            phys_bits: 40,
            tsc_hz: 0,
            signature: cpu::cpuid(1, 0).eax,
            xcr0: 0,
        },
        cpuid: HostCpuid::capture(|leaf, subleaf| {
            let r = cpu::cpuid(leaf, subleaf);
            Regs {
                eax: r.eax,
                ebx: r.ebx,
                ecx: r.ecx,
                edx: r.edx,
            }
        }),
        cores: Vec::new(),
        cores_ignored: 0,
        cbfs: None,
        plan: None,
        attach: None,
        planned: 0,
        tables,
    };
    describe(&machine);
    read_acpi(&mut machine);
    machine
}

fn open_console(tables: Option<&BoardTables>) {
    let opened = tables
        .and_then(|tables| tables.serial)
        .map(|record| match record.registers {
            SerialRegisters::Ports(port) => Serial::port(port, record.input_hz, record.baud),
            SerialRegisters::Memory(at) => Serial::memory(
                at.0,
                record.register_width.clamp(1, 4) as u8,
                record.input_hz,
                record.baud,
            ),
        });
    let serial = opened.unwrap_or_else(|| Serial::port(DEFAULT_PORT, 0, DEFAULT_BAUD));
    *metal::crash::CONSOLE.lock() = serial;
}

fn select_board(tables: &BoardTables) -> &'static Board {
    let emulated = tables.source == Source::Pvh;
    let found = if emulated {
        // Only emulators enter here; none of them has a mainboard record.
        board::by_name("qemu_q35")
    } else {
        board::by_mainboard(&tables.vendor, &tables.part)
    };
    found.unwrap_or(&board::UNKNOWN)
}

fn describe(machine: &Machine) {
    let tables = &machine.tables;
    let source = match tables.source {
        Source::Coreboot => "coreboot",
        Source::Pvh => "PVH",
    };
    print(format_args!(
        "entered from {source}, board {}",
        machine.board.name
    ));
    if machine.board.name == board::UNKNOWN.name {
        print(format_args!(
            " ({:?} {:?} is not listed: features that need board facts are off)",
            tables.vendor.as_str(),
            tables.part.as_str()
        ));
    }
    let total: u64 = machine.map.ram().map(|span| span.len).sum();
    print(format_args!(
        "\nmemory {} MiB RAM, {} MiB usable\n",
        total >> 20,
        machine.ram.total() >> 20
    ));
    let lost = tables.losses;
    if lost.malformed_records + lost.flash_windows > 0 {
        print(format_args!(
            "tables: {} records make no sense, {} flash windows did not fit\n",
            lost.malformed_records, lost.flash_windows
        ));
    }
}

fn read_acpi(machine: &mut Machine) {
    let Some(at) = machine.tables.acpi_rsdp.or_else(scan_for_root) else {
        print(format_args!("no ACPI: other cores cannot be found\n"));
        return;
    };
    let list = match root::list(&Memory, at) {
        Ok(list) => list,
        Err(fault) => {
            print(format_args!("ACPI: {}\n", fault.text()));
            return;
        }
    };
    match list.find(&Memory, *b"APIC").and_then(madt::parse) {
        Ok(table) => machine.madt = Some(table),
        Err(fault) => print(format_args!("ACPI MADT: {}\n", fault.text())),
    }
    machine.fadt = list.find(&Memory, *b"FACP").and_then(fadt::parse).ok();
    machine.ecam = list
        .find(&Memory, *b"MCFG")
        .and_then(mcfg::parse)
        .ok()
        .and_then(|table| table.segments.first().map(|segment| segment.base));
}

/// The root pointer in the BIOS area, for firmware that passes none.
fn scan_for_root() -> Option<Hpa> {
    let area = phys::slice(Hpa(0xe_0000), 0x2_0000)?;
    let at = area
        .chunks_exact(16)
        .position(|line| line.starts_with(b"RSD PTR "))?;
    Some(Hpa(0xe_0000 + at as u64 * 16))
}

/// After it: nothing of firmware's interrupt set-up can reach a core; our own
/// APIC and clocks work; interrupts are still off.
pub fn take_over_interrupts(machine: &mut Machine) {
    ioapic::mask_8259();
    if let Some(madt) = &machine.madt {
        for io_apic in &madt.io_apics {
            ioapic::mask_all(io_apic.registers);
        }
    }
    host_apic::init();
    let pm_timer = machine
        .fadt
        .as_ref()
        .and_then(|fadt| fadt.timer)
        .and_then(|timer| match timer.register {
            fadt::Register::Port(port) => Some(port),
            fadt::Register::Memory(_) | fadt::Register::PciConfig { .. } => None,
        });
    let known = machine.tables.tsc_khz.map(|khz| u64::from(khz) * 1000);
    let Some(rates) = metal::clock::measure(pm_timer, known) else {
        refuse(format_args!(
            "no clock: neither the ACPI PM timer nor the PIT counts"
        ));
    };
    print(format_args!("TSC {} kHz\n", rates.tsc_hz / 1000));
    machine.rates = rates;
    crate::log::set_clock(rates.tsc_hz);
    machine.facts.tsc_hz = rates.tsc_hz;
    let since_zero = (u128::from(cpu::tsc()) * 1_000_000_000 / u128::from(rates.tsc_hz)) as u64;
    let now = metal::rtc::read().and_then(|reading| reading.epoch_ns());
    machine.epoch_ns = now.map_or(0, |now| now.saturating_sub(since_zero));
}

//! Answers of the shell: facts of the machine put into the rows of reports.

use crate::capacity::PARTITIONS;
use crate::lives::Keeper;
use crate::machine::Machine;
use crate::wire;
use core::fmt::{self, Write};
use heapless::{String, Vec};
use hvcore::handoff::memory_map::Span;
use hvcore::housekeeping::command::Form;
use hvcore::housekeeping::life::Life;
use hvcore::housekeeping::quantity::{Bytes, Millis};
use hvcore::housekeeping::report::{
    CounterRow, CpuRow, FeatureRow, InterruptPath, MemoryRow, PartitionRow, VcpuActivity, VcpuRow,
};
use hvcore::housekeeping::table::{self, Row};
use hvcore::ids::{CpuId, Hpa};
use hvcore::vcpu::counters::NAMES;
use hvcore::vcpu::shared::Activity;
use svm::cpuid::SvmFeatures;

/// Partitions as core 0 keeps them.
pub type Keepers = Vec<Keeper, PARTITIONS>;

fn show<R: Row>(rows: &[R], form: Form, out: &mut dyn Write) -> fmt::Result {
    match form {
        Form::Table => table::table(rows, out),
        Form::Json => table::json(rows, out),
    }
}

/// `ps`: partitions, then vCPUs.
pub fn ps(machine: &Machine, keepers: &Keepers, form: Form, out: &mut dyn Write) -> fmt::Result {
    let now = metal::cpu::tsc();
    let khz = (machine.rates.tsc_hz / 1000) as u32;
    let mut rows: Vec<PartitionRow<'_>, PARTITIONS> = Vec::new();
    for keeper in keepers {
        let Some(partition) = wire::PARTITION[keeper.index()].get() else {
            continue;
        };
        let life = keeper.supervisor.life();
        let alive = matches!(life, Life::Running);
        let _ = rows.push(PartitionRow {
            name: partition.name(),
            life,
            cores: partition.record.used_cores(),
            memory: partition.ram_len,
            restarts: keeper.supervisor.restarts(),
            uptime: if alive {
                Millis::of_ticks(now - keeper.started, khz)
            } else {
                None
            },
        });
    }
    show(&rows, form, out)?;
    let mut rows: Vec<VcpuRow<'_>, { abi::plan::MAX_CORES }> = Vec::new();
    for keeper in keepers {
        let shared = &wire::SHARED[keeper.index()];
        for id in shared.ids() {
            let (Some(vcpu), Some(core)) = (shared.vcpu(id), shared.core(id)) else {
                continue;
            };
            let Some(host) = machine.cores.get(usize::from(core.0)) else {
                continue;
            };
            let _ = rows.push(VcpuRow {
                partition: keeper.name(),
                vcpu: id,
                core,
                apic: host.apic,
                activity: activity(vcpu.activity()),
                path: InterruptPath::SoftwareApic,
                reason: why_not_avic(machine),
                exits: vcpu.counters.exits(),
            });
        }
    }
    show(&rows, form, out)
}

const fn activity(of: Activity) -> VcpuActivity {
    match of {
        Activity::Parked => VcpuActivity::Parked,
        Activity::WaitForSipi => VcpuActivity::WaitingForStartup,
        Activity::Loading | Activity::Running => VcpuActivity::Running,
        Activity::Halted => VcpuActivity::Halted,
    }
}

const fn why_not_avic(machine: &Machine) -> &'static str {
    if machine.facts.features.contains(SvmFeatures::AVIC) {
        "AVIC is there, but this release does not use it"
    } else {
        "AVIC absent (CPUID 8000_000A EDX bit 13)"
    }
}

/// `stats`: counters of one partition, or of all, one table a vCPU.
pub fn stats(keepers: &Keepers, one: Option<u8>, form: Form, out: &mut dyn Write) -> fmt::Result {
    for keeper in keepers {
        if one.is_some_and(|index| usize::from(index) != keeper.index()) {
            continue;
        }
        let shared = &wire::SHARED[keeper.index()];
        for id in shared.ids() {
            let Some(vcpu) = shared.vcpu(id) else {
                continue;
            };
            let mut rows: Vec<CounterRow<'_>, { NAMES.len() }> = Vec::new();
            for (name, count) in NAMES.iter().zip(vcpu.counters.snapshot()) {
                // People see what happened; programs see every counter.
                if count != 0 || form == Form::Json {
                    let _ = rows.push(CounterRow {
                        partition: keeper.name(),
                        vcpu: id,
                        name,
                        count,
                    });
                }
            }
            show(&rows, form, out)?;
        }
    }
    Ok(())
}

/// `mem`: who has which memory.
pub fn mem(machine: &Machine, keepers: &Keepers, form: Form, out: &mut dyn Write) -> fmt::Result {
    let mut rows: Vec<MemoryRow<'_>, 48> = Vec::new();
    let (start, end) = metal::phys::image_range();
    let _ = rows.push(MemoryRow {
        span: Span::between(start.0, end.0),
        owner: "hypervisor",
        purpose: "image",
    });
    for keeper in keepers {
        if let Some(partition) = wire::PARTITION[keeper.index()].get() {
            let _ = rows.push(MemoryRow {
                span: partition.span,
                owner: partition.name(),
                purpose: "guest RAM",
            });
        }
    }
    for span in machine.ram.runs() {
        let _ = rows.push(MemoryRow {
            span: *span,
            owner: "free",
            purpose: "",
        });
    }
    rows.sort_unstable_by_key(|row| row.span.start.0);
    show(&rows, form, out)?;
    if form == Form::Table {
        write!(
            out,
            "hypervisor: image {}, per core {}, nested tables of guests {}\r\n",
            Bytes(end.0 - start.0),
            Bytes(machine.own_ram),
            Bytes(machine.guest_tables)
        )?;
        for (index, core) in machine
            .cores
            .iter()
            .enumerate()
            .filter(|(_, core)| core.started)
        {
            let (unused, whole) = metal::percpu::stack_margin(CpuId(index as u8));
            let state = if whole { "" } else { ", OVERFLOWN" };
            if index != 0 {
                write!(
                    out,
                    "stack of core {index}: {} never used{state}\r\n",
                    Bytes(unused as u64)
                )?;
            }
            let _ = core;
        }
    }
    Ok(())
}

/// `cpus`: the cores and what they are for.
pub fn cpus(machine: &Machine, keepers: &Keepers, form: Form, out: &mut dyn Write) -> fmt::Result {
    let mut roles: Vec<String<40>, { abi::plan::MAX_CORES }> = Vec::new();
    for index in 0..machine.cores.len() {
        let _ = roles.push(role(keepers, index));
    }
    let mut rows: Vec<CpuRow<'_>, { abi::plan::MAX_CORES }> = Vec::new();
    for ((index, core), role) in machine.cores.iter().enumerate().zip(&roles) {
        let state = match (core.started, crate::boot::unfit(&core.svm)) {
            (false, _) => "does not answer",
            (true, Some(sentence)) => sentence,
            (true, None) => "ready",
        };
        let _ = rows.push(CpuRow {
            core: CpuId(index as u8),
            apic: core.apic,
            role,
            state,
        });
    }
    show(&rows, form, out)
}

fn role(keepers: &Keepers, index: usize) -> String<40> {
    let mut text = String::new();
    if index == 0 {
        let _ = text.push_str("housekeeping");
        return text;
    }
    for keeper in keepers {
        let shared = &wire::SHARED[keeper.index()];
        if let Some(id) = shared
            .ids()
            .find(|id| shared.core(*id) == Some(CpuId(index as u8)))
        {
            let _ = write!(text, "{} vCPU {}", keeper.name(), id.0);
            return text;
        }
    }
    let _ = text.push_str("free");
    text
}

/// `features`: what the CPU has and what is done without it.
// tidy: long function: a table of features, one row each
pub fn features(machine: &Machine, form: Form, out: &mut dyn Write) -> fmt::Result {
    let set = machine.facts.features;
    let row = |name, bit: SvmFeatures, place, with, without| FeatureRow {
        name,
        place,
        present: set.contains(bit),
        effect: if set.contains(bit) { with } else { without },
    };
    let rows = [
        row(
            "nested paging",
            SvmFeatures::NPT,
            "CPUID 8000_000A EDX bit 0",
            "in use",
            "required",
        ),
        row(
            "NRIP save",
            SvmFeatures::NRIP_SAVE,
            "CPUID 8000_000A EDX bit 3",
            "in use",
            "instructions are decoded for their length",
        ),
        row(
            "VMCB clean bits",
            SvmFeatures::VMCB_CLEAN,
            "CPUID 8000_000A EDX bit 5",
            "in use",
            "every field is read at each entry",
        ),
        row(
            "flush by ASID",
            SvmFeatures::FLUSH_BY_ASID,
            "CPUID 8000_000A EDX bit 6",
            "in use",
            "a flush drops all guests' translations on the core",
        ),
        row(
            "decode assists",
            SvmFeatures::DECODE_ASSISTS,
            "CPUID 8000_000A EDX bit 7",
            "not used yet",
            "code is fetched through the guest's tables",
        ),
        row(
            "AVIC",
            SvmFeatures::AVIC,
            "CPUID 8000_000A EDX bit 13",
            "not used yet",
            "interrupts go through the software APIC",
        ),
        row(
            "x2AVIC",
            SvmFeatures::X2AVIC,
            "CPUID 8000_000A EDX bit 18",
            "not used yet",
            "guests are shown no x2APIC",
        ),
        row(
            "virtual GIF",
            SvmFeatures::VGIF,
            "CPUID 8000_000A EDX bit 16",
            "not used",
            "not needed",
        ),
        row(
            "virtual NMI",
            SvmFeatures::VNMI,
            "CPUID 8000_000A EDX bit 25",
            "not used yet",
            "the end of an NMI handler is seen by its IRET",
        ),
    ];
    show(&rows, form, out)?;
    if form == Form::Table && !machine.facts.errata.is_empty() {
        out.write_str("work-arounds:")?;
        for (name, _) in machine.facts.errata.iter_names() {
            write!(out, " {name}")?;
        }
        out.write_str("\r\n")?;
    }
    if let (Form::Table, Some(Hpa(ecam))) = (form, machine.ecam) {
        write!(out, "PCI configuration space at {ecam:#x}\r\n")?;
    }
    Ok(())
}

//! Partitions from the plan: memory, nested tables, files, places.

use crate::log::say as print;
use crate::machine::{Files, Machine, Partition};
use crate::wire;
use abi::plan::{self, Plan};
use board::Errata;
use hvcore::guest::memory_map::{HOLE_END, RamLayout};
use hvcore::handoff::cbfs::{Cbfs, Stored};
use hvcore::handoff::memory_map::Span;
use hvcore::handoff::plan as admission;
use hvcore::ids::{CpuId, Gpa, Hpa};
use hvcore::npt::map::{MapFault, map_run, tables_needed};
use hvcore::npt::table::Tables;
use hvcore::policy::msr::MsrPolicy;
use hvcore::policy::msr_map;
use hvcore::vcpu::shared::Layout;
use metal::guest_memory::{GuestRam, Run};
use metal::nested_tables::Arena;
use metal::permission_maps;

/// After it: every admitted partition is mapped and waits to be started; every
/// refused one has its sentence on the console.
pub fn create(machine: &mut Machine) {
    let policy = MsrPolicy::new(&machine.cpuid);
    permission_maps::fill_msr(|map| msr_map::fill(&policy, map));
    let cores = usable_cores(machine);
    if cores < 2 {
        print(format_args!(
            "no core is left for partitions: core 0 does the housekeeping and no other can run guests\n"
        ));
    }
    let Some(bytes) = machine.plan else { return };
    let plan = match Plan::read(bytes) {
        Ok(plan) => plan,
        Err(fault) => {
            print(format_args!("plan: {fault}\n"));
            return;
        }
    };
    leave_out(machine, Errata::from_bits_truncate(plan.errata_off()));
    let Some(cbfs) = machine.cbfs else { return };
    machine.planned = plan.len();
    machine.attach = plan.attached().map(usize::from);
    let has_file = |name: &str| {
        cbfs.find(name)
            .is_some_and(|file| file.stored == Stored::Plain)
    };
    let facts = admission::Machine {
        cores,
        has_file: &has_file,
    };
    let admitted = admission::admit(&plan, &facts, &mut machine.ram);
    for ((index, record), outcome) in plan.partitions().zip(&admitted) {
        match outcome {
            Err(refusal) => print(format_args!("plan: {refusal}\n")),
            Ok(span) => match build(machine, cbfs, index, &record, *span) {
                Ok(partition) => install(usize::from(index), partition),
                Err(fault) => print(format_args!(
                    "partition {}: {}\n",
                    name(&record),
                    text(fault)
                )),
            },
        }
    }
}

/// Turns work-arounds off for an experiment, and says so: such a machine fails on
/// purpose.
fn leave_out(machine: &mut Machine, off: Errata) {
    machine.facts.leave_out(off);
    if off.is_empty() {
        return;
    }
    print(format_args!(
        "plan: an experiment, without the work-arounds:"
    ));
    for (name, _) in off.iter_names() {
        print(format_args!(" {name}"));
    }
    print(format_args!("\n"));
}

/// Cores from 0 up that answered and can run guests, without a gap.
fn usable_cores(machine: &Machine) -> usize {
    let fit = |core: &crate::machine::Core| {
        core.started && core.frames.0 != 0 && super::probe::unfit(&core.svm).is_none()
    };
    machine.cores.iter().take_while(|core| fit(core)).count()
}

fn name(record: &plan::Partition) -> &str {
    plan::text(&record.name).unwrap_or("?")
}

const fn text(fault: MapFault) -> &'static str {
    match fault {
        MapFault::OutOfTables => "no memory is left for its nested page tables",
        MapFault::Unaligned => "its memory is not a multiple of 4 KiB",
        MapFault::Occupied => "its memory is mapped twice: a bug of ours",
    }
}

fn build(
    machine: &mut Machine,
    cbfs: Cbfs<'static>,
    index: u8,
    record: &plan::Partition,
    span: Span,
) -> Result<Partition, MapFault> {
    let layout = RamLayout::new(record.memory).ok_or(MapFault::Unaligned)?;
    let low = layout.low_end();
    let high = record.memory - low;
    let frames = tables_needed(record.memory);
    let arena = machine
        .ram
        .take_frames(frames * 4096)
        .map_err(|_| MapFault::OutOfTables)?;
    machine.guest_tables += frames * 4096;
    let mut arena = new_arena(arena);
    let root = arena.allocate().ok_or(MapFault::OutOfTables)?;
    let giant = machine.cpuid.extended.edx & (1 << 26) != 0;
    map_run(&mut arena, root, Gpa(0), span.start, low, giant)?;
    if high > 0 {
        map_run(
            &mut arena,
            root,
            Gpa(HOLE_END),
            Hpa(span.start.0 + low),
            high,
            giant,
        )?;
    }
    Ok(Partition {
        record: *record,
        ram: guest_ram(span, low, high),
        ram_len: record.memory,
        span,
        nested_root: root,
        asid: u32::from(index) + 1,
        files: files(cbfs, record),
    })
}

#[expect(
    unsafe_code,
    reason = "UNSAFETY: vouches for frames that the carve has just given"
)]
fn new_arena(span: Span) -> Arena {
    // SAFETY: the carve gave these frames to nobody else (assumption 3 of metal).
    unsafe { Arena::new(span.start, span.len / 4096) }
}

#[expect(
    unsafe_code,
    reason = "UNSAFETY: vouches for memory that the carve has just given"
)]
fn guest_ram(span: Span, low: u64, high: u64) -> GuestRam {
    let low_run = Run {
        guest: Gpa(0),
        host: span.start,
        len: low,
    };
    let high_run = Run {
        guest: Gpa(HOLE_END),
        host: Hpa(span.start.0 + low),
        len: high,
    };
    // SAFETY: the carve gave the span to this partition alone, and it is mapped.
    unsafe { GuestRam::new(low_run, high_run) }
}

fn files(cbfs: Cbfs<'static>, record: &plan::Partition) -> Files {
    let data = |field: &[u8]| -> &'static [u8] {
        let name = plan::text(field).unwrap_or("");
        if name.is_empty() {
            &[]
        } else {
            cbfs.find(name).map_or(&[], |file| file.data)
        }
    };
    let named = record
        .modules
        .iter()
        .take_while(|module| module.file[0] != 0);
    Files {
        image: data(&record.image),
        initrd: data(&record.initrd),
        modules: named.map(|module| data(&module.file)).collect(),
    }
}

fn install(index: usize, partition: Partition) {
    let mut cores = [CpuId(0); plan::MAX_VCPUS];
    for (to, from) in cores.iter_mut().zip(partition.record.used_cores()) {
        *to = CpuId(*from);
    }
    let layout = Layout {
        vcpus: partition.vcpus(),
        cores,
    };
    if let (Some(place), Some(shared)) = (wire::PARTITION.get(index), wire::SHARED.get(index)) {
        shared.set_layout(layout);
        place.call_once(|| partition);
    }
}

//! Starting the other cores, one by one, and what each of them reports.

use super::probe;
use crate::capacity::{CPUS, FRAMES_PER_CPU};
use crate::log::say as print;
use crate::machine::{Core, Machine};
use core::sync::atomic::{AtomicBool, Ordering};
use hvcore::handoff::memory::trampoline_page;
use hvcore::handoff::memory_map::Span;
use hvcore::ids::{ApicId, CpuId, Hpa};
use metal::lock::DeviceLock;
use metal::smp::{self, Started};
use metal::svm_enable::{self, CoreSvm};
use metal::{cpu, host_apic};
use svm::cpuid::SvmFeatures;

static REPORTS: DeviceLock<[Option<CoreSvm>; CPUS]> = DeviceLock::new([None; CPUS]);
static RELEASED: AtomicBool = AtomicBool::new(false);

/// After it: every core that answered waits in our code.
pub fn start(machine: &mut Machine) {
    let me = host_apic::id();
    list(machine, me);
    let tables = [machine.tables.acpi_rsdp, machine.tables.fmap_copy];
    let mut avoid: heapless::Vec<Span, 2> = heapless::Vec::new();
    for at in tables.into_iter().flatten() {
        let _ = avoid.push(Span {
            start: at,
            len: 4096,
        });
    }
    let page = trampoline_page(&machine.map, &avoid);
    if machine.cores.len() > 1 && page.is_none() {
        print(format_args!(
            "no page below 640 KiB for the start of other cores\n"
        ));
    }
    let rates = machine.rates;
    if let Some(page) = page {
        smp::prepare(page, ap_main);
    }
    for i in 0..machine.cores.len() {
        let frames = machine.ram.take_frames(FRAMES_PER_CPU * 4096);
        let Some(core) = machine.cores.get_mut(i) else {
            break;
        };
        core.frames = frames.map_or(Hpa(0), |span| span.start);
        machine.own_ram += FRAMES_PER_CPU * 4096;
        if i == 0 {
            core.started = true;
            core.svm = svm_enable::probe();
        } else if let Some(page) = page {
            let started = smp::start(CpuId(i as u8), core.apic, page, rates);
            core.started = started != Started::No;
            if started == Started::OutOfStep {
                machine.stable_tsc = false;
                print(format_args!(
                    "core {i}: its TSC is not in step with core 0's: guests get no stable clock\n"
                ));
            }
            if let Some(svm) = REPORTS.lock().get(i).copied().flatten() {
                core.svm = svm;
            }
        }
        let core = *core;
        let boot = machine.cores.first().map_or(core.svm, |first| first.svm);
        report(i, core, boot);
    }
    machine.facts.features = common_features(machine);
    if machine.cores_ignored > 0 {
        print(format_args!(
            "{} more cores are left alone: the image holds {CPUS}\n",
            machine.cores_ignored
        ));
    }
}

fn list(machine: &mut Machine, me: ApicId) {
    let none = CoreSvm {
        present: false,
        vm_cr: 0,
        features: SvmFeatures::empty(),
        asids: 0,
    };
    let blank = |apic| Core {
        apic,
        started: false,
        svm: none,
        frames: Hpa(0),
    };
    let listed = machine.madt.as_ref().and_then(|madt| madt.cores(me));
    let _ = machine.cores.push(blank(me));
    for processor in listed.unwrap_or_default().iter().skip(1) {
        if machine.cores.push(blank(processor.apic)).is_err() {
            machine.cores_ignored += 1;
        }
    }
}

/// What a core is good for, and its features where they are not the boot core's.
fn report(index: usize, core: Core, boot: CoreSvm) {
    print(format_args!("core {index} APIC id {}", core.apic.0));
    if !core.started {
        print(format_args!(": does not answer\n"));
        return;
    }
    match probe::unfit(&core.svm) {
        Some(sentence) => print(format_args!(": runs no guest: {sentence}\n")),
        None if index == 0 => print(format_args!(": housekeeping\n")),
        None if core.svm == boot => print(format_args!(": ready, as core 0\n")),
        None => {
            print(format_args!(": ready, SVM "));
            probe::features(core.svm.features);
            print(format_args!(
                ", {} ASIDs, VM_CR {:#x}\n",
                core.svm.asids, core.svm.vm_cr
            ));
        }
    }
}

/// Features that every started core has.
fn common_features(machine: &Machine) -> SvmFeatures {
    let started = machine
        .cores
        .iter()
        .filter(|core| core.started && core.svm.present);
    started.fold(machine.facts.features, |set, core| set & core.svm.features)
}

/// Rust's first function on another core: report, then wait for the release.
fn ap_main(me: CpuId) -> ! {
    host_apic::init();
    cpu::prepare_fpu();
    cpu::serialise_lfence();
    let svm = svm_enable::probe();
    if let Some(slot) = REPORTS.lock().get_mut(usize::from(me.0)) {
        *slot = Some(svm);
    }
    smp::report();
    // Pair release, side B: the machine is complete once this is true.
    while !RELEASED.load(Ordering::Acquire) {
        cpu::pause();
    }
    crate::vcpu_core::run(me)
}

/// After it: the other cores run their vCPUs, or sleep.
pub fn release() {
    // pair: release, side A.
    RELEASED.store(true, Ordering::Release);
}

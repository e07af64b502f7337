//! What the boot core can do, and whether a guest can run on it at all.

use super::stop::refuse;
use crate::log::say as print;
use crate::machine::Machine;
use metal::cpu;
use metal::svm_enable::{self, CoreSvm};
use svm::cpuid::SvmFeatures;
use svm::msr::{VM_CR_LOCK, VM_CR_SVMDIS};

/// After it: the host facts are known and SVM with nested paging is there.
pub fn boot_core(machine: &mut Machine) {
    cpu::prepare_fpu();
    let svm = svm_enable::probe();
    if let Some(sentence) = unfit(&svm) {
        refuse(format_args!("{sentence}"));
    }
    machine.facts.features = svm.features;
    machine.facts.xcr0 = machine.cpuid.guest_xcr0();
    machine.facts.phys_bits = (machine.cpuid.sizes.eax as u8).clamp(32, 48);
    print(format_args!("SVM "));
    features(svm.features);
    print(format_args!(
        ", {} ASIDs, VM_CR {:#x}\n",
        svm.asids, svm.vm_cr
    ));
}

/// Names of the features, those that are there; AVIC always, with its verdict.
pub fn features(set: SvmFeatures) {
    for (name, _) in set.iter_names() {
        print(format_args!("{name} "));
    }
    if !set.contains(SvmFeatures::AVIC) {
        let odd = if set.contains(SvmFeatures::X2AVIC) {
            "; x2AVIC without AVIC is a firmware bug"
        } else {
            ""
        };
        print(format_args!(
            "(no AVIC: interrupts go through the software APIC{odd})"
        ));
    }
}

/// Why a core cannot run guests, as a sentence.
pub fn unfit(svm: &CoreSvm) -> Option<&'static str> {
    if !svm.present {
        return Some("this CPU has no SVM");
    }
    if svm.vm_cr & VM_CR_SVMDIS != 0 {
        return Some(if svm.vm_cr & VM_CR_LOCK != 0 {
            "SVM is disabled and locked by the firmware (VM_CR.SVMDIS, VM_CR.LOCK)"
        } else {
            "SVM is disabled by the firmware (VM_CR.SVMDIS)"
        });
    }
    if !svm.features.contains(SvmFeatures::NPT) {
        return Some("this CPU has no nested paging (CPUID 8000_000A EDX bit 0)");
    }
    None
}

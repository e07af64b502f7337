//! Turning SVM on for a core, and what a core has of it.
//!
//! 24593 section 15.4 (enabling), 15.30.1 (VM_CR), 15.30.4 (VM_HSAVE_PA).
#![expect(unsafe_code, reason = "UNSAFETY: writes EFER and VM_HSAVE_PA")]

use crate::cpu;
use hvcore::ids::Hpa;
use svm::cpuid::{SVM_LEAF, SvmFeatures};
use svm::msr;

/// What one core reports of SVM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoreSvm {
    /// CPUID 8000_0001h ECX bit 2.
    pub present: bool,
    /// VM_CR as firmware left it.
    pub vm_cr: u64,
    /// Feature bits.
    pub features: SvmFeatures,
    /// Number of ASIDs.
    pub asids: u32,
}

/// Asks this core.
pub fn probe() -> CoreSvm {
    let present = cpu::cpuid(0x8000_0000, 0).eax >= SVM_LEAF
        && cpu::cpuid(0x8000_0001, 0).ecx & (1 << 2) != 0;
    if !present {
        return CoreSvm {
            present,
            vm_cr: 0,
            features: SvmFeatures::empty(),
            asids: 0,
        };
    }
    let leaf = cpu::cpuid(SVM_LEAF, 0);
    CoreSvm {
        present,
        vm_cr: cpu::rdmsr(msr::VM_CR),
        features: SvmFeatures::from_bits_truncate(leaf.edx),
        asids: leaf.ebx,
    }
}

/// Enables SVM on this core with its host save area.
///
/// # Safety
/// `save_area` must be a frame of this core alone (assumption 3): VMRUN stores
/// host state there without further checks. SVM must be present and not disabled.
pub unsafe fn enable(save_area: Hpa) {
    let efer = cpu::rdmsr(msr::EFER);
    // SAFETY: sets SVME only; the CPU has it by the caller's promise.
    unsafe { cpu::wrmsr(msr::EFER, efer | msr::EFER_SVME) };
    // SAFETY: the frame is ours by the caller's promise.
    unsafe { cpu::wrmsr(msr::VM_HSAVE_PA, save_area.0) };
}

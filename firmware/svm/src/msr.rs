//! MSR indices the hypervisor uses on the host, and their bits.
//!
//! Which MSRs a guest may touch is `hvcore::policy::msr`, another table.

/// APIC base address and mode.
pub const APIC_BASE: u32 = 0x1b;
/// EFER.
pub const EFER: u32 = 0xc000_0080;
/// Value that RDTSCP and RDPID give beside the time.
pub const TSC_AUX: u32 = 0xc000_0103;
/// VM_CR: SVM lock and disable (24593 section 15.30.1).
pub const VM_CR: u32 = 0xc001_0114;
/// Host save area of VMRUN (24593 section 15.30.4).
pub const VM_HSAVE_PA: u32 = 0xc001_0117;

/// Decode configuration: bit 1 makes LFENCE serialise.
pub const DE_CFG: u32 = 0xc001_1029;
/// DE_CFG bit 1.
pub const DE_CFG_LFENCE_SERIALISES: u64 = 1 << 1;

/// EFER.SVME: SVM instructions are enabled.
pub const EFER_SVME: u64 = 1 << 12;
/// VM_CR.SVMDIS: SVM cannot be enabled.
pub const VM_CR_SVMDIS: u64 = 1 << 4;
/// VM_CR.LOCK: SVMDIS cannot be changed.
pub const VM_CR_LOCK: u64 = 1 << 3;
/// APIC_BASE.EXTD: the APIC is in x2APIC mode.
pub const APIC_BASE_X2APIC: u64 = 1 << 10;
/// APIC_BASE.EN: the APIC is enabled.
pub const APIC_BASE_ENABLE: u64 = 1 << 11;

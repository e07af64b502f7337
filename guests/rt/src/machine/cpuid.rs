//! CPUID, and the few answers that the runtime itself needs.
//!
//! Manual: 24594 appendix E; the KVM leaves are KVM's published guest interface.

use core::arch::x86_64::{__cpuid_count, CpuidResult};

/// First KVM leaf: signature and highest leaf.
pub const KVM_BASE: u32 = 0x4000_0000;
/// Timing leaf: EAX is the TSC rate in kHz, EBX the APIC bus rate in kHz.
pub const KVM_TIMING: u32 = 0x4000_0010;

/// Leaf `leaf`, sub-leaf 0.
pub fn leaf(leaf: u32) -> CpuidResult {
    __cpuid_count(leaf, 0)
}

/// Leaf `leaf`, sub-leaf `index`.
pub fn subleaf(leaf: u32, index: u32) -> CpuidResult {
    __cpuid_count(leaf, index)
}

/// Whether the machine shows KVM's signature, as Bulkhead does. False on a bare emulated PC, where
/// the same images run for development.
pub fn under_bulkhead() -> bool {
    let answer = leaf(KVM_BASE);
    (leaf(1).ecx & 1 << 31) != 0
        && [answer.ebx, answer.ecx, answer.edx].map(u32::to_le_bytes)
            == [*b"KVMK", *b"VMKV", *b"M\0\0\0"]
}

/// Whether the local APIC's timer can be armed by TSC value (leaf 1, ECX bit 24).
pub fn has_tsc_deadline() -> bool {
    leaf(1).ecx & 1 << 24 != 0
}

//! KVM's CPUID leaves: signature, feature bits, hints, timing.
//!
//! A guest finds them by scanning 0x4000_0000 to 0x4001_0000 in steps of 0x100
//! for the signature, and only if CPUID 1 ECX bit 31 says that there is a
//! hypervisor (24594 volume 3, appendix E, reserves these leaves for software).

use bitflags::bitflags;

/// Leaf with the highest hypervisor leaf in EAX and [`SIGNATURE`] in EBX, ECX, EDX.
pub const LEAF_SIGNATURE: u32 = 0x4000_0000;
/// Leaf with [`Features`] in EAX and [`Hints`] in EDX.
pub const LEAF_FEATURES: u32 = 0x4000_0001;
/// Leaf with the TSC frequency (EAX) and the APIC timer's input frequency
/// (EBX), both in kHz.
pub const LEAF_TIMING: u32 = 0x4000_0010;

/// `KVMKVMKVM` and three zero bytes, as EBX, ECX, EDX.
pub const SIGNATURE: [u32; 3] = [
    u32::from_le_bytes(*b"KVMK"),
    u32::from_le_bytes(*b"VMKV"),
    u32::from_le_bytes(*b"M\0\0\0"),
];

bitflags! {
    /// Feature bits, EAX of [`LEAF_FEATURES`].
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Features: u32 {
        /// Clock pages through the legacy MSRs 0x11 and 0x12.
        const CLOCKSOURCE = 1 << 0;
        /// Port I/O needs no delay write to port 0x80.
        const NOP_IO_DELAY = 1 << 1;
        /// Clock pages through MSRs 0x4b564d00 and 0x4b564d01.
        const CLOCKSOURCE2 = 1 << 3;
        /// Asynchronous page faults, MSR 0x4b564d02.
        const ASYNC_PF = 1 << 4;
        /// Time stolen from a vCPU, MSR 0x4b564d03.
        const STEAL_TIME = 1 << 5;
        /// End of interrupt by memory, MSR 0x4b564d04.
        const PV_EOI = 1 << 6;
        /// Spinlock waiters sleep and are kicked by hypercall.
        const PV_UNHALT = 1 << 7;
        /// TLB flushes of preempted vCPUs are deferred.
        const PV_TLB_FLUSH = 1 << 9;
        /// Asynchronous page faults as exits of a nested guest.
        const ASYNC_PF_VMEXIT = 1 << 10;
        /// IPIs by hypercall.
        const PV_SEND_IPI = 1 << 11;
        /// The guest may ask the host not to poll on HLT, MSR 0x4b564d05.
        const POLL_CONTROL = 1 << 12;
        /// A vCPU may yield to another by hypercall.
        const PV_SCHED_YIELD = 1 << 13;
        /// Page-ready events come as an interrupt, MSRs 0x4b564d06 and 07.
        const ASYNC_PF_INT = 1 << 14;
        /// The `TSC_STABLE` flag of the clock page can be believed.
        const CLOCKSOURCE_STABLE = 1 << 24;
    }
}

bitflags! {
    /// Performance hints, EDX of [`LEAF_FEATURES`].
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Hints: u32 {
        /// vCPUs are never preempted for long: native spinlocks are best.
        const REALTIME = 1 << 0;
    }
}

const _: () =
    assert!(SIGNATURE[0] == 0x4b4d_564b && SIGNATURE[1] == 0x564b_4d56 && SIGNATURE[2] == 0x4d);

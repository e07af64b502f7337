//! MSRs: for each number, what a read gives and what a write does.
//!
//! One row an MSR. Four kinds: the guest's own register (*pass*), one we keep
//! (*emulate*), one that kernels read and that means nothing here (*benign*),
//! and everything else, which does not exist (*fault*, #GP). Values are checked
//! here as far as the number alone allows; what depends on other state (EFER,
//! the clock pages, the APIC timer) is checked where that state lives.
//! Numbers: 24593 appendix A.
//! Also called: RDMSR, WRMSR, MSR filter.

use abi::kvm::msr as kvm;

use super::cpuid::HostCpuid;
use super::mtrr::{self, MtrrRegister};
use crate::ids::VcpuId;

/// MSR numbers of this table, as far as neither KVM's nor MTRRs.
pub mod number {
    #![allow(missing_docs)]
    pub const TSC: u32 = 0x10;
    pub const APIC_BASE: u32 = 0x1B;
    pub const PRED_CMD: u32 = 0x49;
    pub const PATCH_LEVEL: u32 = 0x8B;
    pub const MTRR_CAP: u32 = 0xFE;
    pub const SYSENTER_CS: u32 = 0x174;
    pub const SYSENTER_ESP: u32 = 0x175;
    pub const SYSENTER_EIP: u32 = 0x176;
    pub const DEBUGCTL: u32 = 0x1D9;
    pub const PAT: u32 = 0x277;
    pub const TSC_DEADLINE: u32 = 0x6E0;
    pub const EFER: u32 = 0xC000_0080;
    pub const STAR: u32 = 0xC000_0081;
    pub const LSTAR: u32 = 0xC000_0082;
    pub const CSTAR: u32 = 0xC000_0083;
    pub const SFMASK: u32 = 0xC000_0084;
    pub const FS_BASE: u32 = 0xC000_0100;
    pub const GS_BASE: u32 = 0xC000_0101;
    pub const KERNEL_GS_BASE: u32 = 0xC000_0102;
    pub const TSC_AUX: u32 = 0xC000_0103;
    pub const SYSCFG: u32 = 0xC001_0010;
    pub const HWCR: u32 = 0xC001_0015;
    pub const TOP_MEM: u32 = 0xC001_001A;
    pub const TOP_MEM2: u32 = 0xC001_001D;
    pub const INT_PENDING: u32 = 0xC001_0055;
    pub const VM_CR: u32 = 0xC001_0114;
    pub const NB_CFG: u32 = 0xC001_001F;
    pub const LS_CFG: u32 = 0xC001_1020;
    pub const IC_CFG: u32 = 0xC001_1021;
    pub const BU_CFG: u32 = 0xC001_1023;
    pub const FP_CFG: u32 = 0xC001_1028;
    pub const DE_CFG: u32 = 0xC001_1029;
    pub const BU_CFG2: u32 = 0xC001_102A;
    pub const BP_CFG: u32 = 0xC001_102E;
}

/// HWCR bit 24: the TSC counts at the P0 frequency. Linux complains without it.
const HWCR_TSC_AT_P0: u64 = 1 << 24;
/// VM_CR: SVM disabled (bit 4) and locked (bit 3).
const VM_CR_SVM_DISABLED: u64 = 1 << 4 | 1 << 3;
/// DE_CFG bit 1: LFENCE serialises. The start-up code sets it in the real
/// register of every core that has it, so the guest is told the truth.
const DE_CFG_LFENCE_SERIALISES: u64 = 1 << 1;
/// DEBUGCTL bits that a processor without LBR virtualisation lets one write.
const DEBUGCTL_WRITABLE: u64 = 0x3F;
/// PAT after reset (24593 section 7.8.1).
pub const PAT_RESET: u64 = 0x0007_0406_0007_0406;

/// A register that the hypervisor keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// Time-stamp counter: the host's plus the partition's offset.
    Tsc,
    /// APIC timer deadline in guest TSC ticks, 0 disarms.
    TscDeadline,
    /// See [`super::efer`].
    Efer,
    /// Page attribute table, in the VMCB.
    Pat,
    /// A shadow of [`super::mtrr`].
    Mtrr(MtrrRegister),
    /// See `clock::kvmclock::PartitionClock::write_wall_clock`; reads 0.
    WallClock,
    /// See `clock::kvmclock::SystemTimePage`.
    SystemTime,
}

/// What RDMSR gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MsrRead {
    /// The guest's own register, in the VMCB or the processor.
    Pass,
    /// Ask the register that is kept.
    Emulate(Kept),
    /// This value.
    Benign(u64),
    /// #GP(0).
    Fault,
}

/// What WRMSR does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MsrWrite {
    /// Put the value, which is valid, into the guest's own register.
    Pass,
    /// Hand the value to the register that is kept; it may still refuse.
    Emulate(Kept),
    /// Nothing; the instruction completes.
    Ignore,
    /// #GP(0).
    Fault,
}

/// How an MSR that is the guest's own checks its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Own {
    Any,
    Canonical,
    Low32,
    PredictorCommand,
}

/// The facts of a partition on which rows depend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MsrPolicy {
    tsc_aux: bool,
    ibpb: bool,
    physical_bits: u8,
}

/// MSRs that a guest reaches without an exit if its processor has them.
///
/// All are in the area that VMLOAD and VMSAVE switch, or belong to the core,
/// which is the guest's for life.
pub const PASSED: [u32; 12] = [
    number::SYSENTER_CS,
    number::SYSENTER_ESP,
    number::SYSENTER_EIP,
    number::STAR,
    number::LSTAR,
    number::CSTAR,
    number::SFMASK,
    number::FS_BASE,
    number::GS_BASE,
    number::KERNEL_GS_BASE,
    number::TSC_AUX,
    number::PRED_CMD,
];

/// `APIC_BASE` of a vCPU: xAPIC at its usual place, enabled; the first vCPU is
/// the boot processor.
pub const fn apic_base(vcpu: VcpuId) -> u64 {
    const ENABLED: u64 = 1 << 11;
    const BOOT: u64 = 1 << 8;
    0xFEE0_0000 | ENABLED | if vcpu.0 == 0 { BOOT } else { 0 }
}

/// Whether `address` is canonical for four-level paging.
pub const fn canonical(address: u64) -> bool {
    ((address << 16) as i64 >> 16) as u64 == address
}

fn pat_is_valid(value: u64) -> bool {
    value
        .to_le_bytes()
        .into_iter()
        .all(|kind| matches!(kind, 0 | 1 | 4..=7))
}

impl MsrPolicy {
    /// The policy for guests on this host.
    pub const fn new(host: &HostCpuid) -> Self {
        Self {
            tsc_aux: host.has_tsc_aux(),
            ibpb: host.has_ibpb(),
            physical_bits: (host.sizes.eax & 0xFF) as u8,
        }
    }

    /// Whether reads and writes of `msr` need no exit.
    pub fn passes(&self, msr: u32) -> (bool, bool) {
        match self.own(msr) {
            Some(Own::PredictorCommand) => (false, true),
            Some(Own::Any | Own::Canonical | Own::Low32) => (true, true),
            None => (false, false),
        }
    }

    fn own(&self, msr: u32) -> Option<Own> {
        Some(match msr {
            number::FS_BASE | number::GS_BASE | number::KERNEL_GS_BASE => Own::Canonical,
            number::LSTAR | number::CSTAR | number::SYSENTER_ESP | number::SYSENTER_EIP => {
                Own::Canonical
            }
            number::STAR | number::SYSENTER_CS => Own::Any,
            number::SFMASK => Own::Low32,
            number::TSC_AUX if self.tsc_aux => Own::Low32,
            number::PRED_CMD if self.ibpb => Own::PredictorCommand,
            _ => return None,
        })
    }

    fn kept(msr: u32) -> Option<Kept> {
        Some(match msr {
            number::TSC_DEADLINE => Kept::TscDeadline,
            number::TSC => Kept::Tsc,
            number::EFER => Kept::Efer,
            number::PAT => Kept::Pat,
            kvm::SYSTEM_TIME | kvm::LEGACY_SYSTEM_TIME => Kept::SystemTime,
            kvm::WALL_CLOCK | kvm::LEGACY_WALL_CLOCK => Kept::WallClock,
            // Asynchronous page faults (0x4b564d02, 06, 07) come with paging;
            // until then their feature bits are 0 and their MSRs do not exist.
            _ => Kept::Mtrr(mtrr::register(msr)?),
        })
    }

    fn benign(msr: u32) -> Option<u64> {
        Some(match msr {
            number::MTRR_CAP => mtrr::CAPABILITY,
            number::HWCR => HWCR_TSC_AT_P0,
            number::VM_CR => VM_CR_SVM_DISABLED,
            number::DE_CFG => DE_CFG_LFENCE_SERIALISES,
            number::PATCH_LEVEL
            | number::DEBUGCTL
            | number::SYSCFG
            | number::TOP_MEM
            | number::TOP_MEM2
            | number::INT_PENDING
            | number::NB_CFG
            | number::LS_CFG
            | number::IC_CFG
            | number::BU_CFG
            | number::FP_CFG
            | number::BU_CFG2
            | number::BP_CFG => 0,
            _ => return None,
        })
    }

    /// What RDMSR of `msr` on `vcpu` gives.
    pub fn read(&self, msr: u32, vcpu: VcpuId) -> MsrRead {
        if let Some(kept) = Self::kept(msr) {
            return MsrRead::Emulate(kept);
        }
        match self.own(msr) {
            Some(Own::PredictorCommand) => return MsrRead::Fault,
            Some(Own::Any | Own::Canonical | Own::Low32) => return MsrRead::Pass,
            None => {}
        }
        if msr == number::APIC_BASE {
            return MsrRead::Benign(apic_base(vcpu));
        }
        Self::benign(msr).map_or(MsrRead::Fault, MsrRead::Benign)
    }

    /// What WRMSR of `value` to `msr` on `vcpu` does.
    ///
    /// A passed MSR is checked too: an emulated processor may leave a
    /// non-canonical base unchecked, and a board can choose to intercept.
    pub fn write(&self, msr: u32, value: u64, vcpu: VcpuId) -> MsrWrite {
        if let Some(kept) = Self::kept(msr) {
            return self.write_kept(kept, value);
        }
        if let Some(own) = self.own(msr) {
            let valid = match own {
                Own::Any => true,
                Own::Canonical => canonical(value),
                Own::Low32 => value >> 32 == 0,
                Own::PredictorCommand => value <= 1,
            };
            return if valid {
                MsrWrite::Pass
            } else {
                MsrWrite::Fault
            };
        }
        match msr {
            // The APIC neither moves nor goes away.
            number::APIC_BASE if value == apic_base(vcpu) => MsrWrite::Ignore,
            number::DEBUGCTL if value & !DEBUGCTL_WRITABLE != 0 => MsrWrite::Fault,
            number::MTRR_CAP => MsrWrite::Fault,
            _ if Self::benign(msr).is_some() => MsrWrite::Ignore,
            _ => MsrWrite::Fault,
        }
    }

    fn write_kept(&self, kept: Kept, value: u64) -> MsrWrite {
        let valid = match kept {
            // One offset for all vCPUs, or their clocks would part: not movable.
            Kept::Tsc => return MsrWrite::Ignore,
            Kept::Pat => pat_is_valid(value),
            Kept::Mtrr(register) => mtrr::accepts(register, value, self.physical_bits),
            Kept::TscDeadline | Kept::Efer | Kept::WallClock | Kept::SystemTime => true,
        };
        if valid {
            MsrWrite::Emulate(kept)
        } else {
            MsrWrite::Fault
        }
    }
}

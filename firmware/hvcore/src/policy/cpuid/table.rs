//! The finished CPUID answers of one partition.
//!
//! Built once when the partition is created; a lookup is a range check, a copy
//! of 16 bytes, and for the few leaves that depend on vCPU, subleaf or XCR0 a
//! correction. APIC id = vCPU index, one thread a core, one package, in every
//! leaf that speaks of topology.

use abi::kvm::cpuid::{Features, Hints, LEAF_FEATURES, LEAF_SIGNATURE, LEAF_TIMING, SIGNATURE};

use super::host::{HostCpuid, MAX_CACHES, Regs};
use super::mask;
use crate::ids::VcpuId;

/// Highest basic leaf: XSAVE. Higher ones describe what no guest is given.
const MAX_BASIC: u32 = 0xD;
/// Highest extended leaf that a guest may be shown.
const MAX_EXTENDED: u32 = 0x8000_0021;
/// `AuthenticAMD` as EBX, ECX, EDX: only AMD's processors have SVM.
const VENDOR: [u32; 3] = [
    u32::from_le_bytes(*b"Auth"),
    u32::from_le_bytes(*b"cAMD"),
    u32::from_le_bytes(*b"enti"),
];
/// Input of the emulated APIC timer in kHz: 1 GHz, one tick a nanosecond.
pub const APIC_TIMER_KHZ: u32 = 1_000_000;
/// Size of the legacy XSAVE area with its header; AVX follows.
const XSAVE_LEGACY: u32 = 512 + 64;

/// KVM features of this release. Asynchronous page faults (bits 4 and 14) come
/// with paging and are left out until then; the others not named here would
/// replace exit-less hardware paths by exits.
pub const KVM_FEATURES: Features = Features::CLOCKSOURCE
    .union(Features::NOP_IO_DELAY)
    .union(Features::CLOCKSOURCE2);

/// What a partition is, as far as CPUID tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Platform {
    /// vCPUs, 1 to 8.
    pub vcpus: u8,
    /// Measured TSC frequency in kHz.
    pub tsc_khz: u32,
    /// The TSC has one rate and runs in step on all cores. Shown as invariant
    /// TSC and stable clock pages.
    pub stable_tsc: bool,
}

/// State of the asking vCPU that CPUID mirrors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dynamic {
    /// The guest's XCR0.
    pub xcr0: u64,
    /// The guest's CR4.OSXSAVE.
    pub osxsave: bool,
}

/// CPUID answers of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuidTable {
    basic: [Regs; (MAX_BASIC + 1) as usize],
    extended: [Regs; (MAX_EXTENDED - 0x8000_0000 + 1) as usize],
    timing: Regs,
    kvm: [Regs; 2],
    xsave: [Regs; 3],
    caches: [Regs; MAX_CACHES],
    vcpus: u8,
}

impl CpuidTable {
    /// Computes a partition's answers.
    pub fn new(host: &HostCpuid, platform: Platform) -> Self {
        let avx = host.guest_xcr0() & 0b100 != 0;
        Self {
            basic: basic(host, platform, avx),
            extended: extended(host, platform, avx),
            timing: Regs {
                eax: platform.tsc_khz,
                ebx: APIC_TIMER_KHZ,
                ..Regs::ZERO
            },
            kvm: kvm(platform),
            xsave: xsave(host, avx),
            caches: caches(host, platform.vcpus),
            vcpus: platform.vcpus,
        }
    }

    /// The answer to CPUID with EAX = `leaf`, ECX = `subleaf` on `vcpu`.
    #[inline]
    pub fn lookup(&self, leaf: u32, subleaf: u32, vcpu: VcpuId, now: Dynamic) -> Regs {
        let id = u32::from(vcpu.0);
        let plain = self.plain(leaf);
        match leaf {
            1 => {
                // Only where XSAVE, the bit below, is shown.
                let osxsave = if now.osxsave {
                    mask::OSXSAVE & (plain.ecx << 1)
                } else {
                    0
                };
                Regs {
                    ebx: plain.ebx | id << 24,
                    ecx: plain.ecx | osxsave,
                    ..plain
                }
            }
            7 if subleaf != 0 => Regs::ZERO,
            0xB => self.topology(subleaf, id),
            0xD => self.xsave_leaf(subleaf, now),
            0x8000_001D => self
                .caches
                .get(subleaf as usize)
                .copied()
                .unwrap_or(Regs::ZERO),
            0x8000_001E if plain.eax != 0 => Regs {
                eax: id,
                ebx: id,
                ..Regs::ZERO
            },
            _ => plain,
        }
    }

    #[inline]
    fn plain(&self, leaf: u32) -> Regs {
        let row = match leaf >> 28 {
            0 => self.basic.get(leaf as usize),
            8 => self.extended.get((leaf & 0x0FFF_FFFF) as usize),
            4 if leaf == LEAF_TIMING => Some(&self.timing),
            4 => self.kvm.get((leaf & 0x0FFF_FFFF) as usize),
            _ => None,
        };
        row.copied().unwrap_or(Regs::ZERO)
    }

    /// Leaf B: level 0 is the thread (one a core), level 1 the package.
    fn topology(&self, level: u32, id: u32) -> Regs {
        let (eax, ebx, kind) = match level {
            0 => (0, 1, 1),
            1 => (core_id_bits(self.vcpus), u32::from(self.vcpus), 2),
            _ => (0, 0, 0),
        };
        Regs {
            eax,
            ebx,
            ecx: kind << 8 | level & 0xFF,
            edx: id,
        }
    }

    /// Leaf D; subleaf 0 and 1 give the size of what XCR0 switches on now.
    fn xsave_leaf(&self, subleaf: u32, now: Dynamic) -> Regs {
        let Some(row) = self.xsave.get(subleaf as usize).copied() else {
            return Regs::ZERO;
        };
        let [main, variants, avx] = self.xsave;
        let avx_on = now.xcr0 & 0b100 != 0;
        match subleaf {
            0 if main.eax != 0 => Regs {
                ebx: if avx_on { main.ecx } else { XSAVE_LEGACY },
                ..row
            },
            1 if variants.eax != 0 => Regs {
                ebx: XSAVE_LEGACY + if avx_on { avx.eax } else { 0 },
                ..row
            },
            _ => row,
        }
    }
}

/// Bits that hold a core number below `vcpus`.
const fn core_id_bits(vcpus: u8) -> u32 {
    (vcpus as u32).next_power_of_two().trailing_zeros()
}

fn basic(host: &HostCpuid, platform: Platform, avx: bool) -> [Regs; (MAX_BASIC + 1) as usize] {
    let mut rows = [Regs::ZERO; (MAX_BASIC + 1) as usize];
    let [ebx, ecx, edx] = VENDOR;
    rows[0] = Regs {
        eax: MAX_BASIC,
        ebx,
        ecx,
        edx,
    };
    let hidden = if avx { 0 } else { mask::AVX_FEATURES_ECX };
    let htt = if platform.vcpus > 1 { mask::HTT } else { 0 };
    rows[1] = Regs {
        eax: host.features.eax,
        ebx: u32::from(platform.vcpus) << 16 | host.features.ebx & 0xFF00,
        ecx: host.features.ecx & mask::FEATURES_ECX & !hidden
            | mask::HYPERVISOR
            | mask::TSC_DEADLINE,
        edx: host.features.edx & mask::FEATURES_EDX | htt,
    };
    let (hidden_ebx, hidden_ecx) = if avx {
        (0, 0)
    } else {
        (mask::AVX_STRUCTURED_EBX, mask::AVX_STRUCTURED_ECX)
    };
    rows[7] = Regs {
        eax: 0,
        ebx: host.structured.ebx & mask::STRUCTURED_EBX & !hidden_ebx,
        ecx: host.structured.ecx & mask::STRUCTURED_ECX & !hidden_ecx,
        edx: host.structured.edx & mask::STRUCTURED_EDX,
    };
    rows
}

fn extended(
    host: &HostCpuid,
    platform: Platform,
    avx: bool,
) -> [Regs; (MAX_EXTENDED - 0x8000_0000 + 1) as usize] {
    let mut rows = [Regs::ZERO; (MAX_EXTENDED - 0x8000_0000 + 1) as usize];
    let [ebx, ecx, edx] = VENDOR;
    rows[0] = Regs {
        eax: host.max_extended.min(MAX_EXTENDED),
        ebx,
        ecx,
        edx,
    };
    let hidden = if avx { 0 } else { mask::AVX_EXTENDED_ECX };
    let cmp = if platform.vcpus > 1 {
        host.extended.ecx & mask::CMP_LEGACY
    } else {
        0
    };
    rows[1] = Regs {
        eax: host.extended.eax,
        ebx: host.extended.ebx & 0xF000_0000,
        ecx: host.extended.ecx & mask::EXTENDED_ECX & !hidden | cmp,
        edx: host.extended.edx & mask::EXTENDED_EDX,
    };
    rows[2..5].copy_from_slice(&host.brand);
    rows[5] = host.l1;
    rows[6] = host.l2_l3;
    rows[7].edx = if platform.stable_tsc {
        mask::INVARIANT_TSC
    } else {
        0
    };
    let linear = (host.sizes.eax >> 8 & 0xFF).min(48);
    rows[8] = Regs {
        eax: linear << 8 | host.sizes.eax & 0xFF,
        ebx: host.sizes.ebx & mask::SIZES_EBX,
        ecx: core_id_bits(platform.vcpus) << 12 | u32::from(platform.vcpus).saturating_sub(1),
        edx: 0,
    };
    rows[0x19] = Regs {
        ecx: 0,
        edx: 0,
        ..host.tlb_1g
    };
    rows[0x1A].eax = host.vector_hints.eax & mask::VECTOR_HINTS_EAX;
    // Not an answer: marks that the leaf exists; `lookup` fills it per vCPU.
    rows[0x1E].eax = u32::from(host.extended.ecx & mask::TOPOLOGY_EXTENSIONS != 0);
    rows[0x21].eax = host.extended2.eax & mask::EXTENDED2_EAX;
    rows
}

fn kvm(platform: Platform) -> [Regs; 2] {
    let [ebx, ecx, edx] = SIGNATURE;
    let stable = if platform.stable_tsc {
        Features::CLOCKSOURCE_STABLE
    } else {
        Features::empty()
    };
    const { assert!(LEAF_SIGNATURE & 0x0FFF_FFFF == 0 && LEAF_FEATURES & 0x0FFF_FFFF == 1) };
    [
        Regs {
            eax: LEAF_TIMING,
            ebx,
            ecx,
            edx,
        },
        Regs {
            eax: KVM_FEATURES.union(stable).bits(),
            ebx: 0,
            ecx: 0,
            edx: Hints::REALTIME.bits(),
        },
    ]
}

fn xsave(host: &HostCpuid, avx: bool) -> [Regs; 3] {
    let xcr0 = host.guest_xcr0() as u32;
    if xcr0 == 0 {
        return [Regs::ZERO; 3];
    }
    let (part, end) = if avx {
        (
            host.xsave_avx,
            host.xsave_avx.ebx.saturating_add(host.xsave_avx.eax),
        )
    } else {
        (Regs::ZERO, XSAVE_LEGACY)
    };
    let variants = host.xsave_variants.eax & mask::XSAVE_VARIANTS_EAX;
    [
        Regs {
            eax: xcr0,
            ebx: XSAVE_LEGACY,
            ecx: end,
            edx: 0,
        },
        Regs {
            eax: variants,
            ..Regs::ZERO
        },
        Regs {
            eax: part.eax,
            ebx: part.ebx,
            ecx: 0,
            edx: 0,
        },
    ]
}

/// Levels 1 and 2 are a core's own; from level 3 on all vCPUs share.
fn caches(host: &HostCpuid, vcpus: u8) -> [Regs; MAX_CACHES] {
    const SHARING: u32 = 0xFFF << 14;
    if host.extended.ecx & mask::TOPOLOGY_EXTENSIONS == 0 {
        return [Regs::ZERO; MAX_CACHES];
    }
    host.caches.map(|row| {
        let level = row.eax >> 5 & 0b111;
        let sharing = if level >= 3 {
            u32::from(vcpus).saturating_sub(1)
        } else {
            0
        };
        let eax = if row.eax & 0x1F == 0 {
            0
        } else {
            row.eax & !SHARING | sharing << 14
        };
        Regs { eax, ..row }
    })
}

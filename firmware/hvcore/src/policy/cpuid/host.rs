//! What the host's CPU says of itself: a snapshot taken once at start.
//!
//! Only the leaves that the guest's table draws on. The instruction itself
//! belongs to `metal`, which passes it in as a closure; tests pass a table.

/// The four registers of one CPUID answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Regs {
    /// EAX.
    pub eax: u32,
    /// EBX.
    pub ebx: u32,
    /// ECX.
    pub ecx: u32,
    /// EDX.
    pub edx: u32,
}

impl Regs {
    /// All four registers zero: the answer to a leaf that does not exist.
    pub const ZERO: Self = Self {
        eax: 0,
        ebx: 0,
        ecx: 0,
        edx: 0,
    };
}

/// Most cache levels of leaf 8000_001D that are kept.
pub const MAX_CACHES: usize = 4;

/// Leaves of the host's CPU. A leaf above the host's highest is all zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HostCpuid {
    /// Highest extended leaf (8000_0000 EAX).
    pub max_extended: u32,
    /// Leaf 1: signature and features.
    pub features: Regs,
    /// Leaf 7, subleaf 0: structured features.
    pub structured: Regs,
    /// Leaf D, subleaf 0: XCR0 bits and sizes.
    pub xsave: Regs,
    /// Leaf D, subleaf 1: XSAVE variants.
    pub xsave_variants: Regs,
    /// Leaf D, subleaf 2: size and offset of the AVX state.
    pub xsave_avx: Regs,
    /// Leaf 8000_0001: extended features.
    pub extended: Regs,
    /// Leaves 8000_0002 to 0004: name of the processor.
    pub brand: [Regs; 3],
    /// Leaf 8000_0005: first-level caches and TLBs.
    pub l1: Regs,
    /// Leaf 8000_0006: second- and third-level caches and TLBs.
    pub l2_l3: Regs,
    /// Leaf 8000_0008: address sizes and more features.
    pub sizes: Regs,
    /// Leaf 8000_0019: TLBs for 1 GiB pages.
    pub tlb_1g: Regs,
    /// Leaf 8000_001A: hints on vector units.
    pub vector_hints: Regs,
    /// Leaf 8000_001D by subleaf: cache properties, up to the first empty one.
    pub caches: [Regs; MAX_CACHES],
    /// Leaf 8000_0021: still more features.
    pub extended2: Regs,
}

impl HostCpuid {
    /// Asks `cpuid(leaf, subleaf)` for everything that is kept.
    pub fn capture(mut cpuid: impl FnMut(u32, u32) -> Regs) -> Self {
        let max_basic = cpuid(0, 0).eax;
        let max_extended = cpuid(0x8000_0000, 0).eax;
        let mut get = |leaf: u32, subleaf| {
            let max = if leaf < 0x8000_0000 {
                max_basic
            } else {
                max_extended
            };
            if leaf <= max {
                cpuid(leaf, subleaf)
            } else {
                Regs::ZERO
            }
        };
        Self {
            max_extended,
            features: get(1, 0),
            structured: get(7, 0),
            xsave: get(0xD, 0),
            xsave_variants: get(0xD, 1),
            xsave_avx: get(0xD, 2),
            extended: get(0x8000_0001, 0),
            brand: [
                get(0x8000_0002, 0),
                get(0x8000_0003, 0),
                get(0x8000_0004, 0),
            ],
            l1: get(0x8000_0005, 0),
            l2_l3: get(0x8000_0006, 0),
            sizes: get(0x8000_0008, 0),
            tlb_1g: get(0x8000_0019, 0),
            vector_hints: get(0x8000_001A, 0),
            caches: core::array::from_fn(|i| get(0x8000_001D, i as u32)),
            extended2: get(0x8000_0021, 0),
        }
    }

    /// XCR0 bits that a guest may set: what the host has of x87, SSE and AVX.
    /// 0 if the host has no XSAVE.
    pub const fn guest_xcr0(&self) -> u64 {
        if self.features.ecx & super::mask::XSAVE == 0 {
            return 0;
        }
        (self.xsave.eax & super::mask::XCR0) as u64
    }

    /// The host has RDTSCP or RDPID, hence the MSR `TSC_AUX`.
    pub const fn has_tsc_aux(&self) -> bool {
        self.extended.edx & super::mask::RDTSCP != 0
            || self.structured.ecx & super::mask::RDPID != 0
    }

    /// The host can flush its branch predictors (MSR `PRED_CMD`).
    pub const fn has_ibpb(&self) -> bool {
        self.sizes.ebx & super::mask::IBPB != 0
    }
}

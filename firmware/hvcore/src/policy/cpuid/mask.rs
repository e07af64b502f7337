//! Which of the host's feature bits a guest may see: one constant a register.
//!
//! A bit is here if the guest can use the feature without us, or if we emulate
//! what it stands for. Bits that are left out, and why:
//! - SVM, SKINIT, nested everything: no nesting.
//! - x2APIC, extended APIC space: the local APIC is an xAPIC page.
//! - MONITOR, MWAITX: an idle vCPU says HLT.
//! - MCE, MCA: machine checks are the host's; the banks are not emulated.
//! - performance counters, IBS, LWP, RDPRU, APERF/MPERF: no PMU is offered.
//! - SPEC_CTRL and its kin: IBPB alone is offered, it needs no state.
//! - PKU, CET, AVX-512, XSAVES: their state is outside what is reset.
//! - LA57: the nested walker and the decoder know four levels.
//! - OSVW, DBEXT, NodeId, TSC_ADJUST, TCE: each would need MSRs nobody misses.

const fn bits(list: &[u32]) -> u32 {
    let mut mask = 0;
    let mut i = 0;
    while i < list.len() {
        mask |= 1 << list[i];
        i += 1;
    }
    mask
}

/// Leaf 1 EDX: FPU, VME, DE, PSE, TSC, MSR, PAE, CX8, APIC, SEP, MTRR, PGE, CMOV,
/// PAT, PSE36, CLFSH, MMX, FXSR, SSE, SSE2. HTT is set from the vCPU count.
pub const FEATURES_EDX: u32 = bits(&[
    0, 1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 15, 16, 17, 19, 23, 24, 25, 26,
]);
/// Leaf 1 ECX: SSE3, PCLMULQDQ, SSSE3, FMA, CX16, PCID, SSE4.1, SSE4.2, MOVBE,
/// POPCNT, AES, XSAVE, AVX, F16C, RDRAND.
pub const FEATURES_ECX: u32 = bits(&[0, 1, 9, 12, 13, 17, 19, 20, 22, 23, 25, 26, 28, 29, 30]);
/// Leaf 7 EBX: FSGSBASE, BMI1, AVX2, SMEP, BMI2, ERMS, INVPCID, RDSEED, ADX, SMAP,
/// CLFLUSHOPT, CLWB, SHA.
pub const STRUCTURED_EBX: u32 = bits(&[0, 3, 5, 7, 8, 9, 10, 18, 19, 20, 23, 24, 29]);
/// Leaf 7 ECX: UMIP, GFNI, VAES, VPCLMULQDQ, RDPID.
pub const STRUCTURED_ECX: u32 = bits(&[2, 8, 9, 10, 22]);
/// Leaf 7 EDX: FSRM.
pub const STRUCTURED_EDX: u32 = bits(&[4]);
/// Leaf D subleaf 1 EAX: XSAVEOPT, XSAVEC, XGETBV with ECX = 1.
pub const XSAVE_VARIANTS_EAX: u32 = bits(&[0, 1, 2]);
/// Leaf 8000_0001 EDX: the bits of leaf 1 that AMD repeats, SYSCALL, NX, MMX
/// extensions, FFXSR, 1 GiB pages, RDTSCP, long mode, 3DNow.
pub const EXTENDED_EDX: u32 = bits(&[
    0, 1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 15, 16, 17, 20, 22, 23, 24, 25, 26, 27, 29, 30, 31,
]);
/// Leaf 8000_0001 ECX: LAHF in long mode, CR8 by LOCK MOV CR0, ABM, SSE4A,
/// misaligned SSE, PREFETCHW, XOP, FMA4, TBM, topology extensions.
pub const EXTENDED_ECX: u32 = bits(&[0, 4, 5, 6, 7, 8, 11, 16, 21, 22]);
/// Leaf 8000_0008 EBX: CLZERO, XSAVE of error pointers, IBPB.
pub const SIZES_EBX: u32 = bits(&[0, 2, 12]);
/// Leaf 8000_001A EAX: widths of the vector units.
pub const VECTOR_HINTS_EAX: u32 = bits(&[0, 1, 2]);
/// Leaf 8000_0021 EAX: no nested data breakpoints, base writes do not serialise,
/// LFENCE serialises, loading a null selector clears its base.
pub const EXTENDED2_EAX: u32 = bits(&[0, 1, 2, 6]);

/// Leaf 1 ECX: XSAVE.
pub const XSAVE: u32 = 1 << 26;
/// Leaf 1 ECX: mirror of CR4.OSXSAVE.
pub const OSXSAVE: u32 = 1 << 27;
/// Leaf 1 ECX: AVX.
pub const AVX: u32 = 1 << 28;
/// Leaf 1 ECX: TSC-deadline mode of the APIC timer, which we emulate.
pub const TSC_DEADLINE: u32 = 1 << 24;
/// Leaf 1 ECX: there is a hypervisor.
pub const HYPERVISOR: u32 = 1 << 31;
/// Leaf 1 EDX: more than one logical processor.
pub const HTT: u32 = 1 << 28;
/// Leaf 7 ECX: RDPID.
pub const RDPID: u32 = 1 << 22;
/// Leaf 8000_0001 ECX: HTT counts cores.
pub const CMP_LEGACY: u32 = 1 << 1;
/// Leaf 8000_0001 ECX: leaves 8000_001D and 001E exist.
pub const TOPOLOGY_EXTENSIONS: u32 = 1 << 22;
/// Leaf 8000_0001 EDX: FXSAVE may skip XMM (EFER.FFXSR).
pub const FFXSR: u32 = 1 << 25;
/// Leaf 8000_0001 EDX: no-execute pages (EFER.NXE).
pub const NX: u32 = 1 << 20;
/// Leaf 8000_0001 EDX: RDTSCP.
pub const RDTSCP: u32 = 1 << 27;
/// Leaf 8000_0007 EDX: the TSC runs at one rate in all states.
pub const INVARIANT_TSC: u32 = 1 << 8;
/// Leaf 8000_0008 EBX: IBPB.
pub const IBPB: u32 = 1 << 12;
/// XCR0 bits a guest may use: x87, SSE, AVX.
pub const XCR0: u32 = 0b111;

/// Everything that needs the AVX state, to be hidden with it.
pub const AVX_FEATURES_ECX: u32 = AVX | bits(&[12, 29]);
/// The same in leaf 7 EBX (AVX2) and ECX (VAES, VPCLMULQDQ).
pub const AVX_STRUCTURED_EBX: u32 = bits(&[5]);
/// See [`AVX_STRUCTURED_EBX`].
pub const AVX_STRUCTURED_ECX: u32 = bits(&[9, 10]);
/// The same in leaf 8000_0001 ECX (XOP, FMA4).
pub const AVX_EXTENDED_ECX: u32 = bits(&[11, 16]);

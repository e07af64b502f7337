//! SVM feature leaf CPUID 8000_000Ah (24593 section 15.33, volume 3 appendix E).

/// Leaf with the SVM revision, ASID count and features.
pub const SVM_LEAF: u32 = 0x8000_000a;

bitflags::bitflags! {
    /// EDX of the SVM leaf. AVIC-01.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct SvmFeatures: u32 {
        /// Nested paging.
        const NPT = 1 << 0;
        /// LBR virtualization.
        const LBR_VIRT = 1 << 1;
        /// SVM lock.
        const SVM_LOCK = 1 << 2;
        /// Next RIP is saved.
        const NRIP_SAVE = 1 << 3;
        /// TSC rate MSR.
        const TSC_RATE = 1 << 4;
        /// VMCB clean bits.
        const VMCB_CLEAN = 1 << 5;
        /// Flush by ASID.
        const FLUSH_BY_ASID = 1 << 6;
        /// Decode assists.
        const DECODE_ASSISTS = 1 << 7;
        /// PAUSE filter.
        const PAUSE_FILTER = 1 << 10;
        /// PAUSE filter threshold.
        const PAUSE_THRESHOLD = 1 << 12;
        /// AVIC.
        const AVIC = 1 << 13;
        /// Virtual VMSAVE and VMLOAD.
        const VIRTUAL_VMLOAD = 1 << 15;
        /// Virtual GIF.
        const VGIF = 1 << 16;
        /// x2AVIC.
        const X2AVIC = 1 << 18;
        /// Virtual NMI.
        const VNMI = 1 << 25;
    }
}

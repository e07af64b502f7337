//! Facts of the host that exit handling depends on, fixed at boot.

use board::Errata;
use svm::cpuid::SvmFeatures;

/// One machine's facts; the same on all cores (checked at start).
#[derive(Clone, Copy, Debug)]
pub struct HostFacts {
    /// SVM features that every core has.
    pub features: SvmFeatures,
    /// Work-arounds to apply.
    pub errata: Errata,
    /// Work-arounds that the plan left out on purpose, for an experiment; none of
    /// them is in `errata`.
    pub errata_off: Errata,
    /// Guest-physical address bits shown to guests.
    pub phys_bits: u8,
    /// TSC ticks a second.
    pub tsc_hz: u64,
    /// CPU signature as CPUID leaf 1 gives it; EDX after INIT.
    pub signature: u32,
    /// XCR0 bits a guest may set.
    pub xcr0: u64,
}

impl HostFacts {
    /// The CPU saves the next RIP at instruction exits.
    pub const fn next_rip(&self) -> bool {
        self.features.contains(SvmFeatures::NRIP_SAVE)
    }

    /// Leaves work-arounds out, for an experiment.
    pub fn leave_out(&mut self, off: Errata) {
        self.errata.remove(off);
        self.errata_off = off;
    }

    /// A flush can be limited to one guest.
    pub const fn flush_by_asid(&self) -> bool {
        self.features.contains(SvmFeatures::FLUSH_BY_ASID)
    }
}

//! The host's APIC timer, set for the next moment of a core's vCPU.
//!
//! It wakes a sleeping core and ends an entry in time; what it is set for is
//! remembered, so that an exit that changes nothing writes no register.

use crate::vcpu_core::VcpuCore;
use hvcore::vcpu::counters::Count;
use metal::host_apic;

/// The host's APIC timer as this vCPU uses it: what it is set for, in guest TSC.
pub struct HostTimer {
    set_for: u64,
    recheck_ticks: u64,
}

impl HostTimer {
    /// Nothing set. A recheck comes 50 microseconds after the entry.
    pub fn new(core: &VcpuCore) -> Self {
        Self {
            set_for: u64::MAX,
            recheck_ticks: core.machine.rates.tsc_hz / 20_000,
        }
    }

    /// Sets it for the next moment, if that changed.
    #[inline(always)]
    pub fn arm(&mut self, core: &VcpuCore, now: u64, moment: u64) {
        let mut wanted = moment;
        if core.vcpu.recheck {
            wanted = wanted.min(now + self.recheck_ticks);
            core.mine.counters.bump(Count::Recheck);
        }
        if wanted != self.set_for {
            self.set(core, wanted);
        }
    }

    #[inline(never)]
    fn set(&mut self, core: &VcpuCore, wanted: u64) {
        self.set_for = wanted;
        if wanted != u64::MAX {
            // Now, not as of the exit: the handler's time would be added.
            let left = wanted.saturating_sub(core.now());
            host_apic::arm_timer(core.machine.rates.apic_ticks(left));
        }
    }

    /// It may have fired.
    pub fn forget(&mut self) {
        self.set_for = u64::MAX;
    }
}

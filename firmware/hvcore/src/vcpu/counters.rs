//! What happened on a vCPU, counted: written by its core, read by anyone.
//!
//! A counter is a load and a store, not a locked instruction, because only the
//! owner writes. Readers see a recent value; totals are exact once it is stopped.
//! Also called: statistics, exit counts.

use crate::sync::{AtomicU64, Ordering};

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Count {
    /// CPUID exits.
    Cpuid,
    /// RDMSR and WRMSR exits.
    Msr,
    /// Port exits.
    Port,
    /// Local APIC accesses.
    Apic,
    /// IOAPIC accesses.
    IoApic,
    /// Accesses to addresses nobody owns.
    Hole,
    /// HLT exits.
    Halt,
    /// Exits for a physical interrupt.
    Interrupt,
    /// VMMCALL exits.
    Hypercall,
    /// Exits for an intercepted exception.
    Exception,
    /// Everything else that exits.
    Other,
    /// IPIs this vCPU sent, one a target.
    IpiSent,
    /// Kicks it sent to other cores.
    KickSent,
    /// Times it slept.
    Sleep,
    /// External interrupts the guest took.
    InterruptTaken,
    /// NMIs injected.
    NmiInjected,
    /// Exceptions injected by emulation.
    FaultInjected,
    /// Events given back after an interrupted delivery.
    Reinjected,
    /// Entries turned back by a request.
    EntryCancelled,
    /// TLB flushes asked of the CPU.
    Flush,
    /// Times the recheck timer was armed.
    Recheck,
    /// Timer moments reached.
    TimerDue,
    /// Of these, merged with a pending one.
    TimerMerged,
    /// Of these, masked.
    TimerDropped,
    /// Accesses to MSRs that do not exist.
    MsrFault,
}

/// Number of counters.
pub const COUNTS: usize = Count::MsrFault as usize + 1;

/// Names, in order, as the console prints them.
pub const NAMES: [&str; COUNTS] = [
    "cpuid",
    "msr",
    "port",
    "apic",
    "ioapic",
    "hole",
    "hlt",
    "interrupt",
    "hypercall",
    "exception",
    "other",
    "ipi-sent",
    "kick-sent",
    "sleep",
    "taken",
    "nmi",
    "fault",
    "reinjected",
    "cancelled",
    "flush",
    "recheck",
    "timer-due",
    "timer-merged",
    "timer-dropped",
    "msr-fault",
];

/// Counters that make up the total of exits.
pub const EXITS: core::ops::RangeInclusive<usize> = Count::Cpuid as usize..=Count::Other as usize;

/// The counters of one vCPU.
#[repr(align(64))]
pub struct Counters([AtomicU64; COUNTS]);

impl Counters {
    /// All zero.
    #[cfg(not(any(loom, shuttle)))]
    pub const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; COUNTS])
    }

    /// All zero.
    #[cfg(any(loom, shuttle))]
    pub fn new() -> Self {
        Self(core::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Adds to a counter. Owner only.
    #[inline(always)]
    pub fn add(&self, what: Count, by: u64) {
        if let Some(cell) = self.0.get(what as usize) {
            // No pair: statistics; a single writer loses no count.
            cell.store(
                cell.load(Ordering::Relaxed).wrapping_add(by),
                Ordering::Relaxed,
            );
        }
    }

    /// Adds one. Owner only.
    #[inline(always)]
    pub fn bump(&self, what: Count) {
        self.add(what, 1);
    }

    /// All values, a recent view.
    pub fn snapshot(&self) -> [u64; COUNTS] {
        // No pair: statistics.
        core::array::from_fn(|i| self.0.get(i).map_or(0, |cell| cell.load(Ordering::Relaxed)))
    }

    /// All exits.
    pub fn exits(&self) -> u64 {
        let all = self.snapshot();
        all.get(EXITS).map_or(0, |part| part.iter().sum())
    }

    /// Back to zero (a partition's start, while its core waits).
    pub fn reset(&self) {
        for cell in &self.0 {
            // No pair: statistics, and the owner does not run.
            cell.store(0, Ordering::Relaxed);
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_counts_exits_and_nothing_else() {
        let counters = Counters::new();
        counters.bump(Count::Cpuid);
        counters.add(Count::Other, 2);
        counters.bump(Count::IpiSent);
        assert_eq!(counters.exits(), 3);
    }
}

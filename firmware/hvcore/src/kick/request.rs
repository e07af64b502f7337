//! Request bits: what a vCPU must see to before it enters the guest again.
//!
//! Writers: everybody sets bits, the owner alone clears them. A bit may be
//! raised too often, never too seldom; no optimisation may suppress one.
//!
//! The bit number is the order of service, lowest first (KICK-05): stopping
//! beats everything, translations come before what uses them, the life cycle
//! before events, and choosing the event to deliver comes last.
//! Also called: `KVM_REQ_*`, hazards, pending work.

use super::mode::Owner;
use super::wake::Kick;
use super::words::VcpuWords;
use crate::mutant::{Mutant, planted};
use crate::sync::{Ordering, fence_after_rmw};

bitflags::bitflags! {
    /// A set of requests; also the answer to "what is there to do".
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct Requests: u64 {
        /// The VM is dead or being stopped: do not enter again.
        const STOP = 1 << 0;
        /// Nested translations were changed: flush before entry.
        const TLB_FLUSH = 1 << 1;
        /// The guest's view of time changed (offset, clock page).
        const CLOCK_UPDATE = 1 << 2;
        /// The control console wants this vCPU's registers or trace.
        const DEBUG = 1 << 3;
        /// An INIT arrived.
        const INIT = 1 << 4;
        /// A start-up IPI arrived; its vector is in the vCPU's mailbox.
        const SIPI = 1 << 5;
        /// A non-maskable interrupt is pending.
        const NMI = 1 << 6;
        /// The virtual APIC timer may have expired.
        const TIMER = 1 << 7;
        /// Choose the event to deliver again.
        const EVENT = 1 << 8;
    }
}

impl Requests {
    /// Requests that wake a sleeping vCPU. The others are served before its
    /// next entry, whenever that is.
    pub const WAKING: Self = Self::all()
        .difference(Self::TLB_FLUSH)
        .difference(Self::CLOCK_UPDATE);

    /// Removes and returns the request to serve first.
    #[inline]
    pub fn pop_first(&mut self) -> Option<Self> {
        let lowest = self.bits() & self.bits().wrapping_neg();
        let first = Self::from_bits_retain(lowest);
        self.remove(first);
        (lowest != 0).then_some(first)
    }
}

impl VcpuWords {
    /// Raises requests and decides what their target's core needs to notice.
    /// Pairs P1 and P4, side A. State that a request covers is written before.
    #[inline]
    pub fn raise(&self, what: Requests) -> Kick {
        // P1: release publishes the covered state to whoever takes the bit.
        self.requests.0.fetch_or(what.bits(), Ordering::Release);
        if !planted(Mutant::RaiseUnfenced) {
            fence_after_rmw(); // P1: other half in kick/mode.rs `enter`; P4: in kick/wake.rs `begin_block`
        }
        if what.intersects(Requests::WAKING) && self.wake() {
            return Kick::WakeCore;
        }
        self.interrupt_if_in_guest()
    }

    /// What is requested now, without taking it.
    #[inline]
    pub fn requested(&self) -> Requests {
        // P1: advisory; `take` and `enter` decide.
        Requests::from_bits_retain(self.requests.0.load(Ordering::Relaxed))
    }
}

impl Owner<'_> {
    /// Takes those of `which` that are raised. The state they cover is read
    /// after this returns (KICK-04): a request raised meanwhile is seen again.
    #[inline]
    pub fn take(&mut self, which: Requests) -> Requests {
        let words = self.words;
        // P1: a bit missed here is seen by `enter`.
        let raised = words.requests.0.load(Ordering::Relaxed) & which.bits();
        if raised != 0 {
            // P1: relaxed, because the fence below acquires what the raisers
            // released. Bits seen stay set: nobody else clears them.
            words.requests.0.fetch_and(!raised, Ordering::Relaxed);
            if !planted(Mutant::TakeUnfenced) {
                fence_after_rmw(); // P1: covered state is read after the clear
            }
        }
        Requests::from_bits_retain(raised)
    }

    /// Raises a request on oneself. Nobody needs to be interrupted.
    #[inline]
    pub fn raise_self(&mut self, what: Requests) {
        // P1: both halves are this core, program order is enough.
        self.words
            .requests
            .0
            .fetch_or(what.bits(), Ordering::Relaxed);
    }
}

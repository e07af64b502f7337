//! Kick and wait: proof that a vCPU has left the guest since we asked.
//!
//! Owns no word: it reads the mode word, whose epoch tells "left and entered
//! again" from "never left". A waiter is content with either OUTSIDE or another
//! epoch, so it cannot starve beside a vCPU that re-enters quickly, and two
//! vCPUs that wait for each other are both outside and both go on.
//!
//! To wait for many: begin all, send all interrupts, then wait for each; the
//! time is then the slowest one's, not the sum.
//!
//! Also called: `KVM_REQUEST_WAIT`, quiesce, shootdown, grace period.

use super::mode::{Mode, ModeWord, Owner};
use super::request::Requests;
use super::wake::Kick;
use super::words::VcpuWords;
use crate::mutant::{Mutant, planted};
use crate::sync::{Ordering, fence_after_rmw};
use core::marker::PhantomData;

/// Who waits. A vCPU's core shows its owner token, which it can only while it
/// is outside, and keeps it borrowed until it has stopped waiting.
#[derive(Clone, Copy, Debug)]
pub enum Initiator<'o, 'w> {
    /// A core that runs no vCPU: housekeeping, or boot.
    Housekeeping,
    /// The core of this vCPU, outside.
    Vcpu(&'o Owner<'w>),
}

/// A wait for one vCPU that has begun.
#[must_use = "nothing is promised until `poll` returns the proof"]
#[derive(Debug)]
pub struct Quiesce<'o, 't> {
    target: &'t VcpuWords,
    seen: ModeWord,
    initiator: PhantomData<&'o ()>,
}

/// Proof: after the request was raised the vCPU was outside at least once, all
/// it did before is visible, and it will see the request before it enters.
#[derive(Debug)]
pub struct Quiesced<'t> {
    target: &'t VcpuWords,
}

impl Quiesced<'_> {
    /// Whether this is about the vCPU with these words.
    pub fn is_about(&self, words: &VcpuWords) -> bool {
        core::ptr::eq(self.target, words)
    }
}

impl<'o, 't> Quiesce<'o, 't> {
    /// Raises `what` and begins to wait; the caller carries out the kick, then
    /// polls. `None` when the initiator is the target: it is outside already
    /// and has its request, and there is nothing to wait for.
    ///
    /// Unlike a plain kick, the interrupt is asked for even when another kicker
    /// has announced one, so that waiting does not depend on that core.
    #[inline]
    pub fn begin(
        by: Initiator<'o, '_>,
        target: &'t VcpuWords,
        what: Requests,
    ) -> Option<(Self, Kick)> {
        // P1: as in `raise`.
        target.requests.0.fetch_or(what.bits(), Ordering::Release);
        if !planted(Mutant::WaitUnfenced) {
            fence_after_rmw(); // P1: other half in kick/mode.rs `enter`; P6 likewise
        }
        if let Initiator::Vcpu(owner) = by
            && core::ptr::eq(owner.words(), target)
        {
            return None;
        }
        // P1, P6: stale IN_GUEST costs an interrupt and is cured by the next
        // poll; stale OUTSIDE is excluded, or `enter` sees the request.
        let seen = ModeWord(target.mode.0.load(Ordering::Acquire));
        let kick = match seen.mode() {
            Mode::InGuest | Mode::Exiting => Kick::Interrupt,
            Mode::Outside if what.intersects(Requests::WAKING) && target.wake() => Kick::WakeCore,
            Mode::Outside => Kick::None,
        };
        Some((
            Self {
                target,
                seen,
                initiator: PhantomData,
            },
            kick,
        ))
    }

    /// The proof, once the vCPU has been outside.
    #[inline]
    pub fn poll(&self) -> Option<Quiesced<'t>> {
        // P6: acquire, pairs with the release of every return to OUTSIDE. A
        // stale value only costs another poll.
        let now = ModeWord(self.target.mode.0.load(Ordering::Acquire));
        let left = now.epoch() != self.seen.epoch() && !planted(Mutant::WaitIgnoresEpoch);
        let outside = self.seen.mode() == Mode::Outside || now.mode() == Mode::Outside;
        (outside || left).then_some(Quiesced {
            target: self.target,
        })
    }
}

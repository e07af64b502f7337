//! The mode word: where a vCPU is, and its owner's way into the guest and out.
//!
//! Owner: the core that runs the vCPU, through [`Owner`]. Others may do one
//! thing, IN_GUEST to EXITING, and only the winner of that exchange interrupts.
//! Only the owner leaves EXITING, and only to OUTSIDE (KICK-03).
//!
//! The low two bits hold the mode, the rest counts returns to OUTSIDE (the exit
//! epoch of [`super::wait`]): at one exit per nanosecond it lasts 146 years.
//!
//! True on entry to [`Owner::enter`]: interrupts are held; see the parent module.
//! Also called: `vcpu->mode`, `OUTSIDE_GUEST_MODE`, run loop entry check.

use super::request::Requests;
use super::words::VcpuWords;
use crate::mutant::{Mutant, planted};
use crate::sync::{Ordering, fence_after_rmw};

/// Where a vCPU is, as others may know it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// In our code, or asleep. It looks at its requests before it enters.
    Outside,
    /// In the inner loop: about to enter, in the guest, or just out of it.
    InGuest,
    /// As `InGuest`, and an interrupt is on its way or a self kick was made.
    Exiting,
}

/// Mode and exit epoch as one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(super) struct ModeWord(pub(super) u64);

impl ModeWord {
    const MODE_BITS: u64 = 0b11;
    const OUTSIDE: u64 = 0;
    const IN_GUEST: u64 = 1;
    const EXITING: u64 = 2;
    const ONE_EPOCH: u64 = 4;
    /// Outside, epoch 0.
    pub(super) const INITIAL: Self = Self(Self::OUTSIDE);

    /// The value 3 is never stored; it reads as `Exiting`, which makes waiters
    /// wait rather than trust it.
    #[inline]
    pub(super) const fn mode(self) -> Mode {
        match self.0 & Self::MODE_BITS {
            Self::OUTSIDE => Mode::Outside,
            Self::IN_GUEST => Mode::InGuest,
            _ => Mode::Exiting,
        }
    }

    #[inline]
    pub(super) const fn epoch(self) -> u64 {
        self.0 / Self::ONE_EPOCH
    }

    #[inline]
    const fn in_guest(self) -> Self {
        Self(self.0 & !Self::MODE_BITS | Self::IN_GUEST)
    }

    #[inline]
    pub(super) const fn exiting(self) -> Self {
        Self(self.0 & !Self::MODE_BITS | Self::EXITING)
    }

    #[inline]
    const fn outside_again(self) -> Self {
        Self((self.0 & !Self::MODE_BITS).wrapping_add(Self::ONE_EPOCH))
    }
}

/// Why an entry was turned back. The vCPU is outside again; the caller services
/// what is wanted and undoes what it prepared to inject.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pending {
    /// Requests seen after the mode was announced; not yet taken.
    pub requests: Requests,
    /// An interrupt was posted that the entry plan does not know.
    pub posted: bool,
    /// Somebody kicked between the announcement and the check.
    pub kicked: bool,
}

/// The right to move one vCPU. There is one per vCPU, held by its core's loop.
///
/// While it is not borrowed by [`InGuest`], the vCPU is outside.
#[derive(Debug)]
pub struct Owner<'w> {
    pub(super) words: &'w VcpuWords,
    /// The word as this owner last stored it, so that no load is needed.
    outside: ModeWord,
}

impl<'w> Owner<'w> {
    pub(super) const fn of(words: &'w VcpuWords) -> Self {
        Self {
            words,
            outside: ModeWord::INITIAL,
        }
    }

    /// The words this owner moves, for those who kick it.
    #[inline]
    pub const fn words(&self) -> &'w VcpuWords {
        self.words
    }

    /// The last check before VMRUN, covering requests, posted interrupts and
    /// the mode (KICK-02). Pairs P1 and P2, side B.
    ///
    /// `posted` is asked after the announcement and the fence: does the vIRR
    /// hold something the entry plan does not cover? A bit set later than that
    /// finds IN_GUEST and comes with an interrupt.
    #[inline]
    pub fn enter(&mut self, posted: impl FnOnce() -> bool) -> Result<InGuest<'_, 'w>, Pending> {
        let early = planted(Mutant::EnterChecksEarly).then(|| self.wanted());
        // P1, P2: announced with a swap because it is the cheapest store that
        // also drains the store buffer. AcqRel keeps it a swap.
        self.words
            .mode
            .0
            .swap(self.outside.in_guest().0, Ordering::AcqRel);
        if !planted(Mutant::EnterUnfenced) {
            fence_after_rmw(); // P1: other half in kick/request.rs `raise`; P2: in kick/wake.rs `kick_posted`
        }
        let posted = posted();
        let requests = early.unwrap_or_else(|| self.wanted());
        // P1: a kicker's EXITING missed here is the interrupt it has sent.
        let mode = ModeWord(self.words.mode.0.load(Ordering::Relaxed));
        if requests == 0 && !posted && mode.0 == self.outside.in_guest().0 {
            return Ok(InGuest { owner: self });
        }
        self.store_outside();
        Err(Pending {
            requests: Requests::from_bits_retain(requests),
            posted,
            kicked: mode.mode() == Mode::Exiting,
        })
    }

    #[inline]
    fn wanted(&self) -> u64 {
        // P1: a stale zero is impossible unless the raiser sees IN_GUEST and
        // interrupts; a bit raised later costs a round of the loop.
        self.words.requests.0.load(Ordering::Relaxed)
    }

    #[inline]
    fn store_outside(&mut self) {
        self.outside = self.outside.outside_again();
        // P6 and waiters: release, so that whoever sees this vCPU outside sees
        // all it did before. Overwrites EXITING, which only the owner may leave.
        self.words.mode.0.store(self.outside.0, Ordering::Release);
    }
}

/// The vCPU is in the inner loop: VMRUN may follow. Dropping it is leaving.
#[must_use = "dropping this leaves the guest again"]
#[derive(Debug)]
pub struct InGuest<'o, 'w> {
    owner: &'o mut Owner<'w>,
}

impl InGuest<'_, '_> {
    /// Whether VMRUN may be repeated without going outside: nobody has asked
    /// for anything. Interrupts must still be held since before this check.
    #[inline]
    pub fn may_stay(&self, posted: impl FnOnce() -> bool) -> bool {
        // P1, P2: IN_GUEST was announced before the last VMRUN, which is a full
        // fence, so what is missed here comes with an interrupt.
        let words = self.owner.words;
        !posted()
            && words.requests.0.load(Ordering::Relaxed) == 0 // P1
            && words.mode.0.load(Ordering::Relaxed) == self.owner.outside.in_guest().0 // P1
    }

    /// A kick of oneself from the inner loop: no interrupt, but no further VMRUN.
    #[inline]
    pub fn kick_self(&self) {
        let exiting = self.owner.outside.exiting();
        // P1: the owner's own store; a racing kicker can only write the same value.
        self.owner.words.mode.0.store(exiting.0, Ordering::Relaxed);
    }

    /// Raises a request on oneself from the inner loop; [`Self::may_stay`] and
    /// the next entry see it.
    #[inline]
    pub fn raise_self(&self, what: Requests) {
        // P1: both halves are this core, program order is enough.
        self.owner
            .words
            .requests
            .0
            .fetch_or(what.bits(), Ordering::Relaxed);
    }

    /// Back in our code: the mode is OUTSIDE and the epoch has advanced.
    /// Interrupts are released after this, not before.
    #[inline]
    pub fn leave(self) {}
}

impl Drop for InGuest<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        self.owner.store_outside();
    }
}

impl VcpuWords {
    /// The mode as it was a moment ago. Only `Outside` may be relied on, and
    /// only by whoever has fenced before (P1): see the parent module.
    #[inline]
    pub fn mode(&self) -> Mode {
        // P1: stale IN_GUEST costs a spurious interrupt; stale OUTSIDE is
        // excluded by the caller's fence, or its request is seen at entry.
        ModeWord(self.mode.0.load(Ordering::Acquire)).mode()
    }
}

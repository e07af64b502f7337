//! The blocked word: when a vCPU may sleep, and who has to wake it.
//!
//! Writers: the owner sets and clears it; a waker clears it by exchange, so one
//! of many wakers sends one wake. Waking has precedence over interrupting: a
//! blocked vCPU is outside, and there is nothing to interrupt.
//!
//! The kick decision for a request-less kick is here too, because it is "wake,
//! else interrupt". What it returns is a physical IPI in either case; the two
//! are told apart because they are counted apart.
//!
//! Also called: halt, `kvm_vcpu_block`, `kvm_vcpu_wake_up`.

use super::mode::{Mode, ModeWord, Owner};
use super::request::Requests;
use super::words::VcpuWords;
use crate::mutant::{Mutant, planted};
use crate::sync::{Ordering, fence, fence_after_rmw};

const AWAKE: u32 = 0;
const BLOCKED: u32 = 1;

/// What a kick asks the caller to do to the target's core.
#[must_use = "the target may sleep or run on until its core is interrupted"]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kick {
    /// Nothing: the target will look before it enters, or somebody else's
    /// interrupt is on its way.
    None,
    /// Send the wake IPI: the target sleeps or is about to.
    WakeCore,
    /// Send the kick IPI: the target is in the inner loop.
    Interrupt,
}

// R000-05: a kick is a decision and carries no payload.
const _: () = assert!(size_of::<Kick>() == 1);

impl VcpuWords {
    /// A kick after a plain store that the target must notice (pairs P2 and P4,
    /// side A). Without a request: the target finds the state by looking.
    #[inline]
    pub fn kick(&self) -> Kick {
        if !planted(Mutant::KickUnfenced) {
            fence(Ordering::SeqCst); // P2: other half in kick/mode.rs `enter`; P4: in `begin_block`
        }
        self.decide()
    }

    /// The same kick where the caller's last access was the locked
    /// read-modify-write that posted a vIRR bit.
    #[inline]
    pub fn kick_posted(&self) -> Kick {
        if !planted(Mutant::KickUnfenced) {
            fence_after_rmw(); // P2: other half in kick/mode.rs `enter`; P4: in `begin_block`
        }
        self.decide()
    }

    #[inline]
    fn decide(&self) -> Kick {
        if self.wake() {
            Kick::WakeCore
        } else {
            self.interrupt_if_in_guest()
        }
    }

    /// True for the one waker that ends a block.
    #[inline]
    pub(super) fn wake(&self) -> bool {
        // P4: the caller has fenced. A stale BLOCKED loses the exchange; a
        // stale AWAKE is excluded, or the blocker sees what was published.
        if self.blocked.0.load(Ordering::Relaxed) != BLOCKED {
            return false;
        }
        if planted(Mutant::WakeStored) {
            self.blocked.0.store(AWAKE, Ordering::Relaxed); // P4
            return true;
        }
        self.blocked
            .0
            .compare_exchange(BLOCKED, AWAKE, Ordering::AcqRel, Ordering::Relaxed) // P4
            .is_ok()
    }

    /// IN_GUEST to EXITING; the winner interrupts, the others rely on it.
    #[inline]
    pub(super) fn interrupt_if_in_guest(&self) -> Kick {
        // P1, P2: the caller has fenced. A stale IN_GUEST loses the exchange;
        // a stale OUTSIDE is excluded, or the owner sees what was published.
        let seen = ModeWord(self.mode.0.load(Ordering::Acquire));
        if seen.mode() != Mode::InGuest {
            return Kick::None;
        }
        if planted(Mutant::ExitingStored) {
            self.mode.0.store(seen.exiting().0, Ordering::Relaxed); // P1
            return Kick::Interrupt;
        }
        // P1: the epoch is part of the comparison, so an exchange that wins
        // belongs to the entry that was seen. Losing means that the owner left
        // or that another kicker won; either way the target looks.
        match self.mode.0.compare_exchange(
            seen.0,
            seen.exiting().0,
            Ordering::AcqRel,  // P1
            Ordering::Relaxed, // P1
        ) {
            Ok(_) => Kick::Interrupt,
            Err(_) => Kick::None,
        }
    }
}

/// The vCPU is about to sleep and says so. Dropping it is being awake.
#[must_use = "dropping this ends the block"]
#[derive(Debug)]
pub struct Blocking<'o, 'w> {
    owner: &'o Owner<'w>,
}

impl<'w> Owner<'w> {
    /// Announces that this vCPU may sleep. Pair P4, side B. Everything that may
    /// make it runnable is looked at after this, by the caller and by
    /// [`Blocking::may_sleep`], with interrupts off until `sti; hlt`.
    #[inline]
    pub fn begin_block(&mut self) -> Blocking<'_, 'w> {
        // P4: a swap for the same reason as in `enter`.
        self.words.blocked.0.swap(BLOCKED, Ordering::AcqRel);
        if !planted(Mutant::BlockUnfenced) {
            fence_after_rmw(); // P4: other half in kick/request.rs `raise` and in `kick`, `kick_posted`
        }
        Blocking { owner: self }
    }
}

impl Blocking<'_, '_> {
    /// Whether the core may halt as far as kicks go. The caller adds its own
    /// reasons to run (posted interrupts, rings), read after `begin_block`.
    /// False once somebody has woken us: look again, then begin a new block.
    #[inline]
    pub fn may_sleep(&self) -> bool {
        let words = self.owner.words;
        // P4: a wake missed here is an IPI that ends the halt at once.
        words.requests.0.load(Ordering::Relaxed) & Requests::WAKING.bits() == 0
            && words.blocked.0.load(Ordering::Relaxed) == BLOCKED // P4
    }

    /// Awake again. A wake IPI may still be on its way; it is spurious then.
    #[inline]
    pub fn end(self) {}
}

impl Drop for Blocking<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        // P4: a waker that still sees BLOCKED sends one IPI too many.
        self.owner.words.blocked.0.store(AWAKE, Ordering::Relaxed);
    }
}

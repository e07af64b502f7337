//! Planted defects: what a model must be able to see.
//!
//! A model that passes proves nothing unless it fails when the protocol is
//! broken. So every fence, and every step that a model exists for, can be taken
//! out by name, in a model build only: there a test plants one defect at a time
//! in its own thread and demands that the model fails. On the machine
//! [`planted`] is the constant `false` and leaves no instruction.
//!
//! One build serves all defects, where a `cfg` each would rebuild for each.
//! Also called: mutation testing, fault seeding, vacuous proof.

/// The defects. `tests/loom/mutants.rs` says which model kills each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Mutant {
    /// P1, P4: no fence between raising a request and reading mode and blocked.
    RaiseUnfenced,
    /// P1, P2: no fence between announcing IN_GUEST and the last check.
    EnterUnfenced,
    /// P1: no fence between raising a request and the first look of a wait.
    WaitUnfenced,
    /// P2, P4: no fence between publishing and the kick decision.
    KickUnfenced,
    /// P4: no fence between announcing BLOCKED and the last look.
    BlockUnfenced,
    /// KICK-04: no fence between clearing a request and reading its state.
    TakeUnfenced,
    /// KICK-02: the requests are checked before the mode is announced.
    EnterChecksEarly,
    /// KICK-03, R001-04: EXITING is stored, not exchanged.
    ExitingStored,
    /// R001-14: BLOCKED is cleared by every waker that saw it.
    WakeStored,
    /// R001-07: a wait looks at the mode alone.
    WaitIgnoresEpoch,
    /// P11: no fence between publishing the tail and reading the head.
    PushUnfenced,
    /// P11: no fence between the last pop and the last look.
    PopUnfenced,
    /// R000-17: "was empty" is decided before the push.
    EdgeBeforePush,
    /// A pushed value is announced before it is written, as far as others see.
    PublishRelaxed,
    /// In the model: the interrupt is taken between the mode store and VMRUN.
    WindowBeforeVmrun,
    /// AVIC-12: TMR is settled after the request it belongs to.
    TriggerAfterRequest,
    /// R002-16: acceptance writes back a copy of the IRR word.
    AcceptCopiesBack,
    /// In the model: the covered state is read before its request is cleared.
    StateReadEarly,
}

impl Mutant {
    /// Every defect.
    pub const ALL: [Self; 18] = [
        Self::RaiseUnfenced,
        Self::EnterUnfenced,
        Self::WaitUnfenced,
        Self::KickUnfenced,
        Self::BlockUnfenced,
        Self::TakeUnfenced,
        Self::EnterChecksEarly,
        Self::ExitingStored,
        Self::WakeStored,
        Self::WaitIgnoresEpoch,
        Self::PushUnfenced,
        Self::PopUnfenced,
        Self::EdgeBeforePush,
        Self::PublishRelaxed,
        Self::WindowBeforeVmrun,
        Self::TriggerAfterRequest,
        Self::AcceptCopiesBack,
        Self::StateReadEarly,
    ];
}

/// Whether this defect is planted: never, outside a model.
#[cfg(not(any(loom, shuttle)))]
#[inline(always)]
pub const fn planted(_: Mutant) -> bool {
    false
}

#[cfg(any(loom, shuttle))]
pub use in_model::{plant, planted};

#[cfg(any(loom, shuttle))]
mod in_model {
    use super::Mutant;
    use std::cell::Cell;

    std::thread_local! {
        // Both checkers run all threads of a model on the thread of its test.
        static PLANTED: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Plants one defect, or none, for the models that this thread runs.
    pub fn plant(defect: Option<Mutant>) {
        PLANTED.set(defect);
    }

    /// Whether this defect is planted.
    pub fn planted(defect: Mutant) -> bool {
        PLANTED.get() == Some(defect)
    }
}

//! Non-maskable interrupts of one vCPU: pending, in service, open again.
//!
//! ```text
//!            deliver                 IRET about to run        first exit elsewhere
//!   Open ---------------> InService ------------------> Leaving ----------------> Open
//! ```
//!
//! Without virtual NMI hardware the end of the handler is seen by the IRET
//! intercept, which fires *before* IRET executes; so the window opens only when a
//! later exit finds RIP elsewhere. While an NMI waits for that, the caller arms a
//! short timer, which makes such an exit happen.
//! 24593 section 15.21.9 and 8.2.3.

/// The window for NMIs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Window {
    Open,
    InService,
    Leaving { iret: u64 },
}

/// NMI state of one vCPU, its owner's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nmi {
    window: Window,
    pending: bool,
}

/// What the entry plan does about NMIs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NmiPlan {
    /// Nothing is pending.
    Idle,
    /// Inject it now; intercept IRET from here on.
    Inject,
    /// It waits for the handler's IRET, which is intercepted.
    AwaitIret,
    /// It waits for an exit soon: arm the recheck timer.
    Recheck,
}

impl Nmi {
    /// After INIT or reset: nothing pending, window open.
    pub const fn new() -> Self {
        Self {
            window: Window::Open,
            pending: false,
        }
    }

    /// An NMI arrives. A second one while one is pending is the same one, as on
    /// hardware.
    pub fn arrive(&mut self) {
        self.pending = true;
    }

    /// One is pending and may be taken: it makes a halted vCPU run.
    pub fn wakes(&self) -> bool {
        self.pending && self.window == Window::Open
    }

    /// One is pending.
    pub fn pending(&self) -> bool {
        self.pending
    }

    /// At every exit: an IRET that has run opens the window.
    #[inline]
    pub fn exited(&mut self, rip: u64) {
        if let Window::Leaving { iret } = self.window
            && iret != rip
        {
            self.window = Window::Open;
        }
    }

    /// The IRET intercept fired at `rip`.
    pub fn iret(&mut self, rip: u64) {
        if self.window == Window::InService {
            self.window = Window::Leaving { iret: rip };
        }
    }

    /// An NMI's delivery was interrupted and it is given back: still in service.
    pub fn given_back(&mut self) {
        self.window = Window::InService;
    }

    /// Decides before entry. `room` when EVENTINJ is free, `shadow` when the
    /// guest is in an interrupt shadow.
    #[inline]
    pub fn plan(&mut self, room: bool, shadow: bool) -> NmiPlan {
        if !self.pending {
            return NmiPlan::Idle;
        }
        match self.window {
            Window::InService => NmiPlan::AwaitIret,
            Window::Leaving { .. } => NmiPlan::Recheck,
            Window::Open if !room || shadow => NmiPlan::Recheck,
            Window::Open => {
                self.pending = false;
                self.window = Window::InService;
                NmiPlan::Inject
            }
        }
    }

    /// IRET must exit: a handler runs.
    pub fn watch_iret(&self) -> bool {
        self.window == Window::InService
    }
}

impl Default for Nmi {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_nmi_waits_until_the_handlers_iret_has_run() {
        let mut nmi = Nmi::new();
        nmi.arrive();
        assert_eq!(nmi.plan(true, false), NmiPlan::Inject);
        nmi.arrive();
        assert_eq!(nmi.plan(true, false), NmiPlan::AwaitIret);
        nmi.iret(0x1000);
        nmi.exited(0x1000);
        assert_eq!(nmi.plan(true, false), NmiPlan::Recheck);
        nmi.exited(0x2000);
        assert_eq!(nmi.plan(true, false), NmiPlan::Inject);
    }

    #[test]
    fn an_nmi_waits_out_the_shadow_and_an_occupied_injection() {
        let mut nmi = Nmi::new();
        nmi.arrive();
        assert_eq!(nmi.plan(false, false), NmiPlan::Recheck);
        assert_eq!(nmi.plan(true, true), NmiPlan::Recheck);
        assert_eq!(nmi.plan(true, false), NmiPlan::Inject);
        assert_eq!(nmi.plan(true, false), NmiPlan::Idle);
    }

    #[test]
    fn an_iret_outside_a_handler_changes_nothing() {
        let mut nmi = Nmi::new();
        nmi.iret(0x1000);
        nmi.arrive();
        assert!(nmi.wakes());
    }
}

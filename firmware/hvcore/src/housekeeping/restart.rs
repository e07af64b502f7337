//! The life of a partition: who may start, stop and restart it, and when.
//!
//! ```text
//!            start                loaded
//!  Stopped ---------> Loading ------------> Running
//!     ^                  ^ | load failed       | crash, reboot, power-off,
//!     |                  | v                   v stop, restart
//!     |  parked, stop    | Dead <---------- Stopping
//!     +------------------|---- parked, die ----+
//!                        +---- parked, restart-+
//! ```
//!
//! Every way out of Running parks all vCPUs first, because loading overwrites
//! the memory they run in. What happens when they are parked is decided when the
//! stop begins; only an operator changes it afterwards.
//! Also called: restart policy, on_crash, lifecycle, watchdog restart.

use abi::epitaph::Reason;
use abi::plan::{Partition, policy};

use super::life::{Life, Next, Notice, Refusal, Rest};

/// What the plan says about ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Start again after a crash.
    pub on_crash: bool,
    /// Start again when the guest asks for a reset.
    pub on_reboot: bool,
    /// Start again when the guest asks for power-off.
    pub on_poweroff: bool,
    /// Crashes after which the partition is started again; 0 is no limit.
    pub crash_limit: u32,
}

impl Policy {
    /// From a checked plan.
    pub const fn of(partition: &Partition) -> Self {
        Self {
            on_crash: partition.on_crash == policy::RESTART,
            on_reboot: partition.on_reboot == policy::RESTART,
            on_poweroff: partition.on_poweroff == policy::RESTART,
            crash_limit: partition.restart_limit,
        }
    }
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The operator, or the boot, wants it to run.
    Start,
    /// The operator wants it stopped.
    Stop,
    /// The operator wants it stopped and started.
    Restart,
    /// The images are in place.
    Loaded,
    /// An image could not be loaded.
    LoadFailed,
    /// A vCPU cannot go on.
    Crash(Reason),
    /// The guest asks for a reset.
    GuestReboot,
    /// The guest asks for power-off.
    GuestPoweroff,
    /// No vCPU runs guest code any more.
    AllParked,
}

/// What the housekeeping core has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Copy the images, then report [`Event::Loaded`] or [`Event::LoadFailed`].
    Load,
    /// Give up copying before the next event is reported.
    AbandonLoad,
    /// Reset the vCPUs and let them run.
    Run,
    /// Ask every vCPU to park, then report [`Event::AllParked`].
    Park,
    /// Tell the operator why not.
    Refuse(Refusal),
}

/// An action and what to say about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// To be done now.
    pub action: Action,
    /// To be said now.
    pub notice: Option<Notice>,
}

const fn quiet(action: Action) -> Step {
    Step {
        action,
        notice: None,
    }
}

const fn said(action: Action, notice: Notice) -> Step {
    Step {
        action,
        notice: Some(notice),
    }
}

/// One partition's life with its policy and counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Supervisor {
    life: Life,
    policy: Policy,
    /// Crash restarts since the operator last started it.
    crash_restarts: u32,
    /// Starts behind the first, whatever the cause.
    restarts: u32,
    started_once: bool,
}

impl Supervisor {
    /// A partition that was not started yet.
    pub const fn new(policy: Policy) -> Self {
        Self {
            life: Life::Stopped(Rest::NotStarted),
            policy,
            crash_restarts: 0,
            restarts: 0,
            started_once: false,
        }
    }

    /// Where it is.
    pub const fn life(&self) -> Life {
        self.life
    }

    /// Starts behind the first.
    pub const fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Takes an event. Events that are late, such as the crash of a second vCPU
    /// while the first one's is dealt with, change nothing.
    pub fn on(&mut self, event: Event) -> Step {
        match event {
            Event::Start => self.start(),
            Event::Stop => self.stop(),
            Event::Restart => self.restart(),
            Event::Loaded => self.loaded(),
            Event::LoadFailed => self.load_failed(),
            Event::Crash(reason) => self.crash(reason),
            Event::GuestReboot => self.guest_ends(self.policy.on_reboot, Rest::Reboot),
            Event::GuestPoweroff => self.guest_ends(self.policy.on_poweroff, Rest::PowerOff),
            Event::AllParked => self.all_parked(),
        }
    }

    fn start(&mut self) -> Step {
        match self.life {
            Life::Stopped(_) | Life::Dead(_) => self.operator_load(),
            Life::Stopping(Next::Rest(_) | Next::Die(_)) => {
                self.crash_restarts = 0;
                self.life = Life::Stopping(Next::Load);
                quiet(Action::Nothing)
            }
            Life::Loading | Life::Running | Life::Stopping(Next::Load) => {
                quiet(Action::Refuse(Refusal::AlreadyStarted))
            }
        }
    }

    fn stop(&mut self) -> Step {
        match self.life {
            Life::Running => {
                self.life = Life::Stopping(Next::Rest(Rest::Operator));
                quiet(Action::Park)
            }
            Life::Stopping(Next::Rest(_) | Next::Load) => {
                self.life = Life::Stopping(Next::Rest(Rest::Operator));
                quiet(Action::Nothing)
            }
            // It ends up not running as it is, and its reason is worth keeping.
            Life::Stopping(Next::Die(_)) => quiet(Action::Nothing),
            Life::Loading => {
                self.life = Life::Stopped(Rest::Operator);
                said(Action::AbandonLoad, Notice::Rested(Rest::Operator))
            }
            Life::Stopped(_) | Life::Dead(_) => quiet(Action::Refuse(Refusal::NotRunning)),
        }
    }

    fn restart(&mut self) -> Step {
        match self.life {
            Life::Running => {
                self.crash_restarts = 0;
                self.life = Life::Stopping(Next::Load);
                quiet(Action::Park)
            }
            Life::Stopping(_) => {
                self.crash_restarts = 0;
                self.life = Life::Stopping(Next::Load);
                quiet(Action::Nothing)
            }
            // It is being loaded afresh at this moment: that is a restart.
            Life::Loading => quiet(Action::Nothing),
            Life::Stopped(_) | Life::Dead(_) => self.operator_load(),
        }
    }

    fn loaded(&mut self) -> Step {
        match self.life {
            Life::Loading => {
                if self.started_once {
                    self.restarts = self.restarts.saturating_add(1);
                }
                self.started_once = true;
                self.life = Life::Running;
                said(Action::Run, Notice::Started)
            }
            Life::Stopped(_) | Life::Running | Life::Stopping(_) | Life::Dead(_) => {
                quiet(Action::Nothing)
            }
        }
    }

    fn load_failed(&mut self) -> Step {
        match self.life {
            Life::Loading => {
                self.life = Life::Dead(Reason::IMAGE);
                said(Action::Nothing, Notice::Died(Reason::IMAGE))
            }
            Life::Stopped(_) | Life::Running | Life::Stopping(_) | Life::Dead(_) => {
                quiet(Action::Nothing)
            }
        }
    }

    fn crash(&mut self, reason: Reason) -> Step {
        match self.life {
            Life::Running => self.crash_of_running(reason),
            Life::Stopped(_) | Life::Loading | Life::Stopping(_) | Life::Dead(_) => {
                quiet(Action::Nothing)
            }
        }
    }

    fn crash_of_running(&mut self, reason: Reason) -> Step {
        let limit = self.policy.crash_limit;
        if !self.policy.on_crash {
            self.life = Life::Stopping(Next::Die(reason));
            return said(Action::Park, Notice::Died(reason));
        }
        if limit != 0 && self.crash_restarts >= limit {
            self.life = Life::Stopping(Next::Die(reason));
            return said(Action::Park, Notice::LimitReached(reason, limit));
        }
        self.crash_restarts = self.crash_restarts.saturating_add(1);
        self.life = Life::Stopping(Next::Load);
        said(
            Action::Park,
            Notice::CrashRestart(reason, self.crash_restarts, limit),
        )
    }

    fn guest_ends(&mut self, restart: bool, rest: Rest) -> Step {
        match (self.life, restart) {
            (Life::Running, true) => {
                self.life = Life::Stopping(Next::Load);
                said(Action::Park, Notice::GuestRestart)
            }
            (Life::Running, false) => {
                self.life = Life::Stopping(Next::Rest(rest));
                quiet(Action::Park)
            }
            (Life::Stopped(_) | Life::Loading | Life::Stopping(_) | Life::Dead(_), _) => {
                quiet(Action::Nothing)
            }
        }
    }

    fn all_parked(&mut self) -> Step {
        match self.life {
            Life::Stopping(Next::Rest(rest)) => {
                self.life = Life::Stopped(rest);
                said(Action::Nothing, Notice::Rested(rest))
            }
            Life::Stopping(Next::Load) => {
                self.life = Life::Loading;
                quiet(Action::Load)
            }
            Life::Stopping(Next::Die(reason)) => {
                self.life = Life::Dead(reason);
                quiet(Action::Nothing)
            }
            Life::Stopped(_) | Life::Loading | Life::Running | Life::Dead(_) => {
                quiet(Action::Nothing)
            }
        }
    }

    /// A load the operator asked for: crashes are counted anew.
    fn operator_load(&mut self) -> Step {
        self.crash_restarts = 0;
        self.life = Life::Loading;
        quiet(Action::Load)
    }
}

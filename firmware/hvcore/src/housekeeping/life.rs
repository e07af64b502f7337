//! The states of a partition and what is said about them, in words.
//!
//! Owns the words; how one state follows another is in `restart`.
//! Also called: domain state, cell state, lifecycle.

use core::fmt::{self, Display, Formatter};

use abi::epitaph::Reason;

use super::epitaph_text::reason_text;

/// Why a partition does not run although nothing went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// It was not started yet.
    NotStarted,
    /// The operator stopped it.
    Operator,
    /// The guest switched itself off.
    PowerOff,
    /// The guest asked for a reset and the plan says to stop then.
    Reboot,
}

/// What follows when all vCPUs are parked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Rest.
    Rest(Rest),
    /// Load again.
    Load,
    /// Stay dead.
    Die(Reason),
}

/// Where a partition is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// Not running, nothing wrong.
    Stopped(Rest),
    /// Its images are being copied; no vCPU runs.
    Loading,
    /// Its vCPUs run.
    Running,
    /// Its vCPUs are being parked.
    Stopping(Next),
    /// It crashed and is not started again.
    Dead(Reason),
}

impl Life {
    /// The state in a word, for tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stopped(_) => "stopped",
            Self::Loading => "loading",
            Self::Running => "running",
            Self::Stopping(_) => "stopping",
            Self::Dead(_) => "dead",
        }
    }

    /// Why, where there is something to say.
    pub const fn why(self) -> &'static str {
        match self {
            Self::Stopped(Rest::NotStarted) => "not started yet",
            Self::Stopped(Rest::Operator) => "stopped from the console",
            Self::Stopped(Rest::PowerOff) => "the guest switched itself off",
            Self::Stopped(Rest::Reboot) => {
                "the guest asked for a reset, which the plan answers with stop"
            }
            Self::Loading | Self::Running | Self::Stopping(_) => "",
            Self::Dead(reason) => reason_text(reason),
        }
    }
}

/// Why an operator's wish is not carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It runs, or is about to.
    AlreadyStarted,
    /// It does not run.
    NotRunning,
}

impl Refusal {
    /// The refusal in one sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::AlreadyStarted => "it is running already: restart starts it anew",
            Self::NotRunning => "it is not running: start starts it",
        }
    }
}

/// What the operator is told; prints behind "partition NAME ".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// It crashed and is started again: the how-manieth time, and the limit.
    CrashRestart(Reason, u32, u32),
    /// It crashed and stays dead.
    Died(Reason),
    /// It crashed once more than the plan allows.
    LimitReached(Reason, u32),
    /// The guest asked for it, and it is started again.
    GuestRestart,
    /// It came to rest.
    Rested(Rest),
    /// It runs.
    Started,
}

impl Display for Notice {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CrashRestart(reason, time, 0) => {
                write!(
                    f,
                    "crashed: {}; restart {time}, there is no limit",
                    reason_text(reason)
                )
            }
            Self::CrashRestart(reason, time, limit) => {
                write!(
                    f,
                    "crashed: {}; restart {time} of {limit}",
                    reason_text(reason)
                )
            }
            Self::Died(reason) => write!(f, "died: {}", reason_text(reason)),
            Self::LimitReached(reason, limit) => {
                write!(
                    f,
                    "died: {}; the plan's restart limit of {limit} is used up",
                    reason_text(reason)
                )
            }
            Self::GuestRestart => f.write_str("restarts as its guest asked"),
            Self::Rested(rest) => write!(f, "rests: {}", Life::Stopped(rest).why()),
            Self::Started => f.write_str("runs"),
        }
    }
}

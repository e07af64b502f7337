//! APIC timer: one-shot, periodic and TSC-deadline, as arithmetic on given time.
//!
//! Owns when the next interrupt of this source is due, and the account of all
//! that were: due = delivered + merged + dropped, always. Any time that passes
//! between two calls costs the same work (H-37). Times are guest TSC values.
//! The count registers run on [`super::bus_clock`].
//! Manual: 24593 section 16.4.1.
//! Also called: LVTT, TMICT, TMCCT, MSR 0x6E0.

use svm::apic::{Lvt, Register, TimerMode};

use super::arrival::{Arrival, arrive};
use super::bus_clock::BusClock;
use super::page::RegisterPage;
use crate::ids::{Tsc, Vector};

/// A periodic timer asks for attention at most this often; ticks between are
/// merged and counted. Else a period of nanoseconds would leave the guest no
/// instruction between two exits. One bus tick is one nanosecond.
pub const ATTENTION_NS: u64 = 20_000;

/// What the timer waits for. Values are guest TSC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Armed {
    Idle,
    OneShot { at: u64 },
    Periodic { at: u64, period: u64 },
    Deadline { at: u64 },
}

/// Account of one timer since creation: `due = delivered + merged + dropped`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// Times the timer reached its moment.
    pub due: u64,
    /// Of these, newly requested interrupts.
    pub delivered: u64,
    /// Of these, met a request not yet taken, or shared one request.
    pub merged: u64,
    /// Of these, met a masked entry, a disabled APIC or an illegal vector.
    pub dropped: u64,
}

/// What one call of [`Timer::expire`] did, in the words of [`Account`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Expired {
    /// A request is new in IRR: look at `priority::deliverable` again.
    pub newly_pending: bool,
    /// Moments reached.
    pub due: u64,
    /// Requests merged.
    pub merged: u64,
    /// Requests dropped.
    pub dropped: u64,
}

/// One vCPU's timer; only its owner touches it.
#[derive(Clone, Debug)]
pub struct Timer {
    clock: BusClock,
    attention: u64,
    mode: TimerMode,
    /// log2 of the divider, 0 to 7.
    shift: u32,
    initial: u32,
    armed: Armed,
    not_before: u64,
    account: Account,
}

impl Timer {
    /// A timer in power-up state for a TSC of `tsc_hz`.
    #[must_use]
    pub const fn new(tsc_hz: u64) -> Self {
        let clock = BusClock::new(tsc_hz);
        Self {
            clock,
            attention: clock.cycles(ATTENTION_NS),
            mode: TimerMode::OneShot,
            shift: 1,
            initial: 0,
            armed: Armed::Idle,
            not_before: 0,
            account: Account {
                due: 0,
                delivered: 0,
                merged: 0,
                dropped: 0,
            },
        }
    }

    /// Power-up or INIT state. The account goes on.
    pub const fn reset(&mut self) {
        self.mode = TimerMode::OneShot;
        self.shift = 1;
        self.disarm();
    }

    /// What happened so far.
    #[must_use]
    pub const fn account(&self) -> Account {
        self.account
    }

    /// When [`Self::expire`] must be called at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Tsc> {
        match self.armed {
            Armed::Idle => None,
            Armed::OneShot { at } | Armed::Deadline { at } => Some(Tsc(at)),
            Armed::Periodic { at, .. } => Some(Tsc(at.max(self.not_before))),
        }
    }

    /// A write to MSR 0x6E0: arms for TSC value `value`, 0 disarms. Ignored
    /// outside TSC-deadline mode. A deadline already reached fires first.
    pub fn set_tsc_deadline(&mut self, page: &RegisterPage, value: u64, now: Tsc) {
        if self.mode != TimerMode::TscDeadline {
            return;
        }
        self.expire(page, now);
        self.armed = match value {
            0 => Armed::Idle,
            at => Armed::Deadline { at },
        };
    }

    /// MSR 0x6E0 as read: 0 when fired, disarmed or in another mode.
    #[must_use]
    pub const fn tsc_deadline(&self) -> u64 {
        match self.armed {
            Armed::Deadline { at } => at,
            Armed::Idle | Armed::OneShot { .. } | Armed::Periodic { .. } => 0,
        }
    }

    /// Requests the timer interrupt if its moment has come. Cheap if not.
    pub fn expire(&mut self, page: &RegisterPage, now: Tsc) -> Expired {
        let due = self.take_due(now.0);
        if due == 0 {
            return Expired::default();
        }
        let entry = Lvt(page.load(Register::LVT_TIMER));
        let mut expired = Expired {
            due,
            ..Expired::default()
        };
        if entry.is_masked() {
            expired.dropped = due;
        } else {
            match arrive(page, Vector(entry.vector()), false) {
                Arrival::Requested => {
                    expired.newly_pending = true;
                    expired.merged = due - 1;
                }
                Arrival::Merged => expired.merged = due,
                Arrival::Disabled | Arrival::Illegal => expired.dropped = due,
            }
        }
        self.book(expired);
        expired
    }

    fn book(&mut self, expired: Expired) {
        let account = &mut self.account;
        account.due = account.due.wrapping_add(expired.due);
        account.merged = account.merged.wrapping_add(expired.merged);
        account.dropped = account.dropped.wrapping_add(expired.dropped);
        account.delivered = account.delivered.wrapping_add(expired.newly_pending.into());
    }

    /// Moments reached up to `now`; the timer is already past them. One-shot and
    /// deadline disarm before anything else can happen.
    fn take_due(&mut self, now: u64) -> u64 {
        match self.armed {
            Armed::OneShot { at } | Armed::Deadline { at } if at <= now => {
                self.armed = Armed::Idle;
                1
            }
            Armed::Periodic { at, period } if at <= now => {
                let late = now - at;
                // No division unless whole periods were missed.
                let ticks = if late < period {
                    1
                } else {
                    (late / period).saturating_add(1)
                };
                let at = at.saturating_add(ticks.saturating_mul(period));
                self.armed = Armed::Periodic { at, period };
                self.not_before = now.saturating_add(self.attention);
                ticks
            }
            Armed::Idle
            | Armed::OneShot { .. }
            | Armed::Deadline { .. }
            | Armed::Periodic { .. } => 0,
        }
    }

    /// The guest moved its TSC by `delta` (wrapping): countdowns keep their
    /// length, a TSC deadline keeps its value.
    pub const fn tsc_moved(&mut self, delta: u64) {
        match &mut self.armed {
            Armed::OneShot { at } | Armed::Periodic { at, .. } => *at = at.wrapping_add(delta),
            Armed::Idle | Armed::Deadline { .. } => {}
        }
        self.not_before = 0;
    }

    /// A write to TMICT: starts the countdown, 0 stops it. False, and no effect,
    /// in TSC-deadline mode.
    pub(super) fn set_initial_count(&mut self, count: u32, now: Tsc) -> bool {
        if !matches!(self.mode, TimerMode::OneShot | TimerMode::Periodic) {
            return false;
        }
        self.initial = count;
        self.start(count, now);
        true
    }

    /// TMCCT as read at `now`.
    pub(super) fn current_count(&self, now: Tsc) -> u32 {
        let cycles = match self.armed {
            Armed::Idle | Armed::Deadline { .. } => return 0,
            Armed::OneShot { at } => at.saturating_sub(now.0),
            Armed::Periodic { at, .. } if now.0 < at => at - now.0,
            Armed::Periodic { at, period } => period - (now.0 - at) % period,
        };
        let divided = self.clock.ticks(cycles).div_ceil(1 << self.shift);
        divided.min(self.initial.into()) as u32
    }

    /// A write to TDCR: what remains of a countdown goes on at the new rate.
    pub(super) fn set_divider(&mut self, tdcr: u32, now: Tsc) {
        let remaining = self.current_count(now);
        self.shift = divider_shift(tdcr);
        if matches!(self.armed, Armed::OneShot { .. } | Armed::Periodic { .. }) {
            self.start(remaining.max(1), now);
        }
    }

    /// The mode bits of the timer's LVT entry changed. Between count modes a
    /// countdown goes on; to or from TSC-deadline everything is disarmed, and
    /// true says so (TMICT then reads 0).
    pub(super) fn set_mode(&mut self, mode: TimerMode) -> bool {
        let counts = |mode| matches!(mode, TimerMode::OneShot | TimerMode::Periodic);
        if mode == self.mode {
            return false;
        }
        let goes_on = counts(mode) && counts(self.mode);
        self.mode = mode;
        match self.armed {
            Armed::OneShot { at } if goes_on => {
                let period = self.period(self.initial);
                self.armed = Armed::Periodic { at, period };
            }
            Armed::Periodic { at, .. } if goes_on => self.armed = Armed::OneShot { at },
            _ if goes_on => {}
            _ => self.disarm(),
        }
        !goes_on
    }

    const fn disarm(&mut self) {
        self.armed = Armed::Idle;
        self.initial = 0;
        self.not_before = 0;
    }

    fn start(&mut self, count: u32, now: Tsc) {
        let at = now.0.saturating_add(self.period(count));
        self.armed = match self.mode {
            _ if count == 0 => Armed::Idle,
            TimerMode::Periodic => Armed::Periodic {
                at,
                period: self.period(self.initial),
            },
            TimerMode::OneShot => Armed::OneShot { at },
            TimerMode::TscDeadline | TimerMode::Reserved => Armed::Idle,
        };
    }

    const fn period(&self, count: u32) -> u64 {
        self.clock.cycles((count as u64) << self.shift)
    }
}

/// log2 of the divider that TDCR bits 3, 1 and 0 encode; all ones divide by 1.
const fn divider_shift(tdcr: u32) -> u32 {
    let code = ((tdcr >> 1) & 4) | (tdcr & 3);
    (code + 1) & 7
}

const _: () = assert!(divider_shift(0) == 1 && divider_shift(0b1010) == 7);
const _: () = assert!(divider_shift(0b1011) == 0 && divider_shift(0b0011) == 4);

//! Register accesses of a guest: reads, writes and what follows from them.
//!
//! Owns the register map as a guest sees it. All of it runs on the owning vCPU's
//! core; the page may be posted into meanwhile. `write` does not look at the old
//! content of the word it is about, because with AVIC the hardware has already
//! stored the new one (AVIC-32).
//! Manual: 24593 table 16-2, sections 16.3 to 16.6.
//! Also called: xAPIC MMIO.

use svm::apic::{ErrorStatus, Icr, Lvt, Register, Spurious};

use super::error;
use super::page::{HANDLED_SVR, RegisterPage};
use super::priority;
use super::timer::Timer;
use crate::ids::{Tsc, Vector};

/// What the caller does after a write. Whatever it says, `deliverable` is asked
/// again before the next entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Action {
    /// Nothing.
    None,
    /// TPR or ISR changed: V_TPR follows the page.
    PriorityChanged,
    /// As `PriorityChanged`, and the IOAPIC is told that this vector ended.
    EoiBroadcast(Vector),
    /// Resolve and send.
    SendIpi(Icr),
    /// Ask `Timer::deadline` again and program the host timer.
    TimerChanged,
    /// APIC id written: AVIC's physical table and `ID_MODIFIED` inhibit.
    IdChanged,
    /// LDR or DFR written: AVIC's logical table.
    LogicalIdChanged,
    /// SVR enabled the APIC: what was parked for this vCPU can come (APF-32).
    SoftwareEnabled,
    /// SVR disabled the APIC; all LVT entries are masked now.
    SoftwareDisabled,
    /// No such register, or a vector below 16: logged in ESR, nothing else done.
    Refused,
}

/// Reads the register at byte `offset`. An offset without a register reads 0 and
/// logs an error.
pub fn read(page: &RegisterPage, timer: &Timer, offset: u16, now: Tsc) -> u32 {
    let at = Register(offset);
    match at {
        Register::APR => priority::arbitration_priority(page).into(),
        Register::PPR => priority::processor_priority(page).into(),
        Register::TMCCT => timer.current_count(now),
        Register::EOI | Register::RRR => 0,
        Register::ID
        | Register::VERSION
        | Register::TPR
        | Register::LDR
        | Register::DFR
        | Register::SVR
        | Register::ESR
        | Register::ICR_LOW
        | Register::ICR_HIGH
        | Register::LVT_TIMER
        | Register::LVT_THERMAL
        | Register::LVT_PERFORMANCE
        | Register::LVT_LINT0
        | Register::LVT_LINT1
        | Register::LVT_ERROR
        | Register::TMICT
        | Register::TDCR => page.load(at),
        _ if at.is_in_bank() => page.load(at),
        _ => {
            error::log(page, ErrorStatus::ILLEGAL_REGISTER);
            0
        }
    }
}

/// Writes `value` to the register at byte `offset`. Read-only registers ignore
/// it; an offset without a register logs an error.
pub fn write(page: &RegisterPage, timer: &mut Timer, offset: u16, value: u32, now: Tsc) -> Action {
    let at = Register(offset);
    match at {
        Register::EOI => end_of_interrupt(page),
        Register::ICR_LOW => send(page, value),
        Register::ICR_HIGH => keep(page, at, value & Icr::HIGH_WRITABLE, Action::None),
        Register::TPR => keep(page, at, value & 0xFF, Action::PriorityChanged),
        Register::TMICT => start_timer(page, timer, value, now),
        Register::TDCR => set_divider(page, timer, value, now),
        Register::LVT_TIMER => set_timer_entry(page, timer, value, now),
        Register::LVT_THERMAL
        | Register::LVT_PERFORMANCE
        | Register::LVT_LINT0
        | Register::LVT_LINT1
        | Register::LVT_ERROR => set_entry(page, at, value),
        Register::SVR => set_spurious(page, value),
        Register::ESR => {
            error::latch(page);
            Action::None
        }
        Register::ID => keep(page, at, value & 0xFF00_0000, Action::IdChanged),
        Register::LDR => keep(page, at, value & 0xFF00_0000, Action::LogicalIdChanged),
        Register::DFR => keep(page, at, value | 0x0FFF_FFFF, Action::LogicalIdChanged),
        Register::VERSION | Register::APR | Register::PPR | Register::RRR | Register::TMCCT => {
            Action::None
        }
        _ if at.is_in_bank() => Action::None,
        _ => {
            error::log(page, ErrorStatus::ILLEGAL_REGISTER);
            Action::Refused
        }
    }
}

fn keep(page: &RegisterPage, at: Register, value: u32, then: Action) -> Action {
    page.store(at, value);
    then
}

fn end_of_interrupt(page: &RegisterPage) -> Action {
    match page.end() {
        Some((vector, true)) => Action::EoiBroadcast(vector),
        Some((_, false)) => Action::PriorityChanged,
        None => Action::None,
    }
}

fn send(page: &RegisterPage, low: u32) -> Action {
    let low = low & Icr::LOW_WRITABLE;
    page.store(Register::ICR_LOW, low);
    let icr = Icr::from_halves(page.load(Register::ICR_HIGH), low);
    if icr.illegal_vector() {
        error::log(page, ErrorStatus::SEND_ILLEGAL_VECTOR);
        return Action::Refused;
    }
    Action::SendIpi(icr)
}

fn set_entry(page: &RegisterPage, at: Register, value: u32) -> Action {
    let writable = Lvt::writable(at).unwrap_or(0);
    // While the APIC is disabled no entry can be unmasked.
    let forced = if page.software_enabled() {
        0
    } else {
        Lvt::MASKED
    };
    keep(page, at, value & writable | forced, Action::None)
}

fn set_timer_entry(page: &RegisterPage, timer: &mut Timer, value: u32, now: Tsc) -> Action {
    // What was due before the write goes by the old entry; with AVIC the old
    // entry is gone and the new one has to do.
    timer.expire(page, now);
    let _nothing_more = set_entry(page, Register::LVT_TIMER, value);
    if timer.set_mode(Lvt(value).timer_mode()) {
        page.store(Register::TMICT, 0);
    }
    Action::TimerChanged
}

fn start_timer(page: &RegisterPage, timer: &mut Timer, count: u32, now: Tsc) -> Action {
    timer.expire(page, now);
    let kept = if timer.set_initial_count(count, now) {
        count
    } else {
        0
    };
    keep(page, Register::TMICT, kept, Action::TimerChanged)
}

fn set_divider(page: &RegisterPage, timer: &mut Timer, value: u32, now: Tsc) -> Action {
    timer.expire(page, now);
    timer.set_divider(value, now);
    keep(page, Register::TDCR, value & 0xB, Action::TimerChanged)
}

fn set_spurious(page: &RegisterPage, value: u32) -> Action {
    let enable = Spurious::ENABLE.bits();
    let value = value & (0xFF | enable | Spurious::FOCUS_DISABLE.bits());
    let was_enabled = page.load(HANDLED_SVR) & enable != 0;
    page.store(HANDLED_SVR, value);
    page.store(Register::SVR, value);
    match (was_enabled, value & enable != 0) {
        (false, true) => Action::SoftwareEnabled,
        (true, false) => {
            mask_entries(page);
            Action::SoftwareDisabled
        }
        (false, false) | (true, true) => Action::None,
    }
}

fn mask_entries(page: &RegisterPage) {
    for at in [
        Register::LVT_TIMER,
        Register::LVT_THERMAL,
        Register::LVT_PERFORMANCE,
        Register::LVT_LINT0,
        Register::LVT_LINT1,
        Register::LVT_ERROR,
    ] {
        page.store(at, page.load(at) | Lvt::MASKED);
    }
}

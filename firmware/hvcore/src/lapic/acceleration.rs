//! Acceleration: which register accesses AVIC completes, and which exit to us.
//!
//! Owns the two tables behind the AVIC exits. A *trap* comes after the register
//! was written: hand `registers::write` the value found in the page, RIP has moved.
//! A *fault* comes before: decode the instruction and do it in software.
//! Manual: 24593 sections 15.29.3.1 (registers), 15.29.9 (exits).
//! Also called: AVIC_NOACCEL, AVIC_INCOMPLETE_IPI.

use svm::apic::Register;

/// How an access to the APIC page ends while AVIC is active.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Hardware does it, no exit.
    Direct,
    /// Exit after it is done.
    Trap,
    /// Exit instead of doing it.
    Fault,
}

/// Classifies an access at byte `offset`. Where hardware decides by value, this
/// is the kind of exit if there is one: EOI of a level vector, ICR.
#[must_use]
pub const fn classify(offset: u16, write: bool) -> Access {
    let at = Register(offset);
    match (at, write) {
        (Register::TPR | Register::ICR_HIGH, _) => Access::Direct,
        (Register::EOI | Register::RRR | Register::ESR | Register::ICR_LOW, true)
        | (Register::ID | Register::LDR | Register::DFR | Register::SVR, true)
        | (Register::LVT_TIMER | Register::LVT_THERMAL | Register::LVT_PERFORMANCE, true)
        | (Register::LVT_LINT0 | Register::LVT_LINT1 | Register::LVT_ERROR, true)
        | (Register::TMICT | Register::TDCR, true) => Access::Trap,
        (Register::RRR | Register::ESR | Register::ICR_LOW, false)
        | (Register::ID | Register::LDR | Register::DFR | Register::SVR, false)
        | (Register::LVT_TIMER | Register::LVT_THERMAL | Register::LVT_PERFORMANCE, false)
        | (Register::LVT_LINT0 | Register::LVT_LINT1 | Register::LVT_ERROR, false)
        | (Register::TMICT | Register::TDCR, false)
        | (Register::VERSION | Register::PPR, false) => Access::Direct,
        (_, false) if at.is_in_bank() => Access::Direct,
        // Reading EOI, APR and TMCCT, all other writes, and what is no register.
        (_, _) => Access::Fault,
    }
}

/// What to do about an IPI that AVIC gave up. ICR is written, RIP has moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IpiRemedy {
    /// `registers::write` of ICR low, then resolve and send in software. Sending
    /// to a target that hardware already reached merges.
    Emulate,
    /// The request bits are set: only kick the targets.
    Kick,
    /// Our table is wrong: stop the partition and say so.
    Stop,
    /// As `Emulate`, and report the cause once: newer hardware than we know.
    EmulateAndReport,
}

/// Remedy for the cause in EXITINFO2 bits 63:32.
#[must_use]
pub const fn remedy(cause: u32) -> IpiRemedy {
    match cause {
        // Invalid type, invalid target, and illegal vector: `registers::write`
        // logs the last in ESR and sends nothing.
        0 | 2 | 4 => IpiRemedy::Emulate,
        1 => IpiRemedy::Kick,
        3 => IpiRemedy::Stop,
        _ => IpiRemedy::EmulateAndReport,
    }
}

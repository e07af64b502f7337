//! APIC base MSR: the page does not move and x2APIC does not exist.
//!
//! Owns the verdict on a guest's write to MSR 0x1B. Moving the page would need
//! another nested-table path for no known guest, so it is refused aloud with #GP
//! instead of half supported. Turning the APIC off and on by hardware enable is
//! allowed, as firmware-minded guests do it.
//! Manual: 24593 section 16.3.1.

use svm::apic::{ApicBase, DEFAULT_BASE};

/// What a write to the APIC base MSR means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum BaseWrite {
    /// Value as it was.
    Unchanged,
    /// The APIC came on, in power-up state: reset page and timer.
    Enabled,
    /// The APIC went off: accesses to its page reach nothing.
    Disabled,
    /// Inject #GP(0): page moved, x2APIC asked for, BSP flag or a reserved bit
    /// changed.
    Refused,
}

/// Value the MSR reads.
#[must_use]
pub const fn value(bsp: bool, enabled: bool) -> u64 {
    let bsp = if bsp { ApicBase::BSP.bits() } else { 0 };
    let enable = if enabled { ApicBase::ENABLE.bits() } else { 0 };
    DEFAULT_BASE | bsp | enable
}

/// Judges a write of `written` on a vCPU whose MSR reads `value(bsp, enabled)`.
pub const fn write(bsp: bool, enabled: bool, written: u64) -> BaseWrite {
    if written == value(bsp, enabled) {
        BaseWrite::Unchanged
    } else if written == value(bsp, !enabled) {
        if enabled {
            BaseWrite::Disabled
        } else {
            BaseWrite::Enabled
        }
    } else {
        BaseWrite::Refused
    }
}

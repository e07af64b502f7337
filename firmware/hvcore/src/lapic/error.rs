//! Errors of a local APIC: logged at once, visible after the guest latches them.
//!
//! Owns the hidden word of errors since the last latch, in the page, because any
//! core can cause one (an IOAPIC entry with an illegal vector). The first error
//! after a latch sends the LVT error interrupt; later ones are only added.
//! Manual: 24593 section 16.4.6.
//! Also called: ESR.

use svm::apic::{ErrorStatus, FIRST_VECTOR, Lvt, Register};

use super::page::{PENDING_ERRORS, RegisterPage};
use crate::ids::Vector;

/// Logs errors and sends the error interrupt if it is due and unmasked. An error
/// entry with an illegal vector is one more error and no interrupt.
pub fn log(page: &RegisterPage, errors: ErrorStatus) {
    if page.set_bits(PENDING_ERRORS, errors.bits()) != 0 {
        return;
    }
    let entry = Lvt(page.load(Register::LVT_ERROR));
    if entry.is_masked() || !page.software_enabled() {
        return;
    }
    if entry.vector() < FIRST_VECTOR {
        let more = ErrorStatus::RECEIVE_ILLEGAL_VECTOR;
        page.set_bits(PENDING_ERRORS, more.bits());
    } else {
        // Merging with an interrupt not yet taken loses nothing: the handler
        // will latch both errors.
        let _merged = page.post(Vector(entry.vector()), false);
    }
}

/// A guest's write to ESR: what was logged becomes readable, the log empties.
pub fn latch(page: &RegisterPage) {
    let logged = ErrorStatus::from_bits_truncate(page.take(PENDING_ERRORS));
    page.store(Register::ESR, logged.bits());
}

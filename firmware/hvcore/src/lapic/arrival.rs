//! Arrival: what a local APIC does with a vector that reaches it.
//!
//! Owns the acceptance rules, and is what every source of fixed interrupts calls
//! on the target's page, from any core. NMI, INIT and start-up do not come here:
//! they are not vectors and a disabled APIC takes them too.
//! Manual: 24593 section 16.6.

use svm::apic::{ErrorStatus, FIRST_VECTOR};

use super::error;
use super::page::RegisterPage;
use crate::ids::Vector;

/// What became of a vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Arrival {
    /// Newly requested: now the fence of pair P2, then the kick.
    Requested,
    /// Was requested already: the guest will see one interrupt for both. Still
    /// kick: who requested first may not have yet.
    Merged,
    /// Dropped: the APIC is software disabled.
    Disabled,
    /// Dropped: the vector is below 16. The target's ESR tells.
    Illegal,
}

/// Offers `vector` to an APIC.
pub fn arrive(page: &RegisterPage, vector: Vector, level: bool) -> Arrival {
    if vector.0 < FIRST_VECTOR {
        error::log(page, ErrorStatus::RECEIVE_ILLEGAL_VECTOR);
        Arrival::Illegal
    } else if !page.software_enabled() {
        Arrival::Disabled
    } else if page.post(vector, level) {
        Arrival::Requested
    } else {
        Arrival::Merged
    }
}

//! Priority: which requested vector the CPU may take now.
//!
//! Owns no state: everything is computed from the page at each question, so a
//! post from another core is never hidden by a cached answer (R002-16). The CPU
//! is asked for as few words as the answer needs; this runs before every entry.
//! Manual: 24593 section 16.6.
//! Also called: TPR, PPR, CR8, interrupt acceptance.

use svm::apic::Register;

use super::page::RegisterPage;
use crate::ids::Vector;

/// Highest requested vector that is above all in service, whatever the task
/// priority. With V_IRQ and V_TPR the CPU itself waits for CR8 to drop.
/// `None` while the APIC is software disabled.
pub fn candidate(page: &RegisterPage) -> Option<Vector> {
    let vector = page.highest_irr()?;
    (page.software_enabled() && !in_service_from(page, vector.0 & 0xF0)).then_some(vector)
}

/// The vector to deliver now: [`candidate`], if its class is above the task
/// priority class too, that is, above the class of PPR.
pub fn deliverable(page: &RegisterPage) -> Option<Vector> {
    candidate(page).filter(|vector| vector.0 >> 4 > cr8(page))
}

/// True when a vector of at least `lowest` (a multiple of 16) is in service.
/// Looks only at the words from there up: one word for the usual vectors.
fn in_service_from(page: &RegisterPage, lowest: u8) -> bool {
    let row = lowest >> 5;
    let first = page.load(Register::ISR.word_of(lowest)) >> (lowest & 31);
    first != 0 || ((row + 1)..8).any(|row| page.load(Register::ISR.word_of(row << 5)) != 0)
}

/// Processor priority: the task priority, or the class in service if higher.
pub fn processor_priority(page: &RegisterPage) -> u8 {
    let task = page.load(Register::TPR) as u8;
    let service = page.highest_isr().map_or(0, |vector| vector.0 & 0xF0);
    if task & 0xF0 >= service {
        task
    } else {
        service
    }
}

/// Arbitration priority: as processor priority, but requests count too. Nothing
/// here arbitrates by it; a guest can read it.
pub fn arbitration_priority(page: &RegisterPage) -> u8 {
    let task = page.load(Register::TPR) as u8;
    let request = page.highest_irr().map_or(0, |vector| vector.0 & 0xF0);
    let service = page.highest_isr().map_or(0, |vector| vector.0 & 0xF0);
    if task & 0xF0 >= request && task & 0xF0 > service {
        task
    } else {
        request.max(service).max(task & 0xF0)
    }
}

/// Writes the PPR word, which AVIC reads directly. Call before AVIC is turned
/// on; software never reads the word.
pub fn publish_processor_priority(page: &RegisterPage) {
    page.store(Register::PPR, processor_priority(page).into());
}

/// CR8 as the guest must see it: the task priority class, 0 to 15. Goes to
/// V_TPR before each entry (AVIC-08).
pub fn cr8(page: &RegisterPage) -> u8 {
    (page.load(Register::TPR) as u8) >> 4
}

/// Takes over V_TPR after an exit (low four bits). The subclass survives if the
/// class did not change: V_TPR cannot hold it.
pub fn set_cr8(page: &RegisterPage, value: u8) {
    let class = value & 0xF;
    if class != cr8(page) {
        page.store(Register::TPR, u32::from(class) << 4);
    }
}

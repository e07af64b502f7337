//! Events that an exit interrupted: EXITINTINFO taken apart.
//!
//! An exception or NMI is given back bit-identically. A software event is run
//! again by the instruction that made it, because RIP still points there. An
//! external interrupt is never re-injected (APF-25): it goes back to pending.

use board::Errata;
use svm::vmcb::event::{Event, EventType};

/// What EXITINTINFO held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interrupted {
    /// No delivery was under way, or re-executing the instruction repeats it.
    Nothing,
    /// This virtual interrupt was being delivered: it is still requested.
    Interrupt(u8),
    /// Give this event back at the next entry.
    Event(Event),
}

/// Takes EXITINTINFO apart. 24593 section 15.7.2.
#[inline]
pub fn interrupted(info: Event, errata: Errata) -> Interrupted {
    if !info.valid() {
        return Interrupted::Nothing;
    }
    unfinished(info, errata)
}

fn unfinished(info: Event, errata: Errata) -> Interrupted {
    match info.kind() {
        EventType::INTERRUPT => Interrupted::Interrupt(info.vector()),
        EventType::EXCEPTION
            if info.vector() >= 32 && errata.contains(Errata::VIRQ_REPORTED_AS_EXCEPTION) =>
        {
            Interrupted::Interrupt(info.vector())
        }
        EventType::SOFTWARE => Interrupted::Nothing,
        // INT3 and INTO are exceptions of their instruction.
        EventType::EXCEPTION if matches!(info.vector(), 3 | 4) => Interrupted::Nothing,
        _ => Interrupted::Event(info),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// APF-25: the emulator's word for a virtual interrupt that met a nested
    /// fault; given back as it is, VMRUN refuses it.
    #[test]
    fn an_exception_above_31_is_a_virtual_interrupt_under_the_erratum() {
        let word = Event(0x8000_0351);
        let back = interrupted(word, Errata::VIRQ_REPORTED_AS_EXCEPTION);
        assert_eq!(back, Interrupted::Interrupt(0x51));
        assert_eq!(interrupted(word, Errata::empty()), Interrupted::Event(word));
    }

    /// APF-25.
    #[test]
    fn an_interrupted_external_interrupt_is_pending_again_and_never_injected() {
        let word = Event::new(EventType::INTERRUPT, 0x40);
        assert_eq!(
            interrupted(word, Errata::empty()),
            Interrupted::Interrupt(0x40)
        );
    }

    #[test]
    fn exceptions_and_nmi_come_back_bit_identically_and_software_events_rerun() {
        let fault = Event::exception_with_code(14, 7);
        assert_eq!(
            interrupted(fault, Errata::empty()),
            Interrupted::Event(fault)
        );
        assert_eq!(
            interrupted(Event::NMI, Errata::empty()),
            Interrupted::Event(Event::NMI)
        );
        let soft = Event::new(EventType::SOFTWARE, 0x80);
        assert_eq!(interrupted(soft, Errata::empty()), Interrupted::Nothing);
        assert_eq!(
            interrupted(Event::exception(3), Errata::empty()),
            Interrupted::Nothing
        );
    }
}

//! Exceptions raised by emulation, and how two of them become one.
//!
//! A fault while another event was being delivered makes a double fault, or
//! replaces it, or shuts the guest down: 24593 section 8.2.9 and table 8-1.

use crate::error::GuestFault;
use svm::vmcb::event::{Event, EventType};

/// What a first event and a fault during its delivery amount to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Merged {
    /// Deliver this one.
    Deliver(Event),
    /// Triple fault: the guest shuts down.
    Shutdown,
}

/// Classes of table 8-1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Benign,
    Contributory,
    PageFault,
    DoubleFault,
}

fn class(event: Event) -> Class {
    if event.kind() != EventType::EXCEPTION {
        return Class::Benign;
    }
    match event.vector() {
        0 | 10..=13 => Class::Contributory,
        14 => Class::PageFault,
        8 => Class::DoubleFault,
        _ => Class::Benign,
    }
}

/// The event of a fault.
pub fn event(fault: GuestFault) -> Event {
    match fault {
        GuestFault::InvalidOpcode => Event::exception(6),
        GuestFault::GeneralProtection(code) => Event::exception_with_code(13, code),
        GuestFault::PageFault { code, .. } => Event::exception_with_code(14, code),
    }
}

/// `second` was raised while `first` was being delivered. A benign first event
/// that is not an exception comes back later by itself (interrupt, NMI).
pub fn merge(first: Event, second: Event) -> Merged {
    if !first.valid() {
        return Merged::Deliver(second);
    }
    match (class(first), class(second)) {
        (Class::DoubleFault, Class::Contributory | Class::PageFault) => Merged::Shutdown,
        (Class::Contributory, Class::Contributory)
        | (Class::PageFault, Class::Contributory | Class::PageFault) => {
            Merged::Deliver(Event::exception_with_code(8, 0))
        }
        _ => Merged::Deliver(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GP: Event = Event::exception_with_code(13, 0);
    const PF: Event = Event::exception_with_code(14, 2);
    const DF: Event = Event::exception_with_code(8, 0);
    const UD: Event = Event::exception(6);
    const INTERRUPT: Event = Event::new(EventType::INTERRUPT, 0x40);

    #[test]
    fn two_contributory_exceptions_make_a_double_fault_and_a_third_shuts_down() {
        assert_eq!(merge(GP, GP), Merged::Deliver(DF));
        assert_eq!(merge(PF, PF), Merged::Deliver(DF));
        assert_eq!(merge(PF, GP), Merged::Deliver(DF));
        assert_eq!(merge(DF, GP), Merged::Shutdown);
        assert_eq!(merge(DF, PF), Merged::Shutdown);
    }

    #[test]
    fn a_page_fault_while_delivering_a_contributory_one_is_served_by_itself() {
        assert_eq!(merge(GP, PF), Merged::Deliver(PF));
        assert_eq!(merge(UD, GP), Merged::Deliver(GP));
        assert_eq!(merge(INTERRUPT, PF), Merged::Deliver(PF));
    }
}

//! External interrupts as injected events: what a plan may ask for to see a bug.
//!
//! No board runs this way. It is what KVM does: the vector moves from IRR to ISR
//! when it is put into EVENTINJ, and while the guest cannot take it a virtual
//! interrupt with its intercept opens a window. On QEMU's TCG an interrupt injected
//! so can be delivered twice; `guests/README.md` has the experiment. Runs only
//! where a plan turns the work-around `EVENTINJ_TWICE` off by name.
//! 24593 sections 15.20 and 15.21.4.
//! Also called: interrupt window, VINTR intercept, IRQ window.

use super::interrupt::{self, Offer};
use crate::lapic::{page::RegisterPage, priority};
use board::Errata;
use svm::vmcb::event::{Event, EventType};

/// Whether the guest can take an event at this entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Guest {
    /// RFLAGS.IF.
    pub interrupts: bool,
    /// It is in an interrupt shadow.
    pub shadow: bool,
    /// EVENTINJ is free.
    pub room: bool,
}

/// Decides before entry: what goes into EVENTINJ, and the word for the VMCB. An
/// event that is returned is in service already; a V_IRQ in the word opens a window
/// and is never taken, so the offer names no vector.
#[cold]
pub fn choose(page: &RegisterPage, guest: Guest, errata: Errata) -> (Option<Event>, Offer) {
    let offer = Offer {
        vector: None,
        ..interrupt::offer(page, guest.shadow, errata)
    };
    let open = guest.interrupts && !guest.shadow && guest.room;
    let taken = priority::deliverable(page).filter(|vector| open && page.accept(*vector));
    match taken {
        Some(vector) => {
            let event = Event::new(EventType::INTERRUPT, vector.0);
            (
                Some(event),
                Offer {
                    word: offer.word.without_irq(),
                    ..offer
                },
            )
        }
        None => (None, offer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Vector;
    use svm::apic::Register;

    const READY: Guest = Guest {
        interrupts: true,
        shadow: false,
        room: true,
    };

    fn page(vector: u8) -> RegisterPage {
        let page = RegisterPage::new();
        page.reset(0);
        page.store(Register::SVR, 0x1ff);
        page.post(Vector(vector), false);
        page
    }

    #[test]
    fn an_interrupt_that_is_injected_is_in_service_at_once_and_comes_once() {
        let page = page(0x41);
        let (event, offer) = choose(&page, READY, Errata::empty());
        assert_eq!(event, Some(Event(0x8000_0041)));
        assert!(!offer.word.irq());
        assert_eq!(
            (page.highest_irr(), page.highest_isr()),
            (None, Some(Vector(0x41)))
        );
        let (again, offer) = choose(&page, READY, Errata::empty());
        assert!(again.is_none() && !offer.word.irq());
    }

    #[test]
    fn a_guest_that_cannot_take_it_gets_a_window_and_keeps_the_request() {
        for guest in [
            Guest {
                interrupts: false,
                ..READY
            },
            Guest {
                shadow: true,
                ..READY
            },
            Guest {
                room: false,
                ..READY
            },
        ] {
            let page = page(0x41);
            let (event, offer) = choose(&page, guest, Errata::empty());
            assert!(
                event.is_none() && offer.word.irq() && !offer.recheck,
                "{guest:?}"
            );
            assert_eq!(
                (page.highest_irr(), offer.vector),
                (Some(Vector(0x41)), None)
            );
        }
    }

    #[test]
    fn the_task_priority_and_an_ignored_shadow_hold_it_back() {
        let held = page(0x41);
        held.store(Register::TPR, 0x40);
        assert_eq!(choose(&held, READY, Errata::empty()).0, None);
        let shadowed = Guest {
            shadow: true,
            ..READY
        };
        let (event, offer) = choose(&page(0x41), shadowed, Errata::SHADOW_IGNORED);
        assert!(event.is_none() && offer.recheck && !offer.word.irq());
    }
}

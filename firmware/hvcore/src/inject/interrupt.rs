//! External interrupts through V_IRQ, and when one counts as taken.
//!
//! A vector gets into ISR only when an exit shows that the CPU took it: V_IRQ is
//! clear and EXITINTINFO does not give it back (APF-25). Its IRR bit is taken out
//! already at the entry ([`withdraw`]) and put back if the CPU did not take it:
//! in between the guest may be in the vector's handler, and the same vector posted
//! then is another interrupt, not the one that is being served.

use super::reinject::Interrupted;
use crate::ids::Vector;
use crate::lapic::{page::RegisterPage, priority};
use board::Errata;
use svm::vmcb::vintr::VirtualInterrupt;

/// What the entry offers to the CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The word for the VMCB.
    pub word: VirtualInterrupt,
    /// The vector in it.
    pub vector: Option<Vector>,
    /// An interrupt is held back although the guest may take it in a moment: arm
    /// the recheck timer.
    pub recheck: bool,
}

/// Chooses what to offer. `shadow` as the VMCB has it.
#[inline]
pub fn offer(page: &RegisterPage, shadow: bool, errata: Errata) -> Offer {
    let idle = VirtualInterrupt::MASKING.with_tpr(priority::cr8(page));
    let Some(vector) = priority::candidate(page) else {
        return Offer {
            word: idle,
            vector: None,
            recheck: false,
        };
    };
    if shadow && errata.contains(Errata::SHADOW_IGNORED) {
        return Offer {
            word: idle,
            vector: None,
            recheck: true,
        };
    }
    let class = vector.0 >> 4;
    // TCG delivers at priority >= V_TPR, silicon at priority > V_TPR.
    let priority = if errata.contains(Errata::TPR_EQUAL_DELIVERED) {
        class.saturating_sub(1)
    } else {
        class
    };
    Offer {
        word: idle.with_irq(vector.0, priority),
        vector: Some(vector),
        recheck: false,
    }
}

/// In an interrupt shadow: an interrupt waits, and the CPU would not make it wait.
/// The entry then needs an exit soon.
pub fn held_by_shadow(page: &RegisterPage, errata: Errata) -> bool {
    errata.contains(Errata::SHADOW_IGNORED) && priority::candidate(page).is_some()
}

/// The entry is about to happen with this offer.
#[inline]
pub fn withdraw(page: &RegisterPage, offered: Option<Vector>) {
    if let Some(vector) = offered {
        page.withdraw(vector);
    }
}

/// The entry was turned back: what was withdrawn is requested again.
pub fn turned_back(page: &RegisterPage, offered: Option<Vector>) {
    if let Some(vector) = offered {
        page.request_again(vector);
    }
}

/// Settles the last offer, which was withdrawn, after an exit; true when the vector
/// was taken.
#[inline]
pub fn settle(
    page: &RegisterPage,
    offered: Option<Vector>,
    word: VirtualInterrupt,
    interrupted: Interrupted,
) -> bool {
    priority::set_cr8(page, word.tpr());
    let Some(vector) = offered else { return false };
    let taken = !word.irq() && !matches!(interrupted, Interrupted::Interrupt(_));
    if taken {
        page.serve(vector);
    } else {
        page.request_again(vector);
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> RegisterPage {
        let page = RegisterPage::new();
        page.reset(0);
        page.store(svm::apic::Register::SVR, 0x1ff);
        page
    }

    /// AVIC-09, and the rule of APF-25: IRR to ISR only when the exit shows it.
    #[test]
    fn a_vector_is_accepted_only_when_the_exit_shows_it_taken() {
        let page = page();
        page.post(Vector(0x41), false);
        let offer = offer(&page, false, Errata::empty());
        assert_eq!(offer.vector, Some(Vector(0x41)));
        withdraw(&page, offer.vector);
        assert!(!settle(
            &page,
            offer.vector,
            offer.word,
            Interrupted::Nothing
        ));
        assert_eq!(page.highest_isr(), None);
        let gone = offer.word.without_irq();
        withdraw(&page, offer.vector);
        assert!(!settle(
            &page,
            offer.vector,
            gone,
            Interrupted::Interrupt(0x41)
        ));
        assert_eq!(page.highest_irr(), Some(Vector(0x41)));
        withdraw(&page, offer.vector);
        turned_back(&page, offer.vector);
        assert_eq!(page.highest_irr(), Some(Vector(0x41)));
        withdraw(&page, offer.vector);
        assert!(settle(&page, offer.vector, gone, Interrupted::Nothing));
        assert_eq!(
            (page.highest_irr(), page.highest_isr()),
            (None, Some(Vector(0x41)))
        );
    }

    /// R004-06: 7.2's emulator does not look at the shadow.
    #[test]
    fn in_a_shadow_the_erratum_holds_the_interrupt_back_for_one_exit() {
        let page = page();
        page.post(Vector(0x41), false);
        assert!(offer(&page, true, Errata::SHADOW_IGNORED).recheck);
        assert_eq!(
            offer(&page, true, Errata::empty()).vector,
            Some(Vector(0x41))
        );
    }

    #[test]
    fn under_the_erratum_the_offered_priority_is_one_lower() {
        let page = page();
        page.post(Vector(0x41), false);
        let silicon = offer(&page, false, Errata::empty()).word;
        let tcg = offer(&page, false, Errata::TPR_EQUAL_DELIVERED).word;
        assert_eq!((silicon.0 >> 16) & 0xf, 4);
        assert_eq!((tcg.0 >> 16) & 0xf, 3);
    }

    /// AVIC-08: the guest's CR8 reaches the register page at every exit.
    #[test]
    fn the_task_priority_follows_cr8() {
        let page = page();
        settle(
            &page,
            None,
            VirtualInterrupt::MASKING.with_tpr(9),
            Interrupted::Nothing,
        );
        assert_eq!(priority::cr8(&page), 9);
    }
}

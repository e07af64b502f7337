//! Events given back and merged, NMIs, and interrupts offered and settled.
#![cfg(not(any(loom, shuttle)))]

use board::Errata;
use hvcore::error::GuestFault;
use hvcore::ids::Vector;
use hvcore::inject::exception::{Merged, event, merge};
use hvcore::inject::interrupt::{held_by_shadow, offer, settle, turned_back, withdraw};
use hvcore::inject::nmi::{Nmi, NmiPlan};
use hvcore::inject::reinject::{Interrupted, interrupted};
use hvcore::lapic::page::RegisterPage;
use hvcore::lapic::priority;
use proptest::prelude::*;
use svm::apic::Register;
use svm::vmcb::event::{Event, EventType};
use svm::vmcb::vintr::VirtualInterrupt;

const TCG: Errata = Errata::VIRQ_REPORTED_AS_EXCEPTION
    .union(Errata::SHADOW_IGNORED)
    .union(Errata::TPR_EQUAL_DELIVERED);

fn page() -> RegisterPage {
    let page = RegisterPage::new();
    page.reset(0);
    page.store(Register::SVR, 0x1FF);
    page
}

/// 24593 table 8-1, all of it: rows are the first event, columns the second.
#[test]
fn two_exceptions_merge_as_the_table_says() {
    let exception = |vector| match vector {
        8 | 10..=14 | 17 => Event::exception_with_code(vector, 0),
        _ => Event::exception(vector),
    };
    let double = Merged::Deliver(Event::exception_with_code(8, 0));
    let contributory = |vector| matches!(vector, 0 | 10..=13);
    for first in (0..32).filter(|&vector| vector != 2) {
        for second in (0..32).filter(|&vector| vector != 2 && vector != 8) {
            let wanted = match first {
                8 if contributory(second) || second == 14 => Merged::Shutdown,
                14 if contributory(second) || second == 14 => double,
                _ if contributory(first) && contributory(second) => double,
                _ => Merged::Deliver(exception(second)),
            };
            assert_eq!(
                merge(exception(first), exception(second)),
                wanted,
                "{first} then {second}"
            );
        }
    }
}

/// 24593 section 8.2: which of our faults push a code.
#[test]
fn faults_have_their_vectors_and_codes() {
    assert_eq!(event(GuestFault::InvalidOpcode).0, 0x8000_0306);
    assert_eq!(event(GuestFault::GeneralProtection(0x18)).0, 0x18_8000_0B0D);
    let page_fault = GuestFault::PageFault {
        address: 0x1234,
        code: 6,
    };
    assert_eq!(event(page_fault).0, 0x6_8000_0B0E);
}

proptest! {
    /// APF-25: whatever EXITINTINFO holds, nothing that VMRUN refuses (24593
    /// section 15.20) is given back under the emulator's errata, and an external
    /// interrupt never is.
    #[test]
    fn nothing_is_given_back_that_vmrun_refuses(
        vector: u8, kind in prop_oneof![Just(0_u8), Just(2), Just(3), Just(4)], code: u32, valid: bool,
    ) {
        let word = u64::from(code) << 32 | u64::from(kind) << 8 | u64::from(vector)
            | u64::from(valid) << 31;
        match interrupted(Event(word), TCG) {
            Interrupted::Event(event) => {
                prop_assert!(valid);
                prop_assert_eq!(event.0, word);
                prop_assert!(matches!(event.kind(), EventType::NMI | EventType::EXCEPTION));
                prop_assert!(event.kind() == EventType::NMI || event.vector() < 32);
            }
            Interrupted::Interrupt(taken) => prop_assert_eq!(taken, vector),
            Interrupted::Nothing => prop_assert!(!valid || kind == 4 || matches!(vector, 3 | 4)),
        }
    }

    /// AVIC-09, APF-25: over any run of posts, exits and ends no vector is lost
    /// and none is taken twice: IRR and ISR change as the CPU shows it.
    #[test]
    fn every_posted_vector_is_taken_once(steps in prop::collection::vec((any::<u8>(), 0..5_u8), 1..60)) {
        let page = page();
        let (mut posted, mut taken) = (0, 0);
        for (vector, outcome) in steps {
            posted += u32::from(vector >= 16 && page.post(Vector(vector), false));
            let offered = offer(&page, false, TCG);
            withdraw(&page, offered.vector);
            let (word, back) = match outcome {
                // Not taken; taken; taken and given back in the two forms.
                0 => (offered.word, Interrupted::Nothing),
                1 | 2 => (offered.word.without_irq(), Interrupted::Nothing),
                3 => (offered.word.without_irq(), Interrupted::Interrupt(offered.vector.map_or(0, |v| v.0))),
                _ => (offered.word, Interrupted::Interrupt(offered.vector.map_or(0, |v| v.0))),
            };
            let moved = settle(&page, offered.vector, word, back);
            prop_assert_eq!(moved, offered.vector.is_some() && matches!(outcome, 1 | 2));
            if moved {
                taken += 1;
                prop_assert_eq!(page.highest_isr(), offered.vector);
                prop_assert!(page.end().is_some());
            }
        }
        while let Some(vector) = offer(&page, false, TCG).vector {
            taken += u32::from(page.accept(vector));
            prop_assert!(page.end().is_some());
        }
        prop_assert_eq!(taken, posted);
    }
}

/// APF-25: the emulator leaves V_IRQ set when the delivery met a fault.
#[test]
fn an_interrupt_given_back_in_the_emulators_form_is_offered_again() {
    let page = page();
    page.post(Vector(0x51), false);
    let offered = offer(&page, false, TCG);
    withdraw(&page, offered.vector);
    let back = interrupted(Event(0x8000_0351), TCG);
    assert_eq!(back, Interrupted::Interrupt(0x51));
    assert!(!settle(&page, offered.vector, offered.word, back));
    assert_eq!(offer(&page, false, TCG).vector, Some(Vector(0x51)));
}

/// APF-25: the handler runs before any exit shows that it does. The same vector
/// posted meanwhile is a second interrupt: it kicks, and it is taken after the first.
#[test]
fn a_vector_posted_while_its_handler_runs_is_another_interrupt() {
    let page = page();
    page.post(Vector(0x41), false);
    let offered = offer(&page, false, TCG);
    withdraw(&page, offered.vector);
    assert!(page.post(Vector(0x41), false), "newly requested");
    let gone = offered.word.without_irq();
    assert!(settle(&page, offered.vector, gone, Interrupted::Nothing));
    assert_eq!(page.highest_isr(), Some(Vector(0x41)));
    assert_eq!(offer(&page, false, TCG).vector, None, "behind the first");
    assert!(page.end().is_some());
    assert_eq!(offer(&page, false, TCG).vector, Some(Vector(0x41)));
}

/// An entry that was turned back has lost nothing.
#[test]
fn a_turned_back_entry_leaves_its_vector_requested() {
    let page = page();
    page.post(Vector(0x41), false);
    let offered = offer(&page, false, TCG);
    withdraw(&page, offered.vector);
    turned_back(&page, offered.vector);
    assert_eq!(
        (page.highest_irr(), page.highest_isr()),
        (offered.vector, None)
    );
}

/// A vector that came after the entry is neither taken nor forgotten.
#[test]
fn a_higher_vector_that_came_meanwhile_is_not_the_one_taken() {
    let page = page();
    page.post(Vector(0x41), false);
    let offered = offer(&page, false, Errata::empty());
    withdraw(&page, offered.vector);
    page.post(Vector(0xE1), false);
    assert!(settle(
        &page,
        offered.vector,
        offered.word.without_irq(),
        Interrupted::Nothing
    ));
    assert_eq!(
        (page.highest_isr(), page.highest_irr()),
        (Some(Vector(0x41)), Some(Vector(0xE1)))
    );
}

/// AVIC-08: the class in V_TPR, never a vector that is not above what runs.
#[test]
fn the_offer_carries_the_task_priority_and_waits_behind_the_one_in_service() {
    let page = page();
    page.store(Register::TPR, 0x7F);
    page.post(Vector(0x61), false);
    let offered = offer(&page, false, Errata::empty());
    assert_eq!(
        (offered.word.tpr(), offered.vector),
        (7, Some(Vector(0x61)))
    );
    assert!(offered.word.0 & 1 << 24 != 0, "V_INTR_MASKING");
    page.accept(Vector(0x61));
    page.post(Vector(0x6F), false);
    let behind = offer(&page, false, Errata::empty());
    assert_eq!((behind.vector, behind.word.irq()), (None, false));
}

/// Whatever a guest does, only the fields meant for it are in the word.
#[test]
fn the_offer_is_built_of_constants() {
    let page = page();
    page.store(Register::TPR, u32::MAX);
    page.post(Vector(0xFF), false);
    let allowed = 0xFF_010F_010F;
    assert_eq!(offer(&page, false, TCG).word.0 & !allowed, 0);
}

/// A software-disabled APIC offers nothing, so nothing is held either.
#[test]
fn a_disabled_apic_offers_nothing() {
    let page = page();
    page.post(Vector(0x41), false);
    page.store(Register::SVR, 0xFF);
    assert_eq!(offer(&page, false, TCG).vector, None);
    assert!(!held_by_shadow(&page, TCG));
    assert_eq!(priority::candidate(&page), None);
}

/// R004-06: what is held by the shadow says so, and only under the erratum.
#[test]
fn a_held_interrupt_asks_for_a_recheck() {
    let page = page();
    assert!(!held_by_shadow(&page, TCG));
    page.post(Vector(0x41), false);
    assert!(held_by_shadow(&page, TCG) && !held_by_shadow(&page, Errata::empty()));
    let held = offer(&page, true, TCG);
    assert_eq!(
        (held.recheck, held.vector, held.word.irq()),
        (true, None, false)
    );
}

/// The low subclass of TPR survives exits that do not change CR8.
#[test]
fn an_exit_keeps_the_subclass_of_the_task_priority() {
    let page = page();
    page.store(Register::TPR, 0x35);
    let word = VirtualInterrupt::MASKING.with_tpr(3);
    settle(&page, None, word, Interrupted::Nothing);
    assert_eq!(page.load(Register::TPR), 0x35);
    settle(&page, None, word.with_tpr(4), Interrupted::Nothing);
    assert_eq!(page.load(Register::TPR), 0x40);
}

/// 24593 section 15.21.9: the handler's IRET, seen before it runs.
#[test]
fn the_nmi_window_opens_when_an_exit_finds_rip_past_the_iret() {
    let mut nmi = Nmi::new();
    nmi.arrive();
    assert_eq!(nmi.plan(true, false), NmiPlan::Inject);
    assert!(nmi.watch_iret());
    nmi.arrive();
    assert!(
        !nmi.wakes(),
        "a halted handler is not woken by the next NMI"
    );
    nmi.exited(0x5000);
    assert_eq!(nmi.plan(true, false), NmiPlan::AwaitIret);
    nmi.iret(0x1000);
    assert!(!nmi.watch_iret());
    // Exits before the IRET could run: nothing has changed.
    for _ in 0..3 {
        nmi.exited(0x1000);
        assert_eq!(nmi.plan(true, false), NmiPlan::Recheck);
    }
    nmi.exited(0x9000);
    assert_eq!(nmi.plan(true, false), NmiPlan::Inject);
    assert_eq!(nmi.plan(true, false), NmiPlan::Idle);
}

/// An NMI whose delivery was interrupted is one NMI, not two.
#[test]
fn an_nmi_given_back_stays_in_service() {
    let mut nmi = Nmi::new();
    nmi.arrive();
    assert_eq!(nmi.plan(true, false), NmiPlan::Inject);
    assert_eq!(interrupted(Event::NMI, TCG), Interrupted::Event(Event::NMI));
    nmi.given_back();
    assert_eq!(nmi.plan(false, false), NmiPlan::Idle);
    nmi.arrive();
    assert_eq!(nmi.plan(true, false), NmiPlan::AwaitIret);
}

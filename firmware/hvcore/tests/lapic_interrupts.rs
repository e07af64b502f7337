//! Request, acceptance, end: random orders against sets of vectors.
#![cfg(not(any(loom, shuttle)))]

use std::collections::BTreeSet;

use hvcore::ids::{Tsc, Vector};
use hvcore::lapic::arrival::{Arrival, arrive};
use hvcore::lapic::page::RegisterPage;
use hvcore::lapic::priority;
use hvcore::lapic::registers::{self, Action};
use hvcore::lapic::timer::Timer;
use proptest::prelude::*;
use svm::apic::{ErrorStatus, Register};

#[derive(Clone, Debug)]
enum Step {
    Arrive(u8, bool),
    TakeDeliverable,
    End,
    TaskPriority(u8),
    Enable(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<u8>(), any::<bool>()).prop_map(|(v, level)| Step::Arrive(v, level)),
        4 => Just(Step::TakeDeliverable),
        3 => Just(Step::End),
        1 => any::<u8>().prop_map(Step::TaskPriority),
        1 => proptest::bool::weighted(0.8).prop_map(Step::Enable),
    ]
}

/// The same rules on sets.
#[derive(Default)]
struct Reference {
    requested: BTreeSet<u8>,
    in_service: BTreeSet<u8>,
    level: BTreeSet<u8>,
    task: u8,
    enabled: bool,
}

impl Reference {
    fn arrive(&mut self, vector: u8, level: bool) -> Arrival {
        if vector < 16 {
            return Arrival::Illegal;
        }
        if !self.enabled {
            return Arrival::Disabled;
        }
        if level {
            self.level.insert(vector);
        } else {
            self.level.remove(&vector);
        }
        if self.requested.insert(vector) {
            Arrival::Requested
        } else {
            Arrival::Merged
        }
    }

    fn priority(&self) -> u8 {
        let service = self.in_service.last().map_or(0, |v| v / 16 * 16);
        if self.task / 16 >= service / 16 {
            self.task
        } else {
            service
        }
    }

    fn deliverable(&self) -> Option<u8> {
        let highest = *self.requested.last()?;
        (self.enabled && highest / 16 > self.priority() / 16).then_some(highest)
    }

    fn candidate(&self) -> Option<u8> {
        let highest = *self.requested.last()?;
        let service = self.in_service.last().map_or(0, |v| v / 16);
        (self.enabled && highest / 16 > service).then_some(highest)
    }

    fn end(&mut self) -> Action {
        match self.in_service.pop_last() {
            None => Action::None,
            Some(vector) if self.level.contains(&vector) => Action::EoiBroadcast(Vector(vector)),
            Some(_) => Action::PriorityChanged,
        }
    }
}

fn bank(page: &RegisterPage, bank: Register) -> BTreeSet<u8> {
    (0..=255)
        .filter(|&v| page.load(bank.word_of(v)) >> (v % 32) & 1 == 1)
        .collect()
}

proptest! {
    /// AVIC-02, AVIC-12: all state is in the page, and every step of the life of
    /// an interrupt matches the reference.
    #[test]
    fn any_order_of_arrival_acceptance_and_end_matches_the_reference(
        steps in proptest::collection::vec(step(), 0..300)
    ) {
        let page = RegisterPage::new();
        page.reset(0);
        let mut timer = Timer::new(1);
        let mut model = Reference::default();
        let mut write = |at: Register, value| {
            registers::write(&page, &mut timer, at.0, value, Tsc(0))
        };
        for step in steps {
            match step {
                Step::Arrive(vector, level) => {
                    prop_assert_eq!(
                        arrive(&page, Vector(vector), level), model.arrive(vector, level));
                }
                Step::TakeDeliverable => if let Some(vector) = model.deliverable() {
                    prop_assert!(page.accept(Vector(vector)));
                    model.requested.remove(&vector);
                    model.in_service.insert(vector);
                },
                Step::End => prop_assert_eq!(write(Register::EOI, 0), model.end()),
                Step::TaskPriority(value) => {
                    prop_assert_eq!(write(Register::TPR, value.into()), Action::PriorityChanged);
                    model.task = value;
                }
                Step::Enable(enable) => {
                    let _ = write(Register::SVR, 0xFF | u32::from(enable) << 8);
                    model.enabled = enable;
                }
            }
            prop_assert_eq!(priority::deliverable(&page), model.deliverable().map(Vector));
            prop_assert_eq!(priority::candidate(&page), model.candidate().map(Vector));
            prop_assert_eq!(priority::processor_priority(&page), model.priority());
            prop_assert_eq!(page.highest_irr(), model.requested.last().copied().map(Vector));
            prop_assert_eq!(page.highest_isr(), model.in_service.last().copied().map(Vector));
            prop_assert_eq!(bank(&page, Register::IRR), model.requested.clone());
            prop_assert_eq!(bank(&page, Register::ISR), model.in_service.clone());
            prop_assert_eq!(bank(&page, Register::TMR), model.level.clone());
        }
    }
}

#[test]
fn a_second_request_merges_until_the_first_is_accepted() {
    let page = RegisterPage::new();
    page.reset(0);
    for vector in 0..=255 {
        assert!(page.post(Vector(vector), false));
        assert!(!page.post(Vector(vector), false));
        assert!(page.accept(Vector(vector)));
        assert!(
            page.post(Vector(vector), false),
            "in service does not merge"
        );
        assert!(page.accept(Vector(vector)));
        assert!(!page.accept(Vector(vector)), "accepted without request");
    }
}

/// R002-16: acceptance takes one bit and leaves what others posted meanwhile.
#[test]
fn acceptance_leaves_the_neighbours_in_the_same_word() {
    let page = RegisterPage::new();
    page.reset(0);
    for vector in 0x40..0x60 {
        assert!(page.post(Vector(vector), false));
    }
    assert!(page.accept(Vector(0x5F)));
    assert_eq!(page.load(Register::IRR.word_of(0x40)), 0x7FFF_FFFF);
    assert_eq!(page.highest_irr(), Some(Vector(0x5E)));
}

/// H-25, AVIC-40: hardware accepts, software ends, and the other way round.
#[test]
fn an_interrupt_in_service_can_be_ended_on_the_other_side_of_a_toggle() {
    let page = RegisterPage::new();
    page.reset(0);
    page.store(Register::SVR, 0x1FF);
    let mut timer = Timer::new(1);

    page.store(Register::ISR.word_of(0x71), 1 << (0x71 % 32));
    assert!(page.post(Vector(0x72), false));
    assert_eq!(priority::deliverable(&page), None);
    let ended = registers::write(&page, &mut timer, Register::EOI.0, 0, Tsc(0));
    assert_eq!(ended, Action::PriorityChanged);
    assert_eq!(priority::deliverable(&page), Some(Vector(0x72)));

    assert!(page.accept(Vector(0x72)));
    assert!(page.post(Vector(0x73), false));
    page.store(Register::ISR.word_of(0x72), 0);
    assert_eq!(priority::deliverable(&page), Some(Vector(0x73)));
}

#[test]
fn a_disabled_apic_holds_what_it_had_and_drops_what_comes() {
    let page = RegisterPage::new();
    page.reset(0);
    let mut timer = Timer::new(1);
    let mut enable = |on: bool| {
        let value = 0xFF | u32::from(on) << 8;
        registers::write(&page, &mut timer, Register::SVR.0, value, Tsc(0))
    };
    assert_eq!(arrive(&page, Vector(0x80), false), Arrival::Disabled);
    assert_eq!(enable(true), Action::SoftwareEnabled);
    assert_eq!(priority::deliverable(&page), None);
    assert_eq!(arrive(&page, Vector(0x80), false), Arrival::Requested);
    assert_eq!(enable(false), Action::SoftwareDisabled);
    assert_eq!(arrive(&page, Vector(0x90), false), Arrival::Disabled);
    assert_eq!(priority::deliverable(&page), None);
    assert_eq!(enable(true), Action::SoftwareEnabled);
    assert_eq!(priority::deliverable(&page), Some(Vector(0x80)));
}

#[test]
fn an_illegal_vector_from_a_device_is_logged_by_its_target() {
    let page = RegisterPage::new();
    page.reset(0);
    page.store(Register::SVR, 0x1FF);
    let mut timer = Timer::new(1);
    assert_eq!(arrive(&page, Vector(15), true), Arrival::Illegal);
    assert_eq!(page.highest_irr(), None);
    let _ = registers::write(&page, &mut timer, Register::ESR.0, 0, Tsc(0));
    let logged = registers::read(&page, &timer, Register::ESR.0, Tsc(0));
    assert_eq!(logged, ErrorStatus::RECEIVE_ILLEGAL_VECTOR.bits());
}

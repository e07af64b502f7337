//! Models of the register page: the owner against senders on other cores.
//!
//! Run with `RUSTFLAGS="--cfg loom"`. Each model has a mutant that it must catch:
//! add `--cfg hvcore_mutant="accept_copies_back"` or `"tmr_after_irr"`.
#![cfg(loom)]

use hvcore::ids::{Tsc, Vector};
use hvcore::lapic::page::RegisterPage;
use hvcore::lapic::priority;
use hvcore::lapic::registers::{self, Action};
use hvcore::lapic::timer::Timer;
use loom::sync::Arc;
use loom::thread;
use svm::apic::Register;

fn enabled_page() -> Arc<RegisterPage> {
    let page = RegisterPage::new();
    page.store(Register::SVR, 0x1FF);
    Arc::new(page)
}

fn requested(page: &RegisterPage, vector: u8) -> bool {
    page.load(Register::IRR.word_of(vector)) >> (vector & 31) & 1 == 1
}

/// R002-16, AVIC-12. Mutant: `accept_copies_back`.
#[test]
fn acceptance_never_undoes_a_remote_post_into_the_same_word() {
    loom::model(|| {
        let page = enabled_page();
        assert!(page.post(Vector(0x41), false));
        let remote = Arc::clone(&page);
        let sender = thread::spawn(move || {
            let other = remote.post(Vector(0x42), false);
            let again = remote.post(Vector(0x41), false);
            (other, again)
        });
        assert!(page.accept(Vector(0x41)));
        let (other, again) = sender.join().unwrap();
        assert!(other && requested(&page, 0x42), "a post vanished");
        assert_eq!(
            requested(&page, 0x41),
            again,
            "a new request vanished, or a merged one came twice"
        );
    });
}

/// AVIC-12. Mutant: `tmr_after_irr`.
#[test]
fn who_sees_a_level_request_ends_it_as_level() {
    loom::model(|| {
        let page = enabled_page();
        let remote = Arc::clone(&page);
        let sender = thread::spawn(move || remote.post(Vector(0x52), true));
        if let Some(vector) = priority::deliverable(&page) {
            assert!(page.accept(vector));
            let mut timer = Timer::new(1);
            let ended = registers::write(&page, &mut timer, Register::EOI.0, 0, Tsc(0));
            assert_eq!(ended, Action::EoiBroadcast(Vector(0x52)));
        }
        assert!(sender.join().unwrap());
    });
}

/// AVIC-12: two senders of one vector, one request, exactly one of them new.
#[test]
fn of_two_senders_of_one_vector_exactly_one_is_new() {
    loom::model(|| {
        let page = enabled_page();
        let remote = Arc::clone(&page);
        let sender = thread::spawn(move || remote.post(Vector(0x61), false));
        let mine = page.post(Vector(0x61), false);
        let theirs = sender.join().unwrap();
        assert!(mine != theirs);
        assert_eq!(page.highest_irr(), Some(Vector(0x61)));
    });
}

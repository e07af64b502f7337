//! The register page: the owner's acceptance against posts from other cores.
//!
//! An IRR word is shared by 32 vectors and by everybody who posts into it; TMR is
//! settled before the request that it belongs to.

use crate::explore::{model, spawn};
use hvcore::ids::{Tsc, Vector};
use hvcore::lapic::page::RegisterPage;
use hvcore::lapic::priority;
use hvcore::lapic::registers::{self, Action};
use hvcore::lapic::timer::Timer;
use std::sync::Arc;
use svm::apic::Register;

fn enabled_page() -> Arc<RegisterPage> {
    let page = RegisterPage::new();
    page.store(Register::SVR, 0x1FF);
    Arc::new(page)
}

fn requested(page: &RegisterPage, vector: u8) -> bool {
    page.load(Register::IRR.word_of(vector)) >> (vector & 31) & 1 == 1
}

/// R002-16, AVIC-12. The outcome: a second request came behind the acceptance.
#[test]
pub fn acceptance_never_undoes_a_remote_post_into_the_same_word() {
    model(3, 3, [false, true]).explore(|| {
        let page = enabled_page();
        assert!(page.post(Vector(0x41), false));
        let (remote, own) = (page.clone(), page.clone());
        let owner = spawn(move || assert!(own.accept(Vector(0x41))));
        let sender = spawn(move || {
            let other = remote.post(Vector(0x42), false);
            (other, remote.post(Vector(0x41), false))
        });
        owner.join().unwrap();
        let (other, again) = sender.join().unwrap();
        assert!(other && requested(&page, 0x42), "a post vanished");
        assert_eq!(
            requested(&page, 0x41),
            again,
            "a new request vanished, or a merged one came twice"
        );
        again
    });
}

/// AVIC-12. The outcome: the owner saw the request. Its own post comes first,
/// because loom explores little where a thread begins with a load.
#[test]
pub fn who_sees_a_level_request_ends_it_as_level() {
    model(3, 3, [false, true]).explore(|| {
        let page = enabled_page();
        let (remote, own) = (page.clone(), page);
        let owner = spawn(move || {
            own.post(Vector(0x33), false);
            let seen = priority::deliverable(&own) == Some(Vector(0x52));
            if seen {
                assert!(own.accept(Vector(0x52)));
                let mut timer = Timer::new(1);
                let ended = registers::write(&own, &mut timer, Register::EOI.0, 0, Tsc(0));
                assert_eq!(ended, Action::EoiBroadcast(Vector(0x52)));
            }
            seen
        });
        let sender = spawn(move || remote.post(Vector(0x52), true));
        assert!(sender.join().unwrap());
        owner.join().unwrap()
    });
}

/// AVIC-12: two senders of one vector, one request. The outcome: the first one's
/// was new.
#[test]
pub fn of_two_senders_of_one_vector_exactly_one_is_new() {
    model(2, 2, [false, true]).explore(|| {
        let page = enabled_page();
        let (one, two) = (page.clone(), page.clone());
        let first = spawn(move || one.post(Vector(0x61), false));
        let second = spawn(move || two.post(Vector(0x61), false));
        let (first, second) = (first.join().unwrap(), second.join().unwrap());
        assert!(first != second);
        assert_eq!(page.highest_irr(), Some(Vector(0x61)));
        first
    });
}

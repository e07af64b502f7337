//! What a kick decides, word by word, without a second thread.
//!
//! The interleavings are in `tests/loom` and `tests/shuttle`.
#![cfg(not(any(loom, shuttle)))]

use hvcore::kick::{Initiator, Kick, Mode, Pending, Quiesce, Requests, VcpuWords};

fn nothing_posted() -> bool {
    false
}

#[test]
fn the_owner_token_is_handed_out_once() {
    let words = VcpuWords::new();
    assert!(words.claim().is_some());
    assert!(words.claim().is_none());
}

/// R001-06: a vCPU outside, or with an interrupt on its way, needs none.
#[test]
fn a_second_kick_of_one_stay_interrupts_nobody() {
    let words = VcpuWords::new();
    let mut owner = words.claim().unwrap();
    assert_eq!(words.kick(), Kick::None);
    let inside = owner.enter(nothing_posted).unwrap();
    assert_eq!(words.kick(), Kick::Interrupt);
    assert_eq!(words.mode(), Mode::Exiting);
    assert_eq!(words.kick(), Kick::None);
    assert_eq!(words.raise(Requests::EVENT), Kick::None);
    inside.leave();
    assert_eq!(words.kick(), Kick::None);
}

/// R001-13: kicking a vCPU that nobody runs is a no-op.
#[test]
fn a_vcpu_without_an_owner_can_be_kicked_in_vain() {
    let words = VcpuWords::new();
    assert_eq!(words.kick(), Kick::None);
    assert_eq!(words.raise(Requests::NMI), Kick::None);
    assert_eq!(words.requested(), Requests::NMI);
}

/// R001-11, KICK-02: every reason turns the entry back and leaves the vCPU
/// outside, one epoch later, with its requests untaken.
#[test]
fn entry_is_turned_back_by_a_request_or_a_posted_interrupt() {
    let words = VcpuWords::new();
    let mut owner = words.claim().unwrap();
    let kick = words.raise(Requests::TIMER);
    assert_eq!(kick, Kick::None);
    let refused = owner.enter(nothing_posted).unwrap_err();
    assert_eq!(
        refused,
        Pending {
            requests: Requests::TIMER,
            posted: false,
            kicked: false
        }
    );
    assert_eq!(words.mode(), Mode::Outside);
    assert_eq!(owner.take(Requests::all()), Requests::TIMER);
    assert_eq!(owner.take(Requests::all()), Requests::empty());

    let refused = owner.enter(|| true).unwrap_err();
    assert_eq!(
        refused,
        Pending {
            requests: Requests::empty(),
            posted: true,
            kicked: false
        }
    );

    let refused = owner
        .enter(|| {
            assert_eq!(words.kick(), Kick::Interrupt, "announced before the scan");
            false
        })
        .unwrap_err();
    assert_eq!(
        refused,
        Pending {
            requests: Requests::empty(),
            posted: false,
            kicked: true
        }
    );
    assert!(owner.enter(nothing_posted).is_ok());
}

/// R001-05: a self kick sends nothing and still ends the stay.
#[test]
fn a_self_kick_ends_the_stay_without_an_interrupt() {
    let words = VcpuWords::new();
    let mut owner = words.claim().unwrap();
    let inside = owner.enter(nothing_posted).unwrap();
    assert!(inside.may_stay(nothing_posted));
    inside.kick_self();
    assert!(!inside.may_stay(nothing_posted));
    assert_eq!(words.kick(), Kick::None);
    inside.leave();
    let inside = owner.enter(nothing_posted).unwrap();
    assert!(!inside.may_stay(|| true));
    inside.raise_self(Requests::DEBUG);
    assert!(!inside.may_stay(nothing_posted));
    inside.leave();
    assert_eq!(owner.take(Requests::DEBUG), Requests::DEBUG);
}

/// R001-14: waking has precedence, one waker wins, and a flush lets it sleep.
#[test]
fn a_blocked_vcpu_is_woken_once_and_not_for_a_flush() {
    let words = VcpuWords::new();
    let mut owner = words.claim().unwrap();
    let block = owner.begin_block();
    assert!(block.may_sleep());
    assert_eq!(
        words.raise(Requests::TLB_FLUSH | Requests::CLOCK_UPDATE),
        Kick::None
    );
    assert!(block.may_sleep());
    assert_eq!(words.raise(Requests::EVENT), Kick::WakeCore);
    assert!(!block.may_sleep());
    assert_eq!(words.raise(Requests::NMI), Kick::None);
    assert_eq!(words.kick_posted(), Kick::None);
    block.end();
    let all = Requests::TLB_FLUSH | Requests::CLOCK_UPDATE | Requests::EVENT | Requests::NMI;
    assert_eq!(owner.take(Requests::all()), all);
}

/// R000-11: a wake does not depend on a request.
#[test]
fn a_posted_interrupt_wakes_a_blocked_vcpu() {
    let words = VcpuWords::new();
    let mut owner = words.claim().unwrap();
    let block = owner.begin_block();
    assert_eq!(words.kick_posted(), Kick::WakeCore);
    assert!(!block.may_sleep());
}

/// KICK-05, J-03: the bit number is the order of service.
#[test]
fn requests_are_served_stop_first_and_events_last() {
    let mut all = Requests::all();
    let mut order = Vec::new();
    while let Some(one) = all.pop_first() {
        order.push(one);
    }
    let at = |r| order.iter().position(|&x| x == r).unwrap();
    assert_eq!(at(Requests::STOP), 0);
    assert_eq!(at(Requests::EVENT), order.len() - 1);
    assert!(at(Requests::TLB_FLUSH) < at(Requests::INIT));
    assert!(at(Requests::INIT) < at(Requests::SIPI));
    assert!(at(Requests::SIPI) < at(Requests::NMI));
    assert!(at(Requests::NMI) < at(Requests::TIMER));
    assert_eq!(order.len(), 9);
}

/// R001-07, R001-08: the wait ends at the first return to OUTSIDE, also when
/// the vCPU is in again by the time somebody looks.
#[test]
fn a_wait_ends_when_the_vcpu_was_outside_even_if_it_is_back() {
    let words = VcpuWords::new();
    let other = VcpuWords::new();
    let mut owner = words.claim().unwrap();
    let inside = owner.enter(nothing_posted).unwrap();
    let (wait, kick) = Quiesce::begin(Initiator::Housekeeping, &words, Requests::empty()).unwrap();
    assert_eq!(kick, Kick::Interrupt);
    assert!(wait.poll().is_none());
    inside.leave();
    let inside = owner.enter(nothing_posted).unwrap();
    let proof = wait.poll().expect("the epoch has changed");
    assert!(proof.is_about(&words) && !proof.is_about(&other));
    inside.leave();
}

/// R001-07: an interrupt is asked for although another kicker has announced one.
#[test]
fn a_wait_interrupts_an_exiting_vcpu_too() {
    let words = VcpuWords::new();
    let mut owner = words.claim().unwrap();
    let inside = owner.enter(nothing_posted).unwrap();
    assert_eq!(words.kick(), Kick::Interrupt);
    let (_wait, kick) = Quiesce::begin(Initiator::Housekeeping, &words, Requests::STOP).unwrap();
    assert_eq!(kick, Kick::Interrupt);
    inside.leave();
}

/// KICK-06: a blocked vCPU is never waited for, but a stop wakes it.
#[test]
fn a_blocked_vcpu_is_quiesced_at_once() {
    let words = VcpuWords::new();
    let mut owner = words.claim().unwrap();
    let _block = owner.begin_block();
    let (wait, kick) = Quiesce::begin(Initiator::Housekeeping, &words, Requests::STOP).unwrap();
    assert_eq!(kick, Kick::WakeCore);
    assert!(wait.poll().is_some());
}

/// R001-07: nobody waits for himself, and the request is not lost.
#[test]
fn a_vcpu_does_not_wait_for_itself() {
    let words = VcpuWords::new();
    let mut owner = words.claim().unwrap();
    assert!(Quiesce::begin(Initiator::Vcpu(&owner), &words, Requests::STOP).is_none());
    assert_eq!(owner.take(Requests::all()), Requests::STOP);
}

//! Every planted defect is seen by a model: the models are not vacuous.
//!
//! A missing fence shows in stale values, which only loom has. A wrong step
//! shows in both, or only in shuttle where loom skips the schedule that matters
//! (see `exiting.rs`). A defect counts as killed when a claim of the model's body
//! fails; not when an outcome is missing or too little was explored.

use hvcore::mutant::Mutant::{self, *};
use hvcore::mutant::{plant, planted};
use std::collections::BTreeSet;
use std::panic;

/// One row: a defect, and a model that fails with it.
struct Row(Mutant, &'static str, fn());

macro_rules! kills {
    ($($defect:ident: $file:ident::$claim:ident,)*) => {
        &[$(Row($defect, stringify!($claim), crate::$file::$claim)),*]
    };
}

/// Under loom.
#[cfg(loom)]
const KILLS: &[Row] = kills! {
    RaiseUnfenced: p1_requests_mode::a_request_is_seen_by_entry_or_kicked,
    RaiseUnfenced: p4_ring_blocked::a_request_wakes_or_the_blocker_does_not_sleep,
    EnterUnfenced: p1_requests_mode::a_request_is_seen_by_entry_or_kicked,
    EnterUnfenced: p2_virr_mode::a_posted_vector_is_seen_by_entry_or_kicked,
    EnterUnfenced: p2_virr_mode::a_stored_flag_is_seen_by_entry_or_kicked,
    WaitUnfenced: quiesce::nothing_replaced_is_used_after_the_proof,
    KickUnfenced: p2_virr_mode::a_posted_vector_is_seen_by_entry_or_kicked,
    KickUnfenced: p2_virr_mode::a_stored_flag_is_seen_by_entry_or_kicked,
    KickUnfenced: p4_ring_blocked::a_posted_vector_wakes_or_the_blocker_does_not_sleep,
    KickUnfenced: p4_ring_blocked::a_stored_flag_wakes_or_the_blocker_does_not_sleep,
    BlockUnfenced: p4_ring_blocked::a_request_wakes_or_the_blocker_does_not_sleep,
    BlockUnfenced: p4_ring_blocked::a_posted_vector_wakes_or_the_blocker_does_not_sleep,
    BlockUnfenced: p4_ring_blocked::a_stored_flag_wakes_or_the_blocker_does_not_sleep,
    TakeUnfenced: covered_state::a_state_written_during_service_asks_for_another_round,
    EnterChecksEarly: p1_requests_mode::a_request_is_seen_by_entry_or_kicked,
    ExitingStored: coalescing::two_kickers_send_at_most_one_interrupt,
    WakeStored: p4_ring_blocked::two_wakers_send_at_most_one_wake,
    WaitIgnoresEpoch: quiesce::a_vcpu_that_is_back_in_the_guest_has_been_outside,
    PushUnfenced: p11_empty_edge::a_value_left_behind_was_announced_as_an_edge,
    PopUnfenced: p11_empty_edge::a_value_left_behind_was_announced_as_an_edge,
    EdgeBeforePush: p11_empty_edge::a_value_left_behind_was_announced_as_an_edge,
    PublishRelaxed: p11_empty_edge::a_value_left_behind_was_announced_as_an_edge,
    PublishRelaxed: p11_empty_edge::bytes_arrive_in_order_and_the_rest_is_counted,
    WindowBeforeVmrun: p1_requests_mode::a_kick_interrupt_is_still_pending_at_vmrun,
    StateReadEarly: covered_state::a_state_written_during_service_asks_for_another_round,
    TriggerAfterRequest: irr_bit::who_sees_a_level_request_ends_it_as_level,
    AcceptCopiesBack: irr_bit::acceptance_never_undoes_a_remote_post_into_the_same_word,
};

/// Under shuttle, which sees no missing fence.
#[cfg(shuttle)]
const KILLS: &[Row] = kills! {
    EnterChecksEarly: p1_requests_mode::a_request_is_seen_by_entry_or_kicked,
    EnterChecksEarly: p1_requests_mode::a_kick_interrupt_is_still_pending_at_vmrun,
    ExitingStored: coalescing::two_kickers_send_at_most_one_interrupt,
    ExitingStored: coalescing::three_kickers_send_at_most_one_interrupt,
    ExitingStored: exiting::a_vcpu_that_has_left_is_outside,
    WakeStored: p4_ring_blocked::two_wakers_send_at_most_one_wake,
    WaitIgnoresEpoch: quiesce::a_vcpu_that_is_back_in_the_guest_has_been_outside,
    EdgeBeforePush: p11_empty_edge::a_value_left_behind_was_announced_as_an_edge,
    EdgeBeforePush: p4_ring_blocked::a_pushed_value_is_popped_or_its_consumer_is_woken,
    WindowBeforeVmrun: p1_requests_mode::a_kick_interrupt_is_still_pending_at_vmrun,
    StateReadEarly: covered_state::a_state_written_during_service_asks_for_another_round,
    TriggerAfterRequest: irr_bit::who_sees_a_level_request_ends_it_as_level,
    AcceptCopiesBack: irr_bit::acceptance_never_undoes_a_remote_post_into_the_same_word,
};

/// Keeps the expected failures off the screen; others go the usual way.
fn mute_expected_failures() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |failure| {
        if !Mutant::ALL.into_iter().any(planted) {
            usual(failure);
        }
    }));
}

#[test]
fn every_planted_defect_is_seen() {
    mute_expected_failures();
    let mut killed = BTreeSet::new();
    for &Row(mutant, name, model) in KILLS {
        plant(Some(mutant));
        let verdict = panic::catch_unwind(model);
        plant(None);
        assert!(verdict.is_err(), "{mutant:?} survives {name}");
        println!("mutant {mutant:?}: killed by {name}");
        killed.insert(mutant);
    }
    let all: BTreeSet<Mutant> = Mutant::ALL.into();
    if cfg!(loom) {
        assert_eq!(killed, all, "a defect no model is said to see");
    }
    println!(
        "mutants: {} planted, {} models killed them",
        killed.len(),
        KILLS.len()
    );
}

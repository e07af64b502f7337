//! Many kickers, one interrupt: only the winner of IN_GUEST to EXITING sends.

use crate::explore::{model, spawn};
use hvcore::kick::{Kick, VcpuWords};
use std::sync::Arc;

fn kickers_against_one_entry(kickers: usize) -> (bool, usize) {
    let words = Arc::new(VcpuWords::new());
    let owned = words.clone();
    let owner = spawn(move || {
        let mut owner = owned.claim().unwrap();
        owner.enter(|| false).map(std::mem::forget).is_ok()
    });
    let kickers: Vec<_> = (0..kickers)
        .map(|_| {
            let words = words.clone();
            spawn(move || words.kick() == Kick::Interrupt)
        })
        .collect();
    let entered = owner.join().unwrap();
    let sent = kickers
        .into_iter()
        .map(|k| usize::from(k.join().unwrap()))
        .sum();
    (entered, sent)
}

/// R001-04: three kickers send at most one interrupt per entry.
#[test]
pub fn three_kickers_send_at_most_one_interrupt() {
    model(100, 1_000, [(false, 1), (true, 0), (true, 1)])
        .unseen_by_loom([(false, 1)])
        .bounded(3)
        .drawn(50_000)
        .explore(|| kickers_against_one_entry(3));
}

/// R001-04: the same for two, in every interleaving.
#[test]
pub fn two_kickers_send_at_most_one_interrupt() {
    model(20, 100, [(false, 1), (true, 0), (true, 1)])
        .unseen_by_loom([(false, 1)])
        .explore(|| kickers_against_one_entry(2));
}

//! A request is cleared before the state it covers is read.

use crate::explore::{model, spawn};
use hvcore::kick::{Owner, Requests, VcpuWords};
use hvcore::mutant::{Mutant, planted};
use hvcore::sync::{AtomicU64, Ordering};
use std::sync::Arc;

/// One service round: the state if it was asked for.
fn serve(owner: &mut Owner<'_>, state: &AtomicU64) -> Option<u64> {
    let read = || state.load(Ordering::Relaxed);
    let early = planted(Mutant::StateReadEarly).then(read);
    let asked = !owner.take(Requests::CLOCK_UPDATE).is_empty();
    asked.then(|| early.unwrap_or_else(read))
}

/// KICK-04, R000-10: when no request is left, the newest state has been read.
#[test]
pub fn a_state_written_during_service_asks_for_another_round() {
    model(20, 60, [0, 1, 2]).explore(|| {
        let words = Arc::new(VcpuWords::new());
        let state = Arc::new(AtomicU64::new(0));
        let (owned, covered) = (words.clone(), state.clone());
        let owner = spawn(move || {
            let mut owner = owned.claim().unwrap();
            let mut newest = 0;
            for _ in 0..2 {
                newest = serve(&mut owner, &covered).unwrap_or(newest);
            }
            newest
        });
        let shared = words.clone();
        let writer = spawn(move || {
            for version in 1..=2 {
                state.store(version, Ordering::Relaxed);
                let _kick = shared.raise(Requests::CLOCK_UPDATE);
            }
        });
        let newest = owner.join().unwrap();
        writer.join().unwrap();
        let left = words.requested().contains(Requests::CLOCK_UPDATE);
        assert!(
            left || newest == 2,
            "version {newest} is taken for the newest"
        );
        newest
    });
}

//! Kick and wait: termination, and what the proof is worth.

use crate::explore::{model, spawn, yield_now};
use hvcore::kick::{Initiator, Kick, Owner, Quiesce, Quiesced, Requests, VcpuWords};
use hvcore::sync::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;

fn wait<'t>(by: Initiator<'_, '_>, target: &'t VcpuWords) -> Quiesced<'t> {
    let (wait, _kick) = Quiesce::begin(by, target, Requests::TLB_FLUSH).expect("not myself");
    loop {
        match wait.poll() {
            Some(proof) => return proof,
            None => yield_now(),
        }
    }
}

fn enter_and_leave(owner: &mut Owner<'_>) -> bool {
    match owner.enter(|| false) {
        Ok(inside) => {
            inside.leave();
            true
        }
        Err(_) => false,
    }
}

/// R001-07: two vCPUs that wait for each other both go on.
#[test]
pub fn two_initiators_waiting_for_each_other_terminate() {
    model(20, 1_000, [(false, true), (true, false), (true, true)])
        .bounded(3)
        .drawn(5_000)
        .explore(|| {
            let pair = Arc::new([VcpuWords::new(), VcpuWords::new()]);
            let sides = [0, 1].map(|me| {
                let pair = pair.clone();
                spawn(move || {
                    let mut owner = pair[me].claim().unwrap();
                    let entered = enter_and_leave(&mut owner);
                    let proof = wait(Initiator::Vcpu(&owner), &pair[1 - me]);
                    assert!(proof.is_about(&pair[1 - me]));
                    entered
                })
            });
            let [a, b] = sides.map(|side| side.join().unwrap());
            (a, b)
        });
}

/// R001-07: a vCPU that re-enters at once does not starve its waiter, who looks
/// while it is in its first stay, outside, or in its second, endless one.
#[test]
pub fn a_vcpu_that_is_back_in_the_guest_has_been_outside() {
    model(4, 1_000, [false, true])
        .bounded(3)
        .drawn(5_000)
        .explore(|| {
            let words = Arc::new(VcpuWords::new());
            let stage = Arc::new(AtomicU32::new(0));
            let (owned, target_stage) = (words.clone(), stage.clone());
            let target = spawn(move || {
                let mut owner = owned.claim().unwrap();
                let inside = owner.enter(|| false).expect("nobody has kicked");
                target_stage.store(1, Ordering::Release);
                until(&target_stage, 2);
                inside.leave();
                owner
                    .enter(|| false)
                    .map(std::mem::forget)
                    .expect("nothing is requested");
            });
            let initiator = spawn(move || {
                until(&stage, 1);
                let nothing = Requests::empty();
                let (wait, kick) =
                    Quiesce::begin(Initiator::Housekeeping, &words, nothing).unwrap();
                assert_eq!(kick, Kick::Interrupt);
                stage.store(2, Ordering::Release);
                let mut at_once = true;
                while wait.poll().is_none() {
                    at_once = false;
                    yield_now();
                }
                at_once
            });
            target.join().unwrap();
            initiator.join().unwrap()
        });
}

fn until(stage: &AtomicU32, reached: u32) {
    while stage.load(Ordering::Acquire) != reached {
        yield_now();
    }
}

/// KICK-08, MMU-23, R001-08, P1: what was replaced before the wait is not used after
/// the proof. The vCPU uses the old one only within a stay that the proof ends.
#[test]
pub fn nothing_replaced_is_used_after_the_proof() {
    model(20, 1_000, ["new", "old"])
        .bounded(3)
        .drawn(5_000)
        .explore(|| {
            let words = Arc::new(VcpuWords::new());
            let replaced = Arc::new(AtomicBool::new(false));
            let freed = Arc::new(AtomicBool::new(false));
            let (owned, table, gone) = (words.clone(), replaced.clone(), freed.clone());
            let target = spawn(move || {
                let mut owner = owned.claim().unwrap();
                let mut used = "new";
                for _ in 0..2 {
                    owner.take(Requests::all());
                    let Ok(inside) = owner.enter(|| false) else {
                        continue;
                    };
                    if !table.load(Ordering::Relaxed) {
                        used = "old";
                        assert!(!gone.load(Ordering::Relaxed), "used after it was freed");
                    }
                    inside.leave();
                }
                used
            });
            let initiator = spawn(move || {
                replaced.store(true, Ordering::Relaxed);
                wait(Initiator::Housekeeping, &words);
                freed.store(true, Ordering::Relaxed);
            });
            initiator.join().unwrap();
            target.join().unwrap()
        });
}

//! Pair P4: something to do against falling asleep (`raise`, `kick`,
//! `begin_block`).

use crate::explore::{model, spawn};
use hvcore::kick::{Kick, Requests, VcpuWords};
use hvcore::ring::{Edge, WordRing};
use hvcore::sync::{AtomicU64, Ordering};
use std::sync::Arc;

/// Slept, and was told to be woken. P4: slept without a wake does not occur.
const OUTCOMES: [(bool, bool); 3] = [(false, false), (false, true), (true, true)];

fn publish_against_block(publish: fn(&AtomicU64, &VcpuWords) -> Kick) -> (bool, bool) {
    let words = Arc::new(VcpuWords::new());
    let work = Arc::new(AtomicU64::new(0));
    let (owned, todo) = (words.clone(), work.clone());
    let owner = spawn(move || {
        let mut owner = owned.claim().unwrap();
        let block = owner.begin_block();
        let sleeps = block.may_sleep() && todo.load(Ordering::Relaxed) == 0;
        if sleeps {
            std::mem::forget(block);
        }
        sleeps
    });
    let waker = spawn(move || publish(&work, &words) == Kick::WakeCore);
    (owner.join().unwrap(), waker.join().unwrap())
}

/// P4, R000-11, R001-14: a request wakes the sleeper or keeps it awake.
#[test]
pub fn a_request_wakes_or_the_blocker_does_not_sleep() {
    model(8, 20, OUTCOMES)
        .explore(|| publish_against_block(|_, words| words.raise(Requests::EVENT)));
}

/// P4, AVIC-24: a posted vector, without a request.
#[test]
pub fn a_posted_vector_wakes_or_the_blocker_does_not_sleep() {
    model(8, 20, OUTCOMES).explore(|| {
        publish_against_block(|virr, words| {
            virr.fetch_or(1, Ordering::Relaxed);
            words.kick_posted()
        })
    });
}

/// P4: state published with a plain store.
#[test]
pub fn a_stored_flag_wakes_or_the_blocker_does_not_sleep() {
    model(8, 20, OUTCOMES).explore(|| {
        publish_against_block(|flag, words| {
            flag.store(1, Ordering::Relaxed);
            words.kick()
        })
    });
}

/// P4, R001-14: of two wakers one ends the block and sends the wake.
#[test]
pub fn two_wakers_send_at_most_one_wake() {
    model(20, 100, [(false, 0), (false, 1), (true, 1)])
        .bounded(3)
        .drawn(50_000)
        .explore(|| {
            let words = Arc::new(VcpuWords::new());
            let owned = words.clone();
            let owner = spawn(move || {
                let mut owner = owned.claim().unwrap();
                let block = owner.begin_block();
                let sleeps = block.may_sleep();
                if sleeps {
                    std::mem::forget(block);
                }
                sleeps
            });
            let wakers = [Requests::NMI, Requests::EVENT].map(|what| {
                let words = words.clone();
                spawn(move || words.raise(what) == Kick::WakeCore)
            });
            let sleeps = owner.join().unwrap();
            let wakes: u32 = wakers
                .map(|waker| u32::from(waker.join().unwrap()))
                .iter()
                .sum();
            (sleeps, wakes)
        });
}

/// P4 with P11, R000-16, R000-17: a consumer that sleeps beside a ring with
/// something in it has a wake on its way, though only empty edges kick.
#[test]
pub fn a_pushed_value_is_popped_or_its_consumer_is_woken() {
    model(20, 100, [(0, true), (1, true), (2, false), (2, true)])
        .bounded(3)
        .drawn(50_000)
        .explore(|| {
            let words = Arc::new(VcpuWords::new());
            let ring = Arc::new(WordRing::<u64, 2>::new());
            let (owned, source) = (words.clone(), ring.clone());
            let owner = spawn(move || {
                let mut owner = owned.claim().unwrap();
                let mut consumer = source.consumer().unwrap();
                let block = owner.begin_block();
                let mut popped = 0;
                while consumer.pop().is_some() {
                    popped += 1;
                }
                // Sleeps only if nobody has woken it, with the word left BLOCKED.
                let sleeps = block.may_sleep();
                if sleeps {
                    std::mem::forget(block);
                }
                (popped, sleeps)
            });
            let producer = spawn(move || {
                let mut producer = ring.producer().unwrap();
                let mut woken = false;
                for value in 1..=2 {
                    if producer.push(value) == Ok(Edge::WasEmpty) {
                        woken |= words.kick() == Kick::WakeCore;
                    }
                }
                woken
            });
            let (popped, sleeps) = owner.join().unwrap();
            let woken = producer.join().unwrap();
            assert!(
                popped == 2 || !sleeps || woken,
                "sleeps beside {} values",
                2 - popped
            );
            (popped, woken)
        });
}

//! Pair P11: a push against the consumer's last look (`publish`, `settle`).

use crate::explore::{model, spawn};
use hvcore::ring::{Edge, WordRing};
use std::sync::Arc;

/// P11, R000-17: whatever the consumer has not popped when it finds the ring
/// empty, the push of it reports the edge. Values arrive whole and in order.
#[test]
pub fn a_value_left_behind_was_announced_as_an_edge() {
    let outcomes = [
        (0, [true, false]),
        (1, [false, true]),
        (1, [true, true]),
        (2, [false, false]),
        (2, [false, true]),
        (2, [true, false]),
        (2, [true, true]),
    ];
    model(20, 100, outcomes).explore(|| {
        let ring = Arc::new(WordRing::<u64, 2>::new());
        let source = ring.clone();
        let consumer = spawn(move || {
            let mut consumer = source.consumer().unwrap();
            let mut popped = 0;
            while let Some(value) = consumer.pop() {
                popped += 1;
                assert_eq!(value, 40 + popped as u64, "torn or stale");
            }
            popped
        });
        let producer = spawn(move || {
            let mut producer = ring.producer().unwrap();
            [41, 42].map(|value| producer.push(value) == Ok(Edge::WasEmpty))
        });
        let popped: usize = consumer.join().unwrap();
        let edges = producer.join().unwrap();
        assert!(
            popped == 2 || edges[popped],
            "value {popped} waits unannounced"
        );
        (popped, edges)
    });
}

//! Pair P11: a push against the consumer's last look (`publish`, `settle`).

use crate::explore::{model, spawn};
use hvcore::ring::{ByteRing, Edge, WordRing};
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

/// Bytes arrive whole and in order around the end of the ring, and what does not
/// fit is counted.
#[test]
pub fn bytes_arrive_in_order_and_the_rest_is_counted() {
    let outcomes = [(0, 2), (2, 0), (2, 1), (2, 2), (3, 1)];
    model(20, 100, outcomes).drawn(50_000).explore(|| {
        let ring = Arc::new(ByteRing::<2>::new());
        let source = ring.clone();
        let consumer = spawn(move || {
            let mut consumer = source.consumer().unwrap();
            let mut bytes = [0; 4];
            let first = consumer.read(&mut bytes[..1]);
            let all = first + consumer.read(&mut bytes[first..]);
            (all, bytes)
        });
        let sink = ring.clone();
        let producer = spawn(move || {
            let mut producer = sink.producer().unwrap();
            let stored = producer.write(&[1, 2]).stored;
            assert_eq!(stored, 2);
            stored + producer.write(&[3, 4]).stored
        });
        let (read, bytes) = consumer.join().unwrap();
        let stored = producer.join().unwrap();
        assert_eq!(stored as u64 + ring.lost(), 4);
        assert_eq!(
            bytes[..read],
            [1, 2, 3, 4][..read],
            "torn, stale or out of order"
        );
        assert!(read <= stored);
        (read, ring.lost())
    });
}

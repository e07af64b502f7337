//! Rings in one thread: order, loss, edges, and a reference model.
#![cfg(not(any(loom, shuttle)))]

use hvcore::ring::{Backlog, ByteRing, Edge, Full, WordRing};
use proptest::prelude::*;
use std::collections::VecDeque;

#[test]
fn each_end_of_a_ring_is_handed_out_once() {
    let ring = WordRing::<u64, 4>::new();
    let (_p, _c) = (ring.producer().unwrap(), ring.consumer().unwrap());
    assert!(ring.producer().is_none());
    assert!(ring.consumer().is_none());
}

/// R000-17: only the push into an empty ring asks for a notice.
#[test]
fn only_the_first_push_after_empty_is_an_edge() {
    let ring = WordRing::<u64, 4>::new();
    let (mut producer, mut consumer) = (ring.producer().unwrap(), ring.consumer().unwrap());
    assert_eq!(producer.push(1), Ok(Edge::WasEmpty));
    assert_eq!(producer.push(2), Ok(Edge::WasBusy));
    assert_eq!(consumer.pop(), Some(1));
    assert_eq!(producer.push(3), Ok(Edge::WasBusy));
    assert_eq!(
        (consumer.pop(), consumer.pop(), consumer.pop()),
        (Some(2), Some(3), None)
    );
    assert_eq!(producer.push(4), Ok(Edge::WasEmpty));
}

#[test]
fn a_full_ring_returns_the_value_and_counts_it() {
    let ring = WordRing::<u64, 2>::new();
    let (mut producer, mut consumer) = (ring.producer().unwrap(), ring.consumer().unwrap());
    assert!(producer.push(1).is_ok() && producer.push(2).is_ok());
    assert_eq!(producer.push(3), Err(Full(3)));
    assert_eq!(ring.lost(), 1);
    assert_eq!(consumer.pop(), Some(1));
    assert!(producer.push(4).is_ok());
    assert_eq!((consumer.pop(), consumer.pop()), (Some(2), Some(4)));
}

#[test]
fn an_offer_keeps_the_rest_and_a_write_loses_it() {
    let ring = ByteRing::<4>::new();
    let mut producer = ring.producer().unwrap();
    let offered = producer.offer(b"abcdef");
    assert_eq!(
        (offered.stored, offered.edge, ring.lost()),
        (4, Edge::WasEmpty, 0)
    );
    let written = producer.write(b"xy");
    assert_eq!(
        (written.stored, written.edge, ring.lost()),
        (0, Edge::WasBusy, 2)
    );
    assert_eq!(ring.len(), 4);
}

proptest! {
    #[test]
    fn a_byte_ring_is_a_bounded_queue(steps in prop::collection::vec(
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12).prop_map(Ok),
            (0usize..12).prop_map(Err),
        ], 0..64)) {
        let ring = ByteRing::<8>::new();
        let (mut producer, mut consumer) = (ring.producer().unwrap(), ring.consumer().unwrap());
        let (mut model, mut lost) = (VecDeque::new(), 0);
        for step in steps {
            match step {
                Ok(bytes) => {
                    let fits = bytes.len().min(8 - model.len());
                    let edge = model.is_empty() && fits != 0;
                    let written = producer.write(&bytes);
                    prop_assert_eq!(written.stored, fits);
                    prop_assert_eq!(written.edge == Edge::WasEmpty, edge);
                    model.extend(&bytes[..fits]);
                    lost += (bytes.len() - fits) as u64;
                }
                Err(wanted) => {
                    let mut got = vec![0; wanted];
                    let n = consumer.read(&mut got);
                    let want: Vec<u8> = model.drain(..wanted.min(model.len())).collect();
                    prop_assert_eq!(&got[..n], &want[..]);
                }
            }
            prop_assert_eq!(ring.lost(), lost);
            prop_assert_eq!(ring.len(), model.len());
        }
    }

    #[test]
    fn a_backlog_keeps_the_newest_and_counts_the_rest(
        writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..32),
        clear_at in 0usize..32,
    ) {
        let mut backlog = Backlog::<7>::new();
        let (mut model, mut overwritten) = (VecDeque::new(), 0);
        for (at, bytes) in writes.iter().enumerate() {
            if at == clear_at {
                backlog.clear();
                model.clear();
            }
            backlog.write(bytes);
            for &byte in bytes {
                if model.len() == 7 {
                    model.pop_front();
                    overwritten += 1;
                }
                model.push_back(byte);
            }
            prop_assert!(backlog.replay().eq(model.iter().copied()));
            prop_assert_eq!(backlog.len(), model.len());
            prop_assert_eq!(backlog.overwritten(), overwritten);
        }
    }
}

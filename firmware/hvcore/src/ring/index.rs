//! Head, tail and the empty edge of a single-producer, single-consumer ring.
//!
//! Both count elements since the start and never wrap in practice (64 bits);
//! the slot is the count modulo a power of two.
//!
//! | word | writer | reader |
//! |---|---|---|
//! | `tail` | producer | consumer |
//! | `head` | consumer | producer |
//! | `lost` | producer | all |
//!
//! Empty edge (pair P11): the producer must wake the consumer only if the ring
//! was empty at the moment of the push. It publishes the tail, fences, and reads
//! the head; the consumer publishes the head of its last pop, finds nothing more,
//! fences, and looks once more before it sleeps. One of them sees the other.
//! Also called: event index, notification suppression.

use crate::sync::{AtomicBool, AtomicU64, Ordering, const_constructor, fence, fence_after_rmw};

/// What a push means for a consumer that sleeps when the ring is empty.
#[must_use = "a consumer that found the ring empty is not coming back by itself"]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// The ring was empty: notify the consumer.
    WasEmpty,
    /// The consumer has not finished the elements before: it will see this one.
    WasBusy,
}

/// The ring was full; here is what was not stored. It has been counted as lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full<T>(pub T);

/// A word alone on its cache line.
#[repr(align(64))]
#[derive(Debug)]
struct Line<T>(T);

/// The two counters, each on the line of its writer.
#[derive(Debug)]
pub(super) struct Indices {
    head: Line<AtomicU64>,
    tail: Line<AtomicU64>,
    lost: AtomicU64,
    producer_taken: AtomicBool,
    consumer_taken: AtomicBool,
}

impl Indices {
    const_constructor! {
        pub(super) fn new() -> Self {
            Self {
                head: Line(AtomicU64::new(0)),
                tail: Line(AtomicU64::new(0)),
                lost: AtomicU64::new(0),
                producer_taken: AtomicBool::new(false),
                consumer_taken: AtomicBool::new(false),
            }
        }
    }

    pub(super) fn claim_producer(&self) -> bool {
        !self.producer_taken.swap(true, Ordering::AcqRel)
    }

    pub(super) fn claim_consumer(&self) -> bool {
        !self.consumer_taken.swap(true, Ordering::AcqRel)
    }

    /// Elements waiting, as either side may estimate them.
    pub(super) fn len(&self) -> u64 {
        let head = self.head.0.load(Ordering::Acquire);
        self.tail.0.load(Ordering::Acquire).saturating_sub(head)
    }

    /// Elements the producer could not store.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Producer: counts `n` elements that found no room.
    pub(super) fn lose(&self, n: u64) {
        let lost = self.lost.load(Ordering::Relaxed);
        self.lost.store(lost.wrapping_add(n), Ordering::Relaxed);
    }

    /// Producer: the next slot count and how many slots are free, of `capacity`.
    #[inline]
    pub(super) fn room(&self, capacity: u64) -> (u64, u64) {
        let tail = self.tail.0.load(Ordering::Relaxed);
        // Acquire: the consumer has read the slots it gave back.
        #[cfg(not(hvcore_mutant = "ring_reuse"))]
        let head = self.head.0.load(Ordering::Acquire);
        #[cfg(hvcore_mutant = "ring_reuse")]
        let head = self.head.0.load(Ordering::Relaxed);
        let used = tail.wrapping_sub(head);
        (tail, capacity.saturating_sub(used))
    }

    /// Producer: makes `n` written slots visible and tells the edge.
    #[inline]
    pub(super) fn publish(&self, tail: u64, n: u64) -> Edge {
        #[cfg(hvcore_mutant = "ring_edge")]
        let head = self.head.0.load(Ordering::Acquire);
        // A swap: the cheapest store that also drains the store buffer.
        #[cfg(not(hvcore_mutant = "ring_publish"))]
        self.tail.0.swap(tail.wrapping_add(n), Ordering::AcqRel);
        #[cfg(hvcore_mutant = "ring_publish")]
        self.tail.0.swap(tail.wrapping_add(n), Ordering::Acquire);
        #[cfg(not(hvcore_mutant = "p11_push"))]
        fence_after_rmw(); // P11: other half in `settle`
        #[cfg(not(hvcore_mutant = "ring_edge"))]
        let head = self.head.0.load(Ordering::Relaxed);
        if head == tail {
            Edge::WasEmpty
        } else {
            Edge::WasBusy
        }
    }

    /// Consumer: the next slot count and how many elements are ready.
    #[inline]
    pub(super) fn ready(&self) -> (u64, u64) {
        let head = self.head.0.load(Ordering::Relaxed);
        let tail = self.tail.0.load(Ordering::Acquire);
        (head, tail.wrapping_sub(head))
    }

    /// Consumer: gives `n` read slots back.
    #[inline]
    pub(super) fn retire(&self, head: u64, n: u64) {
        self.head.0.store(head.wrapping_add(n), Ordering::Release);
    }

    /// Consumer, having found nothing: after this, finding nothing again may be
    /// slept on. Needed once after the last `retire`.
    #[inline]
    pub(super) fn settle(&self) {
        #[cfg(not(hvcore_mutant = "p11_pop"))]
        fence(Ordering::SeqCst); // P11: other half in `publish`
    }
}

//! Head, tail and the empty edge of a single-producer, single-consumer ring.
//!
//! Both count elements since the start and never wrap in practice (64 bits);
//! the slot is the count modulo a power of two. Each end keeps its own count in
//! its handle and never loads it back.
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

use crate::mutant::{Mutant, planted};
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

    /// Producer: how many slots are free, of `capacity`.
    #[inline]
    pub(super) fn room(&self, tail: u64, capacity: u64) -> u64 {
        // Acquire: the consumer has read the slots it gave back. No model here
        // can miss it (none delays a load), the language still asks for it.
        let head = self.head.0.load(Ordering::Acquire);
        let used = tail.wrapping_sub(head);
        capacity.saturating_sub(used)
    }

    /// Producer: makes the slots from `tail` up to `next` visible and tells the
    /// edge.
    #[inline]
    pub(super) fn publish(&self, tail: u64, next: u64) -> Edge {
        let early = planted(Mutant::EdgeBeforePush).then(|| self.head());
        // A swap: the cheapest store that also drains the store buffer.
        let order = if planted(Mutant::PublishRelaxed) {
            Ordering::Acquire
        } else {
            Ordering::AcqRel
        };
        self.tail.0.swap(next, order);
        if !planted(Mutant::PushUnfenced) {
            fence_after_rmw(); // P11: other half in `settle`
        }
        let head = early.unwrap_or_else(|| self.head());
        if head == tail {
            Edge::WasEmpty
        } else {
            Edge::WasBusy
        }
    }

    fn head(&self) -> u64 {
        self.head.0.load(Ordering::Relaxed)
    }

    /// Consumer: how many elements are ready.
    #[inline]
    pub(super) fn ready(&self, head: u64) -> u64 {
        self.tail.0.load(Ordering::Acquire).wrapping_sub(head)
    }

    /// Consumer: gives the slots below `next` back.
    #[inline]
    pub(super) fn retire(&self, next: u64) {
        self.head.0.store(next, Ordering::Release);
    }

    /// Consumer, having found nothing: after this, finding nothing again may be
    /// slept on. Needed once after the last `retire`.
    #[inline]
    pub(super) fn settle(&self) {
        if !planted(Mutant::PopUnfenced) {
            fence(Ordering::SeqCst); // P11: other half in `publish`
        }
    }
}

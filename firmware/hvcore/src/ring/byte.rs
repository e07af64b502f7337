//! A ring of bytes: console input and output between two cores.
//!
//! Writes take what fits and count the rest as lost; one publication covers the
//! whole slice, so the fence is paid once a line, not once a byte.
//! Also called: FIFO, serial buffer.

use super::index::{Edge, Indices};
use crate::sync::{AtomicU8, Ordering, const_constructor, zeroed_atomics};

/// Up to `N` bytes between one producer and one consumer; `N` is a power of two.
#[derive(Debug)]
pub struct ByteRing<const N: usize> {
    indices: Indices,
    slots: [AtomicU8; N],
}

/// The writing end, one per ring.
#[derive(Debug)]
pub struct ByteProducer<'r, const N: usize> {
    ring: &'r ByteRing<N>,
    tail: u64,
}

/// The reading end, one per ring.
#[derive(Debug)]
pub struct ByteConsumer<'r, const N: usize> {
    ring: &'r ByteRing<N>,
    head: u64,
    /// Read since the last `settle`.
    unsettled: bool,
}

/// What became of a write.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// Bytes stored, from the front of the slice.
    pub stored: usize,
    /// Whether the consumer must be notified; `WasBusy` if nothing was stored.
    pub edge: Edge,
}

impl<const N: usize> ByteRing<N> {
    const MASK: u64 = {
        assert!(N.is_power_of_two());
        N as u64 - 1
    };

    const_constructor! {
        /// An empty ring.
        pub fn new() -> Self {
            Self { indices: Indices::new(), slots: zeroed_atomics!(AtomicU8) }
        }
    }

    /// The writing end; `None` when it has been taken.
    pub fn producer(&self) -> Option<ByteProducer<'_, N>> {
        self.indices.claim_producer().then_some(ByteProducer {
            ring: self,
            tail: 0,
        })
    }

    /// The reading end; `None` when it has been taken.
    pub fn consumer(&self) -> Option<ByteConsumer<'_, N>> {
        self.indices.claim_consumer().then_some(ByteConsumer {
            ring: self,
            head: 0,
            unsettled: false,
        })
    }

    /// Bytes that found no room, since the start.
    pub fn lost(&self) -> u64 {
        self.indices.lost()
    }

    /// Bytes waiting, as either side may estimate them.
    pub fn len(&self) -> usize {
        self.indices.len() as usize
    }

    /// Whether no byte is waiting.
    pub fn is_empty(&self) -> bool {
        self.indices.len() == 0
    }

    fn slot(&self, count: u64) -> Option<&AtomicU8> {
        self.slots.get((count & Self::MASK) as usize)
    }
}

impl<const N: usize> Default for ByteRing<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> ByteProducer<'_, N> {
    /// Appends as many bytes as fit and counts the others as lost.
    pub fn write(&mut self, bytes: &[u8]) -> Written {
        let written = self.offer(bytes);
        self.ring
            .indices
            .lose((bytes.len() - written.stored) as u64);
        written
    }

    /// Appends as many bytes as fit; the caller keeps the others, none is lost.
    pub fn offer(&mut self, bytes: &[u8]) -> Written {
        let (ring, tail) = (self.ring, self.tail);
        let free = ring.indices.room(tail, N as u64);
        let stored = bytes.len().min(free as usize);
        if stored == 0 {
            return Written {
                stored,
                edge: Edge::WasBusy,
            };
        }
        for (count, byte) in (tail..).zip(bytes.iter().take(stored)) {
            if let Some(slot) = ring.slot(count) {
                slot.store(*byte, Ordering::Relaxed);
            }
        }
        self.tail = tail.wrapping_add(stored as u64);
        Written {
            stored,
            edge: ring.indices.publish(tail, self.tail),
        }
    }
}

impl<const N: usize> ByteConsumer<'_, N> {
    /// Moves the oldest bytes into `into`; returns how many. A zero for a
    /// non-empty `into` may be slept on.
    pub fn read(&mut self, into: &mut [u8]) -> usize {
        let ring = self.ring;
        let mut ready = ring.indices.ready(self.head);
        if ready == 0 && self.unsettled {
            ring.indices.settle();
            self.unsettled = false;
            ready = ring.indices.ready(self.head);
        }
        let taken = into.len().min(ready as usize);
        if taken == 0 {
            return 0;
        }
        for (count, byte) in (self.head..).zip(into.iter_mut().take(taken)) {
            if let Some(slot) = ring.slot(count) {
                *byte = slot.load(Ordering::Relaxed);
            }
        }
        self.head = self.head.wrapping_add(taken as u64);
        ring.indices.retire(self.head);
        self.unsettled = true;
        taken
    }

    /// The oldest byte.
    pub fn pop(&mut self) -> Option<u8> {
        let mut one = [0];
        (self.read(&mut one) == 1).then_some(one[0])
    }
}

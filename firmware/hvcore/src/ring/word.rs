//! A ring of small values, each carried in one 64-bit word.
//!
//! For messages between two cores: completions, trace events, orders. A value
//! that needs more than 64 bits travels as an index into a table.
//! Also called: SPSC queue, mailbox.

use super::index::{Edge, Full, Indices};
use crate::sync::{AtomicU64, Ordering, const_constructor, zeroed_atomics};
use core::marker::PhantomData;

/// A value that fits one word. `from_word(into_word(x))` is `x`.
pub trait Word: Copy {
    /// The value as a word.
    fn into_word(self) -> u64;
    /// The value of a word that `into_word` made.
    fn from_word(word: u64) -> Self;
}

impl Word for u64 {
    fn into_word(self) -> u64 {
        self
    }
    fn from_word(word: u64) -> Self {
        word
    }
}

/// Up to `N` values of `T` between one producer and one consumer; `N` is a power
/// of two.
#[derive(Debug)]
pub struct WordRing<T, const N: usize> {
    indices: Indices,
    slots: [AtomicU64; N],
    values: PhantomData<fn(T) -> T>,
}

/// The writing end, one per ring.
#[derive(Debug)]
pub struct Producer<'r, T, const N: usize> {
    ring: &'r WordRing<T, N>,
    tail: u64,
}

/// The reading end, one per ring.
#[derive(Debug)]
pub struct Consumer<'r, T, const N: usize> {
    ring: &'r WordRing<T, N>,
    head: u64,
    /// Popped since the last `settle`.
    unsettled: bool,
}

impl<T: Word, const N: usize> WordRing<T, N> {
    const MASK: u64 = {
        assert!(N.is_power_of_two());
        N as u64 - 1
    };

    const_constructor! {
        /// An empty ring.
        pub fn new() -> Self {
            Self {
                indices: Indices::new(),
                slots: zeroed_atomics!(AtomicU64),
                values: PhantomData,
            }
        }
    }

    /// The writing end; `None` when it has been taken.
    pub fn producer(&self) -> Option<Producer<'_, T, N>> {
        self.indices.claim_producer().then_some(Producer {
            ring: self,
            tail: 0,
        })
    }

    /// The reading end; `None` when it has been taken.
    pub fn consumer(&self) -> Option<Consumer<'_, T, N>> {
        self.indices.claim_consumer().then_some(Consumer {
            ring: self,
            head: 0,
            unsettled: false,
        })
    }

    /// Values that found no room, since the start.
    pub fn lost(&self) -> u64 {
        self.indices.lost()
    }

    fn slot(&self, count: u64) -> Option<&AtomicU64> {
        self.slots.get((count & Self::MASK) as usize)
    }
}

impl<T: Word, const N: usize> Default for WordRing<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Word, const N: usize> Producer<'_, T, N> {
    /// Appends a value. `WasEmpty` obliges the caller to notify the consumer.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<Edge, Full<T>> {
        let (ring, tail) = (self.ring, self.tail);
        let free = ring.indices.room(tail, N as u64);
        match ring.slot(tail) {
            Some(slot) if free != 0 => {
                slot.store(value.into_word(), Ordering::Relaxed);
                self.tail = tail.wrapping_add(1);
                Ok(ring.indices.publish(tail, self.tail))
            }
            _ => {
                ring.indices.lose(1);
                Err(Full(value))
            }
        }
    }
}

impl<T: Word, const N: usize> Consumer<'_, T, N> {
    /// Removes the oldest value. A `None` may be slept on: the next push says
    /// `WasEmpty`.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        let indices = &self.ring.indices;
        let mut ready = indices.ready(self.head);
        if ready == 0 && self.unsettled {
            indices.settle();
            self.unsettled = false;
            ready = indices.ready(self.head);
        }
        if ready == 0 {
            return None;
        }
        let word = self.ring.slot(self.head)?.load(Ordering::Relaxed);
        self.head = self.head.wrapping_add(1);
        indices.retire(self.head);
        self.unsettled = true;
        Some(T::from_word(word))
    }
}

//! Rings: bounded queues between cores, and the ring that keeps the newest log.
//!
//! [`WordRing`] and [`ByteRing`] have one producer and one consumer, on two
//! cores, without a lock; [`index`] is their common protocol. [`Backlog`] has one
//! owner at a time and overwrites its oldest bytes.
//!
//! Slots are atomics, because a slot that two cores touch is shared memory and
//! this crate has no unsafe code to say otherwise. On the machine a relaxed
//! access to one is a plain move.
//!
//! Full is an answer: a push returns what it could not store, and the ring
//! counts it.
//! Also called: SPSC queue, mailbox, circular buffer.

pub mod backlog;
pub mod byte;
pub mod index;
pub mod word;

pub use backlog::Backlog;
pub use byte::ByteRing;
pub use index::{Edge, Full};
pub use word::{Word, WordRing};

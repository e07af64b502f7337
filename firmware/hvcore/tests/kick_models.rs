//! The same models on real threads: a smoke test here, weak memory under Miri.
//!
//! `MIRIFLAGS="-Zmiri-many-seeds=0..64" cargo +nightly miri test -p hvcore --test
//! kick_models`: every seed is another schedule with other stale values, and a data
//! race would be an error (R000-09).
#![cfg(not(any(loom, shuttle)))]

#[path = "loom/explore.rs"]
mod explore;

#[path = "loom/coalescing.rs"]
mod coalescing;
#[path = "loom/covered_state.rs"]
mod covered_state;
#[path = "loom/exiting.rs"]
mod exiting;
#[path = "loom/irr_bit.rs"]
mod irr_bit;
#[path = "loom/p11_empty_edge.rs"]
mod p11_empty_edge;
#[path = "loom/p1_requests_mode.rs"]
mod p1_requests_mode;
#[path = "loom/p2_virr_mode.rs"]
mod p2_virr_mode;
#[path = "loom/p4_ring_blocked.rs"]
mod p4_ring_blocked;
#[path = "loom/quiesce.rs"]
mod quiesce;

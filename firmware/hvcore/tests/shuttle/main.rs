//! The same models under shuttle: sequentially consistent, every schedule.
//!
//! It sees outcomes that loom skips (a plain load hides another thread's load
//! there), and no missing fence. `RUSTFLAGS="--cfg shuttle" cargo test -p hvcore
//! --test shuttle --release --target-dir target/shuttle`.
#![cfg(all(shuttle, not(loom)))]

#[path = "../loom/explore.rs"]
mod explore;

#[path = "../loom/coalescing.rs"]
mod coalescing;
#[path = "../loom/covered_state.rs"]
mod covered_state;
#[path = "../loom/exiting.rs"]
mod exiting;
#[path = "../loom/irr_bit.rs"]
mod irr_bit;
#[path = "../loom/mutants.rs"]
mod mutants;
#[path = "../loom/p11_empty_edge.rs"]
mod p11_empty_edge;
#[path = "../loom/p1_requests_mode.rs"]
mod p1_requests_mode;
#[path = "../loom/p2_virr_mode.rs"]
mod p2_virr_mode;
#[path = "../loom/p4_ring_blocked.rs"]
mod p4_ring_blocked;
#[path = "../loom/quiesce.rs"]
mod quiesce;

//! Models of the fence pairs under loom: stale values, every interleaving.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p hvcore --test loom --release
//! --target-dir target/loom`. Each body is written once; `tests/shuttle` and
//! `tests/kick_models.rs` run the same files. Mutants: see this crate's README.
#![cfg(loom)]

mod explore;

mod coalescing;
mod covered_state;
mod irr_bit;
mod mutants;
mod p11_empty_edge;
mod p1_requests_mode;
mod p2_virr_mode;
mod p4_ring_blocked;
mod quiesce;

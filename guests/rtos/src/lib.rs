//! The real-time guest without a machine: statistics, options, the plant.
//!
//! Kind: decisions (guest side), tested on a host. The machine's half is `main.rs` and what it names.
#![cfg_attr(not(test), no_std)]

pub mod control_loop;
pub mod jitter;
pub mod options;

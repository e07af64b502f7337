//! The parts of the real-time guest that need no machine: statistics, options, the controlled plant.
//!
//! Kind: decisions (guest side), tested on a host. The machine's half is `main.rs` and what it names.
#![cfg_attr(not(test), no_std)]

pub mod control_loop;
pub mod jitter;
pub mod options;

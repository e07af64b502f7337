//! DECISIONS: everything Bulkhead decides, as pure code that runs on a laptop.
//!
//! Kind of crate: decisions. No privileged instruction, no address of a device,
//! no clock of its own: time, memory and CPU identity come in as arguments, and
//! what has to be done goes out as a value (decide, then do).
//!
//! A module may use those above it in this list:
#![cfg_attr(not(any(test, loom, shuttle)), no_std)]
#![forbid(unsafe_code)]

pub mod error;
pub mod ids;
pub mod lock;
pub mod mutant;
pub mod port;
pub mod sync;

pub mod ring;

pub mod handoff;
pub mod policy;

pub mod lapic;

pub mod kick;

pub mod inject;

pub mod npt;

pub mod clock;
pub mod device;
pub mod guest;

pub mod decode;

pub mod vcpu;

pub mod exit;

pub mod housekeeping;

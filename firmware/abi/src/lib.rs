//! WORDS: what Bulkhead shares with guests and host tools.
//!
//! Kind of crate: words. Pure data with its layout proved; uses nothing of ours.
#![no_std]
#![forbid(unsafe_code)]

pub mod epitaph;
pub mod kvm;
pub mod log_frame;
pub mod plan;

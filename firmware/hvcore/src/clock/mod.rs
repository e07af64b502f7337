//! CLOCKS the guest is shown.
//!
//! A partition's TSC is the host's plus one offset, equal for all its vCPUs, and
//! the host's TSCs run in step. So system time is a straight line over the TSC
//! that never has to be drawn again: a clock page is written when a vCPU
//! registers it, and the guest computes time without an exit ever after.

pub mod calendar;
pub mod kvmclock;

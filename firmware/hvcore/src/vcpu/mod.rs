//! One vCPU and the partition it belongs to.
//!
//! What only the vCPU's own core touches is in [`owned`]; what others may reach
//! (mode words, register page, counters, devices) is in [`shared`]. A core runs
//! the same loop for ever: service requests, plan the entry, enter, settle what
//! the exit shows, dispatch, apply the verdict.

pub mod counters;
pub mod facts;
pub mod owned;
pub mod post;
pub mod recent;
pub mod serial_port;
pub mod shared;
pub mod start;

//! The claims, one file for each subject.

pub mod entry;
pub mod linux;
pub mod probes;
pub mod real_time;

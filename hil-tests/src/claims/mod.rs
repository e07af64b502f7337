//! The claims, one file for each subject.

pub mod control;
pub mod entry;
pub mod headless;
pub mod linux;
pub mod lives;
pub mod neighbours;
pub mod noise;
pub mod probes;
pub mod real_time;
pub mod refusals;

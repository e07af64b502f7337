//! The test suite: every check of the repository, in order, counted.
//!
//! Theory of operation: [`parts`] is the list, cheapest first; a part is a few commands
//! ([`step`]) whose output goes to `target/suite/PART.log`; [`count`] reads the number
//! of tests out of that output, so that a part that ran nothing fails; [`needs`] gets
//! what a part needs installed; [`runner`] goes through them and [`summary`] ends with
//! the line `N passed, N failed`.
//! Also called: CI, test all, check all.

pub mod count;
pub mod needs;
pub mod parts;
pub mod runner;
pub mod step;
pub mod summary;

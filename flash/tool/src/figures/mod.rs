//! What Bulkhead costs, counted: instructions, exits, flash and RAM.
//!
//! Theory of operation: QEMU counts instructions in place of time, so that one tick of
//! the TSC is one instruction and a run repeats. [`plans`] packs the machines; a
//! [`dialogue`] drives one through its console. [`exit_costs`] runs the guest `bench`,
//! [`linux_boot`] boots Debian up to its [`first_program`], [`image_size`] looks into the
//! flash image, [`memory_use`] asks the shell. Each gives rows; [`table`] sets them beside
//! KVM's figures and our aims, [`markers`] puts the table into documents.
//! No verdict: a missed aim is shown as missed, and that is all.
//! Also called: benchmark, performance, exit latency.

pub mod command_line;
pub mod dialogue;
pub mod exit_costs;
pub mod first_program;
pub mod image_size;
pub mod linux_boot;
pub mod markers;
pub mod memory_use;
pub mod plans;
pub mod table;

//! The machine in QEMU: its command line, its serial lines, its end.
//!
//! Theory of operation: [`qemu`] makes the command; [`process`] starts it so that it
//! cannot outlive us; both serial lines are socket pairs handed over as open files,
//! feeding one [`crate::console::hub`] each; [`session`] waits for the first of
//! exit, signal, time-out and quit key; [`outcome`] judges how QEMU ended.

pub mod outcome;
pub mod process;
pub mod qemu;
pub mod session;

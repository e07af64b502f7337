//! A serial line shared by the terminal, sockets and files.
//!
//! Theory of operation: a [`hub`] owns the machine's end and a backlog; everyone who
//! reads has a [`queue`] of his own, so that a slow reader delays nobody and a late
//! one first gets the backlog. [`server`] makes socket clients readers and
//! writers, [`terminal`] the user; [`keys`] is the terminal's escape key.

pub mod hub;
pub mod keys;
pub mod queue;
pub mod server;
pub mod terminal;

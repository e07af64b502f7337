//! PCI: find every function, give every bus a number and every BAR an address.
//!
//! Three steps, each its own file: the walk (numbers buses, measures BARs), the
//! arithmetic (bridge windows bottom up, addresses top down), the programming
//! (writes BARs, windows and command registers). All go through `ConfigSpace`,
//! so that the whole runs on the host against a model.

pub mod assign;
pub mod config_space;
pub mod program;
pub mod walk;

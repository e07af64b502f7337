//! What the command needs of the machine it runs on, found, installed or named.
//!
//! Theory of operation: [`programs`] are Debian packages, installed when we are root;
//! [`rust_target`] is rustup's; [`kernels`] come from the Debian archive through a
//! private apt root ([`apt`]) whose mirror and keys are read from the system's
//! [`sources`], which are never changed. Everything is idempotent: a second run
//! looks and does nothing, offline too.

pub mod apt;
pub mod kernels;
pub mod programs;
pub mod rust_target;
pub mod sources;

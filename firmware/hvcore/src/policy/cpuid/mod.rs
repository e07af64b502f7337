//! CPUID as the guest sees it.
//!
//! [`host`] is what the machine said at start, captured once; [`mask`] is what
//! of it a guest may know; [`table`] is the finished answer, one per partition,
//! looked up at every CPUID exit without running CPUID. Nothing passes through
//! because nobody thought of it: an unknown leaf is zeros, an unnamed feature
//! bit is 0 (24594 volume 3, appendix E).

pub mod host;
pub mod mask;
pub mod table;

pub use host::{HostCpuid, Regs};
pub use table::{CpuidTable, Dynamic, Platform};

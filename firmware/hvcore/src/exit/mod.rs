//! Exits: from raw numbers to what happens next.
//!
//! [`dispatch::dispatch`] is one match with one handler a kind. A handler reads
//! the exit, changes the vCPU through `port::GuestCpu`, and returns a
//! [`Verdict`]; the loop applies it. A fault raised by a handler is merged with
//! an event whose delivery the exit interrupted. An exit nobody knows stops the
//! partition with a full record (PLT-60).
//! Also called: VM exit handling, intercepts.

mod apic;
pub mod context;
mod cpuid;
pub mod dispatch;
mod exception;
mod hypercall;
mod msr;
mod nested_fault;
mod port_io;
mod port_string;
mod skip;
mod task_priority;
mod xsetbv;

pub use context::{Context, PartitionFacts, StopReason, Verdict};
pub use port_io::raise as raise_uart_line;

//! Runtime of the bare-metal guests: from multiboot entry to a Rust `main`.
//!
//! Kind: touch (guest side). A guest is one multiboot v1 image that owns its whole machine: CPUs, memory,
//! devices. The runtime brings up 64-bit mode, descriptor tables, the console and a panic path, and then
//! calls `main`; when that returns, it powers the machine off. What a probe wants beyond that it asks for:
//! [`smp::start`], [`timer`], [`fault::expect_fault`], [`uart`].
//!
//! ```text
//! start.S (32-bit) -> start::rt_boot -> descriptors, vectors, console -> main -> power::off
//! start.S (16-bit copy) -> smp::rt_ap_boot -> descriptors, vectors -> the function given to smp::start
//! ```
//!
//! Assumptions that the `SAFETY` comments refer to by number:
//!
//! * **A1** The image runs alone in ring 0 of its machine, as loaded; nobody else writes its memory.
//! * **A2** The first 4 GiB are mapped one to one, writable and user-accessible, as `start.S` does it.
//! * **A3** No device of this machine writes memory by itself (no DMA), so a device register access can
//!   change devices but no Rust object.
//! * **A4** Handlers run on the interrupted CPU and only use atomics, devices and the console.
//! * **A5** GS base of a started CPU points to its [`percpu::PerCpu`] and stays so.
//! * **A6** The image holds no vector code (target with soft floats), so no handler saves vector state.
//!
//! Also called: guest runtime, libos, crt0, bare-metal test harness.
#![cfg_attr(not(test), no_std)]

pub mod clock_ratio;
pub mod command_line;

#[cfg(target_os = "none")]
mod machine;
#[cfg(target_os = "none")]
pub use machine::*;

//! KVM's MSR numbers.
//!
//! The range 0x4b564d00 to 0x4b564dff is Linux's by convention; 0x11 and 0x12
//! are the numbers of the first version, still probed by old guests.

/// Wall clock of boot: guest-physical address of a [`super::clock::WallClock`].
pub const WALL_CLOCK: u32 = 0x4b56_4d00;
/// System time of one vCPU: address of a [`super::clock::SystemTime`], bit 0 enables.
pub const SYSTEM_TIME: u32 = 0x4b56_4d01;
/// Asynchronous page faults: enable and address.
pub const ASYNC_PF_ENABLE: u32 = 0x4b56_4d02;
/// Time stolen from a vCPU.
pub const STEAL_TIME: u32 = 0x4b56_4d03;
/// End of interrupt by memory.
pub const PV_EOI: u32 = 0x4b56_4d04;
/// Host-side polling on HLT.
pub const POLL_CONTROL: u32 = 0x4b56_4d05;
/// Asynchronous page faults: vector of page-ready interrupts.
pub const ASYNC_PF_VECTOR: u32 = 0x4b56_4d06;
/// Asynchronous page faults: acknowledgement of a page-ready event.
pub const ASYNC_PF_ACK: u32 = 0x4b56_4d07;

/// [`WALL_CLOCK`] by its first number.
pub const LEGACY_WALL_CLOCK: u32 = 0x11;
/// [`SYSTEM_TIME`] by its first number.
pub const LEGACY_SYSTEM_TIME: u32 = 0x12;

/// Bit 0 of [`SYSTEM_TIME`]: the page is to be kept up to date.
pub const SYSTEM_TIME_ENABLE: u64 = 1;

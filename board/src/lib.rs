//! WORDS: one const value per board, checked at compile time.
//!
//! Kind of crate: words. The payload carries all boards and picks one by the
//! coreboot mainboard record; the host tool checks plans against one by name.
#![no_std]
#![forbid(unsafe_code)]

mod amd_bilby;
mod description;
mod errata;
mod pcengines_apu2;
mod qemu_q35;
mod selection;
mod unknown;

pub use description::{Board, LogPort};
pub use errata::Errata;
pub use selection::{ALL, by_mainboard, by_name};
pub use unknown::UNKNOWN;

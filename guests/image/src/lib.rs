//! What a build host has to know about a guest.
//!
//! Kind: words (host side). A guest is a multiboot image, a header line with its machine needs, and an
//! expected log. This crate turns the linker's file into the first, and reads the other two:
//!
//! * [`elf32`] wraps an ELF64 file as the ELF32 that multiboot loaders take;
//! * [`needs`] parses the `needs:` line of a probe's header;
//! * [`expected_log`] compares a console log with `NAME.out`.
//!
//! No dependencies, so that the host tool, the test runner and a shell can all use it.
#![forbid(unsafe_code)]

pub mod elf32;
pub mod expected_log;
pub mod needs;

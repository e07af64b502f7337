//! Bulkhead's host tool: check, pack, inspect, run, monitor, and the test suite.
//!
//! Kind of crate: host. Uses the words of `abi` and `board`; everything a user types
//! after the first hour. The two programs are thin; rigs and `hil-tests` use the
//! library. GPL programs (QEMU, cbfstool, apt) are called, never linked.
//!
//! Theory of operation: a [`plan`] is checked against a board ([`board_facts`]) and its
//! images ([`image`]); [`rom`] packs it with a [`payload`] that a board will not refuse;
//! [`machine`] boots the result in QEMU with its serial lines on [`console`]s;
//! [`monitor`] decodes such lines;
//! [`setup`] provides what all that needs, [`failure`] says how it ended, [`suite`] runs
//! every test there is, [`figures`] counts instructions and bytes.
//! Also called: xtask, cargo runner, flasher.
#![forbid(unsafe_code)]

pub mod board_facts;
pub mod cargo_build;
pub mod command;
pub mod console;
pub mod failure;
pub mod figures;
pub mod image;
pub mod initramfs;
pub mod machine;
pub mod monitor;
pub mod payload;
pub mod plan;
pub mod program;
pub mod progress;
pub mod rom;
pub mod setup;
pub mod size;
pub mod suite;
pub mod workspace;

//! The test suite's program: `cargo suite`.
//!
//! Owns: nothing but the way from the command line to an exit code.
#![forbid(unsafe_code)]

use bulkhead::command::suite::Suite;
use bulkhead::failure::finish;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    finish(Suite::parse().run())
}

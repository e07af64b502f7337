//! The `bulkhead` command.
//!
//! Owns: nothing but the way from the command line to an exit code.
#![forbid(unsafe_code)]

use bulkhead::command::Cli;
use bulkhead::failure::finish;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    finish(Cli::parse().run())
}

//! The program that measures: `cargo figures`.
//!
//! Owns: nothing but the way from the command line to an exit code.
#![forbid(unsafe_code)]

use bulkhead::failure::finish;
use bulkhead::figures::command_line::Figures;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    finish(Figures::parse().run())
}

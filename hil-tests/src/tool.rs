//! The host command, as a rig or a test calls it: in a process of its own.
//!
//! Owns: the way to call it. `cargo test -p hil-tests` does not build the program, but
//! the test program links its library: called with [`MARK`] as first argument it is the
//! host command, so that what is tested can never be an old build.

use anyhow::{Context, Result};
use bulkhead::command::Cli;
use bulkhead::{failure, program};
use clap::Parser;
use std::process::{Command, ExitCode};

/// First argument that turns the test program into the host command.
pub const MARK: &str = "--as-bulkhead";

/// Runs as the host command when called so.
pub fn run_if_called() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != MARK {
        return None;
    }
    let line = std::iter::once("bulkhead".into()).chain(arguments);
    Some(failure::finish(Cli::parse_from(line).run()))
}

/// The host command, without arguments. It ends with the thread that starts it, so that
/// a test program that is killed leaves no machine running.
pub fn bulkhead() -> Result<Command> {
    let ourselves = std::env::current_exe().context("the test program's path")?;
    let mut command = match program::find("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM", "--"]).arg(ourselves);
            command
        }
        None => Command::new(ourselves),
    };
    command.arg(MARK);
    Ok(command)
}

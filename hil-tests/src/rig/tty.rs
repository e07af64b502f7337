//! A serial port of the bench: opened raw at a speed.
//!
//! Owns: the port's settings. A file that is no terminal (a pipe, a socket of a
//! multiplexer) is taken as it is.

use super::Wire;
use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, isatty, tcflush, tcgetattr, tcsetattr};
use rustix::termios::{QueueSelector, Termios};
use std::fs::{File, OpenOptions};
use std::path::Path;

/// Opens `port` at `baud`; what it received before is thrown away.
pub fn open(port: &Path, baud: u32) -> Result<Wire> {
    let named = || format!("the serial port `{}`", port.display());
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(port)
        .with_context(named)?;
    if isatty(&file) {
        settings(&file, baud).with_context(named)?;
    }
    Ok(Wire {
        input: Box::new(file.try_clone().with_context(named)?),
        output: Box::new(file),
    })
}

fn settings(file: &File, baud: u32) -> Result<()> {
    let mut settings: Termios = tcgetattr(file)?;
    settings.make_raw();
    settings.set_speed(baud)?;
    tcsetattr(file, OptionalActions::Now, &settings)?;
    tcflush(file, QueueSelector::IFlush)?;
    Ok(())
}

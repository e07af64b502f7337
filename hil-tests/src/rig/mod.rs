//! What a test runs on: a machine with flash, power and two serial lines.
//!
//! Theory of operation: a [`Rig`] lends [`Machine`]s, one after the other or several at
//! once; a machine has verbs and no policy ([`crate::session`] knows the order of
//! things). Tests see a rig only through its [`Feature`]s and its patience. [`qemu`] is
//! always there, `bench` is a board described by a [`crate::place`].
//! Also called: target, device under test, DUT, labgrid place.

pub mod bench;
pub mod qemu;
mod tty;

use crate::boot::Shape;
use crate::patience::Patience;
use anyhow::{Context, Result};
use std::fmt::{self, Display, Formatter};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What not every rig has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Feature {
    /// CPUs, RAM, CPU model and devices are as the test wants them.
    AnyMachine,
    /// At least so many CPUs.
    Cpus(u32),
    /// The end of the machine is seen, and its exit code.
    ExitCode,
}

impl Display for Feature {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnyMachine => f.write_str("any-machine"),
            Self::Cpus(count) => write!(f, "{count} CPUs"),
            Self::ExitCode => f.write_str("exit-code"),
        }
    }
}

/// What images are made for.
#[derive(Clone, Debug)]
pub struct Board {
    /// Its name in plans.
    pub name: String,
    /// The coreboot ROM that is packed into; `None` for the one around our boot block.
    pub rom: Option<PathBuf>,
}

/// A way to get machines.
pub trait Rig: Send + Sync {
    /// Its name, shown beside every test.
    fn name(&self) -> &str;
    /// Whether it has the feature.
    fn has(&self, feature: Feature) -> bool;
    /// How long to wait on it.
    fn patience(&self) -> Patience;
    /// What images for it are made for.
    fn board(&self) -> Board;
    /// A machine, switched off. `name` is for files it leaves.
    ///
    /// # Errors
    /// When it is taken or broken.
    fn machine(&self, name: &str, shape: &Shape) -> Result<Box<dyn Machine>>;
}

/// A machine; dropped, it is off.
pub trait Machine: Send {
    /// Puts the image into its flash. It is off.
    fn flash(&mut self, image: &Path) -> Result<()>;
    /// Switches it on and gives its serial lines, which lose nothing from the first byte on.
    fn power_on(&mut self) -> Result<Wires>;
    /// Switches it off.
    fn power_off(&mut self) -> Result<()>;
    /// Waits for it to end by itself; exit code of the host command, where there is one.
    fn ended(&mut self, wait: Duration) -> Result<i32>;
}

/// Both ends of one serial line.
pub struct Wire {
    /// From the machine.
    pub input: Box<dyn Read + Send>,
    /// To the machine.
    pub output: Box<dyn Write + Send>,
}

/// The serial lines of a machine.
pub struct Wires {
    /// For people.
    pub console: Wire,
    /// Log frames; `None` on a board with one UART.
    pub log: Option<Wire>,
}

/// The rig that the environment names: QEMU, or the place in `BULKHEAD_PLACE`.
pub fn chosen() -> Result<Box<dyn Rig>> {
    match std::env::var_os("BULKHEAD_PLACE") {
        None => Ok(Box::new(qemu::Qemu::default())),
        Some(path) => {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("reading the place `{}`", Path::new(&path).display()))?;
            let place = crate::place::Place::parse(&text)?;
            Ok(Box::new(bench::Bench::at(place)))
        }
    }
}

//! The command line: one file for each subcommand, and the table of them.
//!
//! Owns: names, options and help texts. What a command does lies in the module it
//! calls; here are arguments and the order of steps.

pub mod check;
pub mod check_payload;
pub mod inspect;
pub mod monitor;
pub mod pack;
pub mod run;
pub mod setup;
pub mod suite;

use crate::failure::{Failure, help_end};
use clap::{Parser, Subcommand};

/// Checks, packs, boots and inspects Bulkhead flash images.
#[derive(Parser, Debug)]
#[command(name = "bulkhead", version, after_help = help_end(EXAMPLES), max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
cargo bulkhead run --demo                          boot the demo in QEMU
cargo bulkhead check my.toml                       explain every mistake of a plan
cargo bulkhead run --plan my.toml                  boot it
cargo bulkhead pack --rom coreboot.rom --plan my.toml -o out.rom
cargo bulkhead inspect out.rom                     see what is in it
cargo bulkhead monitor /dev/ttyUSB0                decode a board's console

Every command has its own --help with examples.
";

#[derive(Subcommand, Debug)]
enum Command {
    Setup(setup::Setup),
    Check(check::Check),
    Pack(pack::Pack),
    CheckPayload(check_payload::CheckPayload),
    Inspect(inspect::Inspect),
    Run(run::Run),
    Monitor(monitor::Monitor),
}

impl Cli {
    /// Runs the chosen command.
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Setup(command) => command.run(),
            Command::Check(command) => command.run(),
            Command::Pack(command) => command.run(),
            Command::CheckPayload(command) => command.run(),
            Command::Inspect(command) => command.run(),
            Command::Run(command) => command.run(),
            Command::Monitor(command) => command.run(),
        }
    }
}

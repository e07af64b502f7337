//! `bulkhead inspect`: what is in a ROM or in a payload ELF.

use crate::failure::{Failure, help_end};
use crate::rom::inspect;
use anyhow::Context;
use clap::Args;
use std::path::PathBuf;

/// Show what is in a flash image or in a payload ELF.
///
/// Regions, files, payload entry and segments, the plan, sizes and SHA-256 digests.
#[derive(Args, Debug)]
#[command(after_help = help_end(EXAMPLES))]
pub struct Inspect {
    /// A ROM or an ELF.
    file: PathBuf,
    /// Print one JSON object (schema bulkhead.inspect/1) on standard output.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
cargo bulkhead inspect target/bulkhead/demo.rom
cargo bulkhead inspect target/bulkhead/payload.elf
cargo bulkhead inspect out.rom --json | jq .files";

impl Inspect {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let bytes = std::fs::read(&self.file)
            .with_context(|| format!("cannot read `{}`", self.file.display()))?;
        let report = inspect::report(&bytes);
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report).context("JSON")?);
        } else {
            print!("{}", inspect::tables(&report));
        }
        Ok(())
    }
}

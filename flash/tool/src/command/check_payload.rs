//! `bulkhead check-payload`: would a board boot this ELF?

use crate::failure::{Failure, help_end};
use crate::payload::{elf_rules, vector_use};
use crate::progress;
use anyhow::Context;
use clap::Args;
use std::path::PathBuf;

/// Tell whether a board would boot an ELF, and why not.
///
/// Its type, machine, segment places, entry, and that no function touches the guests'
/// vector registers.
#[derive(Args, Debug)]
#[command(after_help = help_end("cargo bulkhead check-payload target/bulkhead/payload.elf"))]
pub struct CheckPayload {
    /// The ELF.
    elf: PathBuf,
}

impl CheckPayload {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let file = std::fs::read(&self.elf)
            .with_context(|| format!("cannot read `{}`", self.elf.display()))?;
        elf_rules::require(&file, &self.elf)?;
        let functions = vector_use::find(&file).functions;
        progress::stage(
            "Checked",
            format!(
                "{}: boots; {functions} functions without vector registers",
                self.elf.display()
            ),
        );
        Ok(())
    }
}

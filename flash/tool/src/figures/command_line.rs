//! `cargo figures`: count, print, and on request write the table into documents.
//!
//! Owns: options, the order of the measurements, and the documents that carry the table.

use super::{exit_costs, image_size, linux_boot, markers, memory_use, table};
use crate::failure::{Failure, help_end};
use crate::progress;
use crate::setup::programs::{self, CBFSTOOL, FMAPTOOL, QEMU};
use crate::workspace::Workspace;
use anyhow::Context;
use clap::{Parser, ValueEnum};
use std::io::Write;

/// Counts what Bulkhead costs: instructions per exit, a boot of Debian, flash, RAM.
///
/// The machine is QEMU counting instructions instead of time (`-icount`): one tick is
/// one instruction, caches cost nothing, and a run repeats. Takes some minutes. Nothing
/// is judged; a missed aim is marked in the table.
#[derive(Parser, Debug)]
#[command(name = "cargo figures", version, after_help = help_end(EXAMPLES), max_term_width = 100)]
pub struct Figures {
    /// Only these parts; all by default.
    parts: Vec<Part>,
    /// Write the table into README.md and firmware/design/figures.md too.
    #[arg(long, conflicts_with = "parts")]
    write: bool,
}

const EXAMPLES: &str = "\
cargo figures                   measure everything and print the table
cargo figures exits             only what an exit costs
cargo figures --write           put the table into the documents";

/// Documents that carry the table between markers.
const DOCUMENTS: &[&str] = &["README.md", "firmware/design/figures.md"];

/// One group of rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Part {
    /// Instructions per exit.
    Exits,
    /// Reset vector to guest, and Linux to its first program.
    Boot,
    /// Bytes in flash.
    Flash,
    /// RAM of the hypervisor.
    Ram,
}

impl Figures {
    /// Runs it. Must be called on the main thread.
    pub fn run(self) -> Result<(), Failure> {
        programs::ensure(&[QEMU, CBFSTOOL, FMAPTOOL])?;
        let workspace = Workspace::find()?;
        let parts = if self.parts.is_empty() {
            Part::value_variants()
        } else {
            &self.parts
        };
        let mut rows = Vec::new();
        for part in parts {
            progress::stage("Measuring", part.says());
            rows.extend(part.measure(&workspace)?);
        }
        let table = table::markdown(&rows);
        if self.write {
            for document in DOCUMENTS {
                markers::write(&workspace.root.join(document), &table)?;
                progress::stage("Written", document);
            }
        }
        std::io::stdout()
            .write_all(table.as_bytes())
            .context("printing the table")?;
        Ok(())
    }
}

impl Part {
    fn says(self) -> &'static str {
        match self {
            Self::Exits => "instructions per exit",
            Self::Boot => "a boot of Debian, some minutes",
            Self::Flash => "bytes in flash",
            Self::Ram => "RAM on 1 and 8 cores",
        }
    }

    fn measure(self, workspace: &Workspace) -> Result<Vec<table::Row>, Failure> {
        match self {
            Self::Exits => exit_costs::measure(workspace),
            Self::Boot => linux_boot::measure(workspace),
            Self::Flash => image_size::measure(workspace),
            Self::Ram => memory_use::measure(workspace),
        }
    }
}

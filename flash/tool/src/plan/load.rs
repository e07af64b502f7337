//! A plan file from disk, checked against a board.
//!
//! Owns: the order of the steps, and the overrides of the command line.

use super::check_images::Locate;
use super::compile::{self, Compiled};
use super::diagnostic::{Diagnostic, Diagnostics};
use super::draft::Draft;
use super::{check, check_images, reader};
use crate::board_facts::BoardFacts;
use crate::failure::Failure;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// A plan file with its text.
#[derive(Debug)]
pub struct PlanFile {
    /// As the user wrote it.
    pub path: PathBuf,
    /// Its text, for error snippets.
    pub text: String,
}

/// What the command line says of the board.
#[derive(Clone, Debug, Default)]
pub struct BoardChoice {
    /// `--board`.
    pub name: Option<String>,
    /// `--cpus`.
    pub cpus: Option<u32>,
    /// `--threads-per-core`.
    pub threads_per_core: Option<u32>,
    /// `--memory`.
    pub memory: Option<u64>,
}

/// The outcome of a check without mistakes.
#[derive(Debug)]
pub struct Checked {
    /// The plan.
    pub draft: Draft,
    /// The board with overrides.
    pub board: BoardFacts,
}

impl PlanFile {
    /// Reads the file.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the plan `{}`", path.display()))
            .map_err(Failure::Usage)?;
        Ok(Self {
            path: path.to_owned(),
            text,
        })
    }

    /// The folder that relative image paths start at.
    pub fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Checks everything and returns either the plan or all its mistakes.
    pub fn check(
        &self,
        choice: &BoardChoice,
        locate: Locate<'_>,
    ) -> Result<Checked, Vec<Diagnostic>> {
        let mut found = Diagnostics::default();
        let draft = reader::read(&self.text, &mut found);
        let readable = !draft.partitions.is_empty() || found.is_empty();
        // With an unknown board the rules that need none are still held.
        let board =
            check::board(&draft, choice.name.as_deref(), &mut found).unwrap_or(BoardFacts::ANY);
        let board = adjust(board, choice);
        if readable {
            check::check(&draft, &board, &mut found);
        }
        check_images::check(&draft, self.folder(), locate, &mut found);
        if found.is_empty() {
            Ok(Checked { draft, board })
        } else {
            Err(found.sorted())
        }
    }

    /// Compiles a checked plan.
    pub fn compile(&self, checked: &Checked) -> Result<Compiled, Failure> {
        Ok(compile::compile(
            &checked.draft,
            checked.board.name,
            self.folder(),
        )?)
    }
}

fn adjust(board: BoardFacts, choice: &BoardChoice) -> BoardFacts {
    BoardFacts {
        cores: choice.cpus.unwrap_or(board.cores),
        threads_per_core: choice.threads_per_core.unwrap_or(board.threads_per_core),
        memory: choice.memory.unwrap_or(board.memory),
        ..board
    }
}

//! External programs: finding them, running them, telling what they said.
//!
//! Owns: how cbfstool, fmaptool, cargo and apt-get are called. GPL programs are
//! called, not linked. A program that succeeds is silent; one that fails shows its
//! last lines, and one that is missing names the Debian package that has it.

use crate::failure::Failure;
use anyhow::Context;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Finds `name` in `PATH` or in the system folders a plain user's `PATH` lacks.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// As [`find`]; when absent, a failure that says which Debian package to install.
pub fn require(name: &str, package: &str) -> Result<PathBuf, Failure> {
    find(name).ok_or_else(|| {
        Failure::tool(format!(
            "`{name}` is not installed; run `cargo bulkhead setup`, or as root `apt-get install {package}`"
        ))
    })
}

/// Runs a command to its end with its output captured.
///
/// # Errors
/// When it cannot be started or fails, with the last lines it printed.
pub fn run(command: &mut Command) -> anyhow::Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{name}`"))?;
    if output.status.success() {
        return Ok(output);
    }
    let arguments: Vec<_> = command
        .get_args()
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    anyhow::bail!(
        "`{name} {}` failed ({}):\n{}",
        arguments.join(" "),
        output.status,
        tail(&said, 20)
    )
}

/// The last `lines` lines of a program's output, indented.
pub fn tail(output: &[u8], lines: usize) -> String {
    let text = String::from_utf8_lossy(output);
    let all: Vec<_> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    all.get(from..)
        .unwrap_or_default()
        .iter()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_shows_its_last_words() {
        let error =
            run(Command::new("sh").args(["-c", "echo no space left >&2; exit 9"])).unwrap_err();
        assert!(format!("{error:#}").contains("    no space left"));
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let error = require("no-such-program-here", "some-package").unwrap_err();
        assert!(error.to_string().contains("apt-get install some-package"));
        assert_eq!(error.code(), 3);
    }
}

//! The Rust target of everything that runs on bare metal.
//!
//! Owns: seeing whether `x86_64-unknown-none` is installed and asking rustup for it.

use crate::failure::Failure;
use crate::{program, progress};
use anyhow::Context;
use std::path::PathBuf;
use std::process::Command;

/// The target.
pub const TARGET: &str = "x86_64-unknown-none";

/// Installs the target when it is missing.
pub fn ensure() -> Result<(), Failure> {
    if installed()? {
        return Ok(());
    }
    let line = format!("rustup target add {TARGET}");
    if program::find("rustup").is_none() {
        return Err(Failure::tool(format!(
            "the Rust target {TARGET} is missing and rustup is not there; with rustup: `{line}`"
        )));
    }
    progress::stage("Installing", format!("Rust target {TARGET}"));
    program::run(Command::new("rustup").args(["target", "add", TARGET]))
        .with_context(|| format!("by hand: `{line}`"))?;
    Ok(())
}

/// Whether the standard library of the target is there.
pub fn installed() -> Result<bool, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = program::run(Command::new(rustc).args(["--print", "sysroot"]))
        .context("Rust is not installed")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(sysroot
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib")
        .is_dir())
}

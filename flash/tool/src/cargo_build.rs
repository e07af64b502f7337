//! Building the images of this checkout: hypervisor, boot block, guests.
//!
//! Owns: which cargo command makes which file. Nested cargo does not deadlock under
//! `cargo run`, which replaces itself by the command before it starts.

use crate::failure::Failure;
use crate::progress;
use crate::workspace::Workspace;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const BARE: &str = "x86_64-unknown-none";
const FIRMWARE: &[&str] = &["--profile", "firmware"];
/// Built together, so that a plan with several guests starts cargo's work once.
const GUEST_PACKAGES: &[&str] = &["probes", "rtos"];

/// Builds the hypervisor and keeps its unstripped ELF as `target/bulkhead/payload.elf`.
pub fn hypervisor(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let built = package(workspace, &["hypervisor"], FIRMWARE, "firmware")?.join("hypervisor");
    keep_file(&built, &workspace.payload_elf())
}

/// Builds the boot block and returns its ELF.
pub fn bootblock(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let built = package(workspace, &["bootblock"], FIRMWARE, "firmware")?.join("bootblock");
    keep_file(&built, &workspace.products().join("bootblock.elf"))
}

/// Where the multiboot image of a guest lies.
pub fn guest_path(workspace: &Workspace, name: &str) -> PathBuf {
    workspace
        .products()
        .join("guests")
        .join(format!("{name}.elf"))
}

/// Builds a bare-metal guest of `guests/` and wraps it as a multiboot ELF32.
pub fn guest(workspace: &Workspace, name: &str) -> Result<PathBuf, Failure> {
    if !guest_names(workspace).iter().any(|known| known == name) {
        return Err(unknown_guest(workspace, name));
    }
    let folder = package(workspace, GUEST_PACKAGES, &["--release"], "release")?;
    let linked = std::fs::read(folder.join(name))
        .with_context(|| format!("cargo made no guest `{name}`"))?;
    let wrapped = guest_image::elf32::wrap(&linked).map_err(|why| {
        Failure::tool(format!(
            "guest `{name}` cannot be wrapped as multiboot: {why:?}"
        ))
    })?;
    keep(&wrapped, &guest_path(workspace, name))
}

/// Names of the guests that `guest:NAME` can mean.
pub fn guest_names(workspace: &Workspace) -> Vec<String> {
    let sources = std::fs::read_dir(workspace.root.join("guests/probes/src/bin"))
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<_> = sources
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_suffix(".rs")
                .map(str::to_owned)
        })
        .chain(std::iter::once("rtos".to_owned()))
        .collect();
    names.sort();
    names
}

fn unknown_guest(workspace: &Workspace, name: &str) -> Failure {
    Failure::usage(format!(
        "no guest is called `{name}`; there are: {}",
        guest_names(workspace).join(", ")
    ))
}

/// Runs `cargo build` for the bare target; returns the folder of the binaries.
fn package(
    workspace: &Workspace,
    names: &[&str],
    profile: &[&str],
    folder: &str,
) -> Result<PathBuf, Failure> {
    let mut command = cargo(workspace);
    command
        .args(["build", "-q", "--target", BARE])
        .args(profile);
    names.iter().for_each(|name| _ = command.args(["-p", name]));
    let bar = progress::spinner("Building", names.join(", "));
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("cannot start cargo")?;
    bar.finish_and_clear();
    if output.status.success() {
        return Ok(workspace.target.join(BARE).join(folder));
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::tool(format!(
        "`{}` does not build:\n{said}",
        names.join("`, `")
    )))
}

/// Removes what the cargo that runs us has set; a nested one must find out for itself.
pub fn forget_outer_cargo(command: &mut Command) {
    for name in [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_PKG_NAME",
    ] {
        command.env_remove(name);
    }
}

/// Cargo as the user called it, in the checkout, with the target folder pinned.
pub fn cargo(workspace: &Workspace) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", &workspace.target);
    forget_outer_cargo(&mut command);
    command
}

/// Copies a file that cargo made to its lasting place.
fn keep_file(built: &Path, kept: &Path) -> Result<PathBuf, Failure> {
    let new =
        std::fs::read(built).with_context(|| format!("cargo made no `{}`", built.display()))?;
    keep(&new, kept)
}

/// Writes a product, unless it is there already.
fn keep(new: &[u8], kept: &Path) -> Result<PathBuf, Failure> {
    if std::fs::read(kept).ok().as_deref() != Some(new) {
        std::fs::create_dir_all(kept.parent().unwrap_or(Path::new(".")))
            .context("making the products folder")?;
        std::fs::write(kept, new).with_context(|| format!("writing `{}`", kept.display()))?;
    }
    Ok(kept.to_owned())
}

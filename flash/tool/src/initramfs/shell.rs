//! The initramfs behind `initramfs:shell`: busybox and one script.
//!
//! Owns: its file list. Every applet is a symbolic link, made here and not at boot,
//! because linking three hundred of them takes an emulated guest half a second.

use super::newc::Archive;
use crate::failure::Failure;
use crate::program;
use crate::setup::programs::{self, BUSYBOX};
use crate::workspace::Workspace;
use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// Where it lies.
pub fn path(workspace: &Workspace) -> PathBuf {
    workspace.products().join("initramfs-shell.cpio.gz")
}

/// Makes it, or leaves the one that is there when nothing changed.
pub fn obtain(workspace: &Workspace) -> Result<PathBuf, Failure> {
    programs::ensure(&[BUSYBOX])?;
    let busybox = program::require(BUSYBOX.name, BUSYBOX.package)?;
    let listed = program::run(Command::new(&busybox).arg("--list"))?;
    let applets = String::from_utf8_lossy(&listed.stdout).into_owned();
    let recipe = workspace.root.join("guests/linux");
    let init = std::fs::read(recipe.join("init")).context("the recipe guests/linux/init")?;
    let binary = std::fs::read(&busybox).context("busybox")?;
    let packed = gzip(&archive(&binary, applets.lines(), &init))?;
    let path = path(workspace);
    if std::fs::read(&path).ok().as_deref() != Some(&packed) {
        std::fs::create_dir_all(workspace.products()).context("products folder")?;
        std::fs::write(&path, packed).with_context(|| format!("writing `{}`", path.display()))?;
    }
    Ok(path)
}

fn archive<'a>(busybox: &[u8], applets: impl Iterator<Item = &'a str>, init: &[u8]) -> Vec<u8> {
    let mut archive = Archive::default();
    for folder in [
        "bin", "dev", "etc", "mnt", "proc", "root", "run", "sys", "tmp",
    ] {
        archive.directory(folder);
    }
    // Before devtmpfs is mounted, /init already needs somewhere to print.
    archive.character_device("dev/console", 5, 1);
    archive.symlink("sbin", "bin");
    archive.file("bin/busybox", 0o755, busybox);
    for applet in applets.filter(|applet| *applet != "busybox") {
        archive.symlink(&format!("bin/{applet}"), "busybox");
    }
    archive.file("init", 0o755, init);
    archive.finish()
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).context("compressing")?;
    Ok(encoder.finish().context("compressing")?)
}

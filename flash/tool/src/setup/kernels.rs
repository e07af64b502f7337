//! Debian's kernels, fetched once into the cache.
//!
//! Owns: from the word in a plan (`debian:6.1-cloud`) to a `vmlinuz` file. The metapackage
//! is resolved at fetch time, so a new machine gets the newest build; the version
//! stands beside the file. Only `boot/vmlinuz-*` is kept: the serial driver and the
//! initramfs are built in, so no module is needed.

use super::apt::PrivateApt;
use crate::failure::Failure;
use crate::image::source::DebianKernel;
use crate::workspace::Workspace;
use crate::{program, progress, size};
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the kernel lies or would lie.
pub fn path(workspace: &Workspace, kernel: DebianKernel) -> PathBuf {
    folder(workspace, kernel).join("vmlinuz")
}

/// The Debian version of a fetched kernel.
pub fn version(workspace: &Workspace, kernel: DebianKernel) -> Option<String> {
    let text = std::fs::read_to_string(folder(workspace, kernel).join("version")).ok()?;
    Some(text.trim().to_owned())
}

fn folder(workspace: &Workspace, kernel: DebianKernel) -> PathBuf {
    workspace.cache.join("kernels").join(kernel.word())
}

/// The kernel, fetched when it is not there yet.
pub fn obtain(workspace: &Workspace, kernel: DebianKernel) -> Result<PathBuf, Failure> {
    let path = path(workspace, kernel);
    if path.is_file() {
        return Ok(path);
    }
    let apt = PrivateApt::update(&workspace.cache, kernel.suite())?;
    let meta = apt.show(kernel.metapackage())?;
    let image = meta
        .depends
        .iter()
        .find(|name| name.starts_with("linux-image-"));
    let image = image.with_context(|| format!("`{}` depends on no kernel", meta.name))?;
    let package = apt.show(image)?;
    let deb = apt.download(&package)?;
    let unpacked = unpack(&deb, &folder(workspace, kernel));
    let _ = std::fs::remove_file(&deb);
    unpacked?;
    std::fs::write(
        folder(workspace, kernel).join("version"),
        format!("{} {}\n", package.name, package.version),
    )
    .context("version")?;
    let length = path.metadata().map_or(0, |data| data.len());
    progress::stage(
        "Fetched",
        format!(
            "debian:{}: {} {} ({})",
            kernel.word(),
            package.name,
            package.version,
            size::human(length)
        ),
    );
    Ok(path)
}

/// Takes `boot/vmlinuz-*` out of a package; it appears whole or not at all.
fn unpack(deb: &Path, folder: &Path) -> Result<(), Failure> {
    program::require("dpkg-deb", "dpkg")?;
    std::fs::create_dir_all(folder).context("making the kernel folder")?;
    let scratch = tempfile::tempdir_in(folder).context("scratch folder")?;
    let mut reader = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(deb)
        .stdout(Stdio::piped())
        .spawn()
        .context("dpkg-deb")?;
    let pipe = reader.stdout.take().context("dpkg-deb has no output")?;
    let tar = Command::new("tar")
        .args(["-x", "-f", "-", "-C"])
        .arg(scratch.path())
        .args(["--wildcards", "./boot/vmlinuz-*"])
        .stdin(pipe)
        .status()
        .context("tar")?;
    let read = reader.wait().context("dpkg-deb")?;
    let mut kernels = std::fs::read_dir(scratch.path().join("boot"))
        .into_iter()
        .flatten()
        .flatten();
    let kernel = kernels.next().map(|entry| entry.path());
    let unpacked = || {
        ensure!(
            tar.success() && read.success(),
            "`{}` cannot be unpacked",
            deb.display()
        );
        kernel.with_context(|| format!("`{}` holds no kernel", deb.display()))
    };
    std::fs::rename(unpacked()?, folder.join("vmlinuz")).context("keeping the kernel")?;
    Ok(())
}

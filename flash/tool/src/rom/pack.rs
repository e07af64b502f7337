//! Payload, plan and images into a ROM.
//!
//! Owns: the order of the work and the rule that the output appears whole or not
//! at all: everything happens on a copy beside it, renamed at the end. Packing into
//! a ROM that already carries a plan of ours replaces it.

use super::cbfstool::{Cbfstool, Compression};
use super::{cbfs, fmap};
use crate::failure::Failure;
use crate::payload::elf_rules;
use crate::plan::compile::{CBFS_FOLDER, Compiled};
use crate::size;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// The CBFS name that coreboot starts.
pub const PAYLOAD: &str = "fallback/payload";

/// Everything that goes into a ROM.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The hypervisor; debug sections stay out of flash by themselves.
    pub payload: &'a Path,
    /// Compression of the payload's segments.
    pub compression: Compression,
    /// The compiled plan.
    pub plan: &'a Compiled,
    /// File of each image of the plan, in the plan's order.
    pub images: &'a [PathBuf],
}

/// Packs `contents` into a copy of `base` at `out`.
pub fn pack(base: &Path, contents: &Contents<'_>, out: &Path) -> Result<(), Failure> {
    let elf = std::fs::read(contents.payload)
        .with_context(|| format!("cannot read the payload `{}`", contents.payload.display()))?;
    elf_rules::require(&elf, contents.payload)?;
    let folder = out
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).context("making the output folder")?;
    let part = tempfile::Builder::new()
        .prefix(".packing")
        .suffix(".rom")
        .tempfile_in(folder)
        .context("output file")?;
    std::fs::copy(base, part.path())
        .with_context(|| format!("cannot copy the ROM `{}`", base.display()))?;
    let tool = Cbfstool::on(part.path())?;
    for stale in replaced(&std::fs::read(part.path()).context("reading the ROM")?) {
        tool.remove(&stale)?;
    }
    tool.add_payload(contents.payload, contents.compression)?;
    let plan = tempfile::Builder::new()
        .prefix(".plan")
        .tempfile_in(folder)
        .context("plan file")?;
    std::fs::write(plan.path(), &contents.plan.bytes).context("plan file")?;
    tool.add_raw(abi::plan::CBFS_NAME, plan.path())?;
    for (placed, file) in contents.plan.images.iter().zip(contents.images) {
        tool.add_raw(&placed.cbfs_name, file)
            .map_err(|error| too_big(error, file, part.path()))?;
    }
    let part = part.into_temp_path();
    set_readable(&part)?;
    part.persist(out)
        .with_context(|| format!("cannot write `{}`", out.display()))?;
    Ok(())
}

/// Files of an earlier packing, and the payload that coreboot's build put there.
fn replaced(rom: &[u8]) -> Vec<String> {
    let regions = fmap::regions(rom);
    let main = regions.iter().find(|region| region.name == "COREBOOT");
    let range = main.map_or(0..rom.len(), |region| {
        region.offset..region.offset + region.length
    });
    let names = cbfs::files(rom, range).into_iter().map(|file| file.name);
    names
        .filter(|name| name == PAYLOAD || name.starts_with(CBFS_FOLDER))
        .collect()
}

fn too_big(error: Failure, file: &Path, rom: &Path) -> Failure {
    let length = file.metadata().map_or(0, |data| data.len());
    let room = std::fs::read(rom)
        .map(|rom| largest_gap(&rom))
        .unwrap_or(u64::MAX);
    if length <= room {
        return error;
    }
    Failure::usage(format!(
        "`{}` ({}) does not fit: the largest free space in the flash image is {} \
         (an image that several partitions name is stored once)",
        file.display(),
        size::human(length),
        size::human(room)
    ))
}

/// Longest run of erased flash, near enough for a message.
fn largest_gap(rom: &[u8]) -> u64 {
    let runs = rom.split(|byte| *byte != 0xff).map(<[u8]>::len);
    runs.max().unwrap_or(0) as u64
}

/// Temporary files are private; a ROM is for programmers and rigs.
fn set_readable(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
        .context("permissions of the ROM")
}

//! From a checked draft to the plan file of CBFS and the list of images.
//!
//! Owns: filling the structs of `abi::plan` and naming the images in CBFS. Images
//! named by several partitions go into flash once.

use super::draft::{At, DEFAULT_RESTART_LIMIT, Draft, Module, Partition, Policy, Start};
use crate::image::source::ImageSource;
use abi::plan::{self, ATTACH_NONE, FILE_LEN, Header, MAGIC, VERSION, flags};
use anyhow::{Context, Result};
use std::path::Path;
use zerocopy::{FromZeros, IntoBytes};

/// Folder of everything of ours in CBFS but the payload.
pub const CBFS_FOLDER: &str = "bulkhead/";

/// A plan ready for flash.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Contents of the CBFS file `bulkhead/plan`.
    pub bytes: Vec<u8>,
    /// The images it names, each once.
    pub images: Vec<PlacedImage>,
}

/// An image and its place in CBFS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlacedImage {
    /// CBFS file name.
    pub cbfs_name: String,
    /// Where to get it.
    pub source: ImageSource,
}

/// Compiles a draft that has no diagnostics; `folder` is the plan's.
///
/// # Errors
/// When a required value is absent after all, which a check would have said.
pub fn compile(draft: &Draft, board: &str, folder: &Path) -> Result<Compiled> {
    let mut images = Vec::new();
    let mut records = Vec::new();
    for partition in &draft.partitions {
        records.push(
            record(partition, folder, &mut images)
                .with_context(|| format!("partition `{}`", partition.title()))?,
        );
    }
    let attach = draft.attach.as_ref().and_then(|name| {
        let index = draft
            .partitions
            .iter()
            .position(|partition| partition.title() == name.get_ref())?;
        u32::try_from(index).ok()
    });
    let body: Vec<u8> = records
        .iter()
        .flat_map(|record| record.as_bytes().to_vec())
        .collect();
    let header = Header {
        magic: MAGIC,
        version: VERSION,
        length: u32::try_from(size_of::<Header>() + body.len())?,
        crc: crc32(&body),
        partitions: u32::try_from(records.len())?,
        attach: attach.unwrap_or(ATTACH_NONE),
        errata_off: draft.errata_off.bits(),
        board: padded(board)?,
    };
    Ok(Compiled {
        bytes: [header.as_bytes(), &body].concat(),
        images,
    })
}

/// CRC-32 (ISO-HDLC) as the header's `crc` wants it.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn record(
    partition: &Partition,
    folder: &Path,
    images: &mut Vec<PlacedImage>,
) -> Result<plan::Partition> {
    let mut out = plan::Partition::new_zeroed();
    let cores = partition.cores.as_ref().context("no cores")?.get_ref();
    for (place, core) in out.cores.iter_mut().zip(cores) {
        *place = u8::try_from(*core.get_ref())?;
    }
    out.vcpus = u32::try_from(cores.len())?;
    out.name = padded(partition.title())?;
    out.kind = partition
        .kind
        .as_ref()
        .context("no kind")?
        .get_ref()
        .number();
    out.on_crash = partition.on_crash.unwrap_or(Policy::Stop).number();
    out.on_reboot = partition.on_reboot.unwrap_or(Policy::Restart).number();
    out.on_poweroff = partition.on_poweroff.unwrap_or(Policy::Stop).number();
    out.memory = *partition.memory.as_ref().context("no memory")?.get_ref();
    out.load_address = partition
        .load_address
        .as_ref()
        .map_or(0, |address| *address.get_ref());
    out.entry_address = partition
        .entry_address
        .as_ref()
        .map_or(0, |address| *address.get_ref());
    out.flags = if partition.start == Start::Manual {
        flags::MANUAL_START
    } else {
        0
    };
    out.restart_limit = partition.restart_limit.unwrap_or(DEFAULT_RESTART_LIMIT);
    out.image = place(
        partition.image.as_ref().context("no image")?,
        folder,
        images,
    )?;
    if let Some(initrd) = &partition.initrd {
        out.initrd = place(initrd, folder, images)?;
    }
    for (slot, module) in out
        .modules
        .iter_mut()
        .zip(partition.modules.iter().flat_map(At::get_ref))
    {
        *slot = module_record(module, folder, images)?;
    }
    out.cmdline = padded(text(partition.cmdline.as_ref()))?;
    Ok(out)
}

fn module_record(
    module: &Module,
    folder: &Path,
    images: &mut Vec<PlacedImage>,
) -> Result<plan::Module> {
    Ok(plan::Module {
        file: place(&module.file, folder, images)?,
        cmdline: padded(text(module.cmdline.as_ref()))?,
    })
}

fn text(value: Option<&At<String>>) -> &str {
    value.map_or("", |value| value.get_ref())
}

/// The CBFS name of an image, made unique and remembered.
fn place(
    image: &At<ImageSource>,
    folder: &Path,
    images: &mut Vec<PlacedImage>,
) -> Result<[u8; FILE_LEN]> {
    let source = image.get_ref().below(folder);
    if let Some(known) = images.iter().find(|known| known.source == source) {
        return padded(&known.cbfs_name);
    }
    let stem: String = source
        .cbfs_stem()
        .chars()
        .filter(|c| c.is_ascii_graphic())
        .take(32)
        .collect();
    let wanted = format!("{CBFS_FOLDER}image/{stem}");
    let taken = |name: &String| images.iter().any(|known| known.cbfs_name == *name);
    let numbered = (2..).map(|n| format!("{wanted}-{n}"));
    let cbfs_name = std::iter::once(wanted.clone())
        .chain(numbered)
        .find(|name| !taken(name))
        .unwrap_or(wanted);
    let field = padded(&cbfs_name)?;
    images.push(PlacedImage { cbfs_name, source });
    Ok(field)
}

/// `text` behind which the field is zero.
fn padded<const N: usize>(text: &str) -> Result<[u8; N]> {
    let mut field = [0; N];
    field
        .get_mut(..text.len())
        .with_context(|| format!("`{text}` has more than {N} bytes"))?
        .copy_from_slice(text.as_bytes());
    Ok(field)
}

//! The flash image for QEMU: our boot block and an empty CBFS.
//!
//! Owns: turning the linked boot block into the binary that ends at the reset vector,
//! and laying out 16 MiB around it as `flash/bootblock/layout.fmd` says.

use super::cbfstool::{self, Cbfstool};
use crate::cargo_build;
use crate::failure::Failure;
use crate::workspace::Workspace;
use anyhow::Context;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, elf};
use std::path::{Path, PathBuf};

/// The region of the layout that holds the boot block.
const REGION: &str = "BOOTBLOCK";
/// Its length.
const SIZE: usize = 64 << 10;
/// Its physical address: the last 64 KiB below 4 GiB.
const BASE: u64 = (4 << 30) - SIZE as u64;

/// Makes `target/bulkhead/blank.rom` and returns its path.
pub fn make(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let linked = cargo_build::bootblock(workspace)?;
    let products = workspace.products();
    // Names of this process: two runs in one checkout must not write one file.
    let own = |name: &str| products.join(format!("{}-{name}", std::process::id()));
    let (flat, map, rom) = (own("bootblock.bin"), own("layout.fmap"), own("blank.rom"));
    std::fs::write(&flat, flatten(&linked)?).context("writing the boot block")?;
    cbfstool::fmap(&workspace.root.join("flash/bootblock/layout.fmd"), &map)?;
    let tool = Cbfstool::on(&rom)?;
    tool.create(&map)?;
    tool.write(REGION, &flat)?;
    for made in [&flat, &map] {
        std::fs::remove_file(made).with_context(|| format!("removing `{}`", made.display()))?;
    }
    let finished = products.join("blank.rom");
    std::fs::rename(&rom, &finished).context("naming the blank image")?;
    Ok(finished)
}

/// The 64 KiB of flash below 4 GiB as the linked boot block fills them; erased elsewhere.
pub fn flatten(linked: &Path) -> anyhow::Result<Vec<u8>> {
    let file = std::fs::read(linked).with_context(|| format!("reading `{}`", linked.display()))?;
    let mut flat = vec![0xff; SIZE];
    match file.get(4) {
        Some(1) => place::<elf::FileHeader32<Endianness>>(&file, &mut flat)?,
        _ => place::<elf::FileHeader64<Endianness>>(&file, &mut flat)?,
    }
    Ok(flat)
}

fn place<Elf: FileHeader<Endian = Endianness>>(file: &[u8], flat: &mut [u8]) -> anyhow::Result<()> {
    let header = Elf::parse(file).context("the boot block is not an ELF")?;
    let endian = header.endian().context("byte order")?;
    for segment in header
        .program_headers(endian, file)
        .context("program headers")?
    {
        let data = segment
            .data(endian, file)
            .ok()
            .context("a segment lies outside the file")?;
        if segment.p_type(endian) != elf::PT_LOAD || data.is_empty() {
            continue;
        }
        let address: u64 = segment.p_paddr(endian).into();
        let start = address
            .checked_sub(BASE)
            .and_then(|offset| usize::try_from(offset).ok());
        let room = start.and_then(|start| flat.get_mut(start..start.checked_add(data.len())?));
        room.with_context(|| {
            format!("the segment at {address:#x} is outside the last 64 KiB below 4 GiB")
        })?
        .copy_from_slice(data);
    }
    Ok(())
}

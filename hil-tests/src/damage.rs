//! Flash contents gone wrong, each in one known place.
//!
//! Owns: the damages. They are made on the finished image, so that a checker or packer
//! that would refuse to make them is not in the way.

use anyhow::{Context, Result, ensure};
use bulkhead::rom::fmap;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// One bit of the compiled plan's contents has changed.
    PlanBit,
    /// The compiled plan is gone: its name in the file system is another one.
    PlanMissing,
    /// The header of the file behind the payload is overwritten.
    FileHeader,
    /// The flash map has lost its signature.
    FlashMap,
    /// The boot block writes another signature than coreboot's into its table.
    BoardTable,
}

impl Damage {
    /// Does it to `rom`.
    pub fn apply(self, rom: &mut [u8]) -> Result<()> {
        match self {
            Self::PlanBit => {
                let file = place_of_name(rom, abi::plan::CBFS_NAME)?;
                let data = header_field(rom, file, 20)? as usize;
                // Behind the magic number and the version, in front of the checksum's end.
                let byte = rom
                    .get_mut(file + data + 64)
                    .context("the plan is cut off")?;
                *byte ^= 1;
            }
            Self::PlanMissing => {
                let name = abi::plan::CBFS_NAME;
                let at = find(rom, name.as_bytes()).context("no plan in the image")?;
                *rom.get_mut(at).context("outside the image")? = b'x';
            }
            Self::FileHeader => {
                let file = place_of_name(rom, abi::plan::CBFS_NAME)?;
                rom.get_mut(file..file + 8)
                    .context("outside the image")?
                    .fill(0x55);
            }
            Self::FlashMap => {
                let map = fmap::regions(rom);
                let region = map
                    .iter()
                    .find(|region| region.name == "FMAP")
                    .context("no flash map in the image")?;
                let signature = rom.get_mut(region.offset..region.offset + 8);
                signature.context("outside the image")?.fill(0);
            }
            Self::BoardTable => {
                // Its code holds the signature as a constant: firmware of another make.
                let block = rom.len().saturating_sub(BOOT_BLOCK);
                let code = rom.get_mut(block..).unwrap_or_default();
                let mut places = 0;
                while let Some(at) = find(code, SIGNATURE) {
                    code[at..at + SIGNATURE.len()].copy_from_slice(b"NONE");
                    places += 1;
                }
                ensure!(places != 0, "no signature in the boot block");
            }
        }
        Ok(())
    }
}

/// Length of the boot block at the end of the image.
const BOOT_BLOCK: usize = 64 << 10;
/// First word of a coreboot table.
const SIGNATURE: &[u8] = b"LBIO";
const FILE_MAGIC: &[u8] = b"LARCHIVE";

/// Start of the header of the file called `name`.
fn place_of_name(rom: &[u8], name: &str) -> Result<usize> {
    let at = find(rom, name.as_bytes()).with_context(|| format!("no `{name}` in the image"))?;
    let before = rom.get(..at).unwrap_or_default();
    let start = before
        .windows(FILE_MAGIC.len())
        .rposition(|window| window == FILE_MAGIC);
    start.context("no file header before the name")
}

/// A big-endian word of a file header.
fn header_field(rom: &[u8], file: usize, at: usize) -> Result<u32> {
    let bytes = rom.get(file + at..file + at + 4).context("cut off")?;
    Ok(u32::from_be_bytes(bytes.try_into()?))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

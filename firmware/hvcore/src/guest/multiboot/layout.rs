//! Where a multiboot guest's modules and information go.

use heapless::Vec;

use super::image::Image;
use crate::guest::memory_map::{EXTENDED_START, RamLayout};
use crate::ids::Gpa;

/// Most modules.
pub const MAX_MODULES: usize = abi::plan::MAX_MODULES;
/// The information structure and all it points to.
pub const INFO: Gpa = Gpa(0x9000);
/// Room for it: all strings of a plan and the lists fit, with some to spare.
pub const INFO_LEN: u64 = 0x1000;
/// Room for strings in it, zeros included.
pub const STRINGS_LEN: usize = 0xC00;

/// A module: bytes and the string that names them.
#[derive(Clone, Copy, Debug)]
pub struct Module<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Its string, without a zero.
    pub cmdline: &'a [u8],
}

/// Why an image cannot be placed in a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayoutFault {
    /// A segment is not wholly in usable RAM.
    SegmentOutsideRam {
        /// Where it wants to be.
        at: u32,
        /// Its length in memory.
        len: u32,
    },
    /// A segment wants to be where the information structure is.
    SegmentOverInfo {
        /// Where it wants to be.
        at: u32,
    },
    /// More than [`MAX_MODULES`] modules.
    TooManyModules,
    /// The module of this rank does not fit behind the image.
    ModuleOutsideRam {
        /// Rank, from 0.
        rank: usize,
    },
    /// All strings together are longer than their room.
    StringsTooLong {
        /// Bytes of room, a zero per string included.
        room: usize,
    },
}

/// Where the modules go. Made by [`plan`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The image's pieces and entry.
    pub image: Image,
    /// The partition's RAM.
    pub ram: RamLayout,
    /// First byte of each module, on a page.
    pub modules: Vec<u32, MAX_MODULES>,
}

/// Decides where modules go: page-aligned, one behind the other, behind the
/// image's last byte and above 1 MiB.
pub fn plan(
    image: Image,
    ram: RamLayout,
    cmdline: &[u8],
    modules: &[Module<'_>],
) -> Result<Layout, LayoutFault> {
    let mut end = EXTENDED_START;
    for piece in &image.pieces {
        let (at, len) = (u64::from(piece.at), u64::from(piece.memory_len));
        if !ram.is_usable(Gpa(at), len) {
            return Err(LayoutFault::SegmentOutsideRam {
                at: piece.at,
                len: piece.memory_len,
            });
        }
        if at < INFO.0 + INFO_LEN && INFO.0 < at + len {
            return Err(LayoutFault::SegmentOverInfo { at: piece.at });
        }
        end = end.max(at + len);
    }
    let strings = modules
        .iter()
        .map(|module| module.cmdline.len() + 1)
        .sum::<usize>();
    if cmdline.len() + 1 + strings > STRINGS_LEN {
        return Err(LayoutFault::StringsTooLong { room: STRINGS_LEN });
    }
    let mut places = Vec::new();
    for (rank, module) in modules.iter().enumerate() {
        let at = end.next_multiple_of(0x1000);
        let len = module.bytes.len() as u64;
        let start = match u32::try_from(at) {
            Ok(start) if len <= ram.low_end().saturating_sub(at) => start,
            _ => return Err(LayoutFault::ModuleOutsideRam { rank }),
        };
        places
            .push(start)
            .map_err(|_| LayoutFault::TooManyModules)?;
        end = at + len;
    }
    Ok(Layout {
        image,
        ram,
        modules: places,
    })
}

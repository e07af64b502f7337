//! FMAP: the named regions of a flash chip.
//!
//! Read from coreboot's copy in RAM or at the offset the boot-media record
//! gives; never searched for.
//! Also called: flash map, regions, partitions of flash.

use super::wire::{array, le16, le32, le64, u8_at};

const SIGNATURE: [u8; 8] = *b"__FMAP__";
/// Bytes before the first area.
pub const HEAD_LEN: usize = 56;
/// Bytes of one area.
pub const AREA_LEN: usize = 42;
/// Most areas looked at; coreboot's larger layouts have about 40.
pub const MAX_AREAS: usize = 128;

/// Why a flash map cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FmapFault {
    /// No signature.
    NotFound,
    /// A major version other than 1.
    Version,
    /// More areas than the bytes given, or than [`MAX_AREAS`].
    Areas,
}

impl FmapFault {
    /// The fault in one sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotFound => "there is no flash map at the place the firmware gave",
            Self::Version => "the flash map is of a version other than 1",
            Self::Areas => "the flash map lists more areas than it has room for",
        }
    }
}

/// One region of the flash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Area<'a> {
    /// Its name; empty if it is not ASCII text.
    pub name: &'a str,
    /// First flash offset.
    pub offset: u32,
    /// Length in bytes.
    pub size: u32,
    /// Flag bits: 1 static, 2 compressed, 4 read-only, 8 preserve.
    pub flags: u16,
}

/// A flash map whose area list lies wholly in its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Fmap<'a> {
    areas: &'a [u8],
    /// Address the flash is mapped at when the map was made; 0 if unset.
    pub base: u64,
    /// Length of the flash in bytes.
    pub size: u32,
}

/// Reads the flash map at the start of `bytes`.
pub fn parse(bytes: &[u8]) -> Result<Fmap<'_>, FmapFault> {
    if array(bytes, 0) != Some(SIGNATURE) {
        return Err(FmapFault::NotFound);
    }
    if u8_at(bytes, 8) != Some(1) {
        return Err(FmapFault::Version);
    }
    let head = || {
        Some((
            le64(bytes, 10)?,
            le32(bytes, 18)?,
            usize::from(le16(bytes, 54)?),
        ))
    };
    let (base, size, count) = head().ok_or(FmapFault::Areas)?;
    let areas = bytes.get(HEAD_LEN..HEAD_LEN + count.min(MAX_AREAS) * AREA_LEN);
    match areas {
        Some(areas) if count <= MAX_AREAS => Ok(Fmap { areas, base, size }),
        _ => Err(FmapFault::Areas),
    }
}

impl<'a> Fmap<'a> {
    /// The areas in list order.
    pub fn areas(self) -> impl Iterator<Item = Area<'a>> {
        self.areas.chunks_exact(AREA_LEN).filter_map(area)
    }

    /// The area called `name`, if it lies within the flash.
    pub fn find(self, name: &str) -> Option<Area<'a>> {
        let in_flash = |a: &Area<'a>| {
            a.offset
                .checked_add(a.size)
                .is_some_and(|end| end <= self.size)
        };
        self.areas().find(|a| a.name == name).filter(in_flash)
    }
}

fn area(bytes: &[u8]) -> Option<Area<'_>> {
    Some(Area {
        name: abi::plan::text(bytes.get(8..40)?)
            .filter(|name| name.is_ascii())
            .unwrap_or(""),
        offset: le32(bytes, 0)?,
        size: le32(bytes, 4)?,
        flags: le16(bytes, 40)?,
    })
}

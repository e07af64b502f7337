//! FMAP: the named regions of a flash image.
//!
//! A map is believed only when it is self-consistent: its own `FMAP` area must
//! point at the place where it was found. That rejects copies of a map which lie
//! in the image as file contents.
//!
//! Also called: flashmap, `__FMAP__`, FMD.

use crate::bytes::{array, le16, le32, until_zero};

/// The eight letters a map begins with.
pub const SIGNATURE: &[u8; 8] = b"__FMAP__";
/// Maps are searched at this granularity: `fmaptool` layouts put the FMAP area on
/// an erase block.
pub const SEARCH_STEP: usize = 4096;

const HEADER_BYTES: usize = 56;
const AREA_BYTES: usize = 42;

/// A region: offset and size from the start of the flash, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// First byte, from flash offset 0.
    pub offset: u32,
    /// Bytes in it.
    pub size: u32,
}

/// Why no region can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// No map in the image describes itself correctly.
    NoMap,
    /// The map has no such region.
    NoArea,
    /// The region reaches beyond the flash.
    OutsideFlash,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoMap => "FMAP: no map in the ROM describes itself.",
            Self::NoArea => "FMAP: there is no COREBOOT region.",
            Self::OutsideFlash => "FMAP: the COREBOOT region reaches beyond the flash.",
        })
    }
}

/// A map inside the flash it describes.
#[derive(Clone, Copy, Debug)]
pub struct FlashMap<'a> {
    /// The whole flash, offset 0 first.
    pub flash: &'a [u8],
    /// Where in the flash the map lies.
    pub offset: usize,
    areas: usize,
}

impl<'a> FlashMap<'a> {
    /// Searches `window`, the memory that ends at 4 GiB, for the map of a flash
    /// that ends where the window ends.
    pub fn find(window: &'a [u8]) -> Result<Self, Error> {
        (0..window.len())
            .step_by(SEARCH_STEP)
            .find_map(|at| Self::at(window, at))
            .ok_or(Error::NoMap)
    }

    fn at(window: &'a [u8], at: usize) -> Option<Self> {
        let header = window.get(at..)?;
        if &array::<8>(header, 0)? != SIGNATURE || *header.get(8)? != 1 {
            return None;
        }
        let size = le32(header, 18)? as usize;
        let start = window.len().checked_sub(size)?;
        let offset = at.checked_sub(start)?;
        let map = Self {
            flash: window.get(start..)?,
            offset,
            areas: usize::from(le16(header, 54)?),
        };
        (map.area(b"FMAP").ok()?.offset as usize == offset).then_some(map)
    }

    /// The region called `name`.
    pub fn area(&self, name: &[u8]) -> Result<Area, Error> {
        let first = self.offset + HEADER_BYTES;
        let area = (0..self.areas)
            .find_map(|i| {
                let area = self.flash.get(first + i * AREA_BYTES..)?;
                let field: [u8; 32] = array(area, 8)?;
                let found = Area {
                    offset: le32(area, 0)?,
                    size: le32(area, 4)?,
                };
                (until_zero(&field) == name).then_some(found)
            })
            .ok_or(Error::NoArea)?;
        self.bytes(area).map(|_| area)
    }

    /// The bytes of a region.
    pub fn bytes(&self, area: Area) -> Result<&'a [u8], Error> {
        let start = area.offset as usize;
        self.flash
            .get(start..start + area.size as usize)
            .ok_or(Error::OutsideFlash)
    }

    /// The map itself, header and areas: what coreboot copies into RAM.
    pub fn image(&self) -> &'a [u8] {
        let end = self.offset + HEADER_BYTES + self.areas * AREA_BYTES;
        self.flash.get(self.offset..end).unwrap_or(&[])
    }
}

//! The flash map (FMAP) of a ROM, read.
//!
//! Owns: finding and decoding it: signature, 56-byte header, 42-byte areas,
//! little-endian. It may lie anywhere, so candidates are tried in order and the
//! first whose areas fit the file is taken.

use serde::Serialize;

const SIGNATURE: &[u8; 8] = b"__FMAP__";
const HEADER: usize = 56;
const AREA: usize = 42;
const NAME: usize = 32;

/// One region of the flash.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Region {
    /// Its name, for example `COREBOOT`.
    pub name: String,
    /// Start in the file.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
}

/// All regions, in the map's order; empty when there is no map.
pub fn regions(rom: &[u8]) -> Vec<Region> {
    let mut from = 0;
    while let Some(at) = rom.get(from..).and_then(|rest| find(rest, SIGNATURE)) {
        if let Some(regions) = decode(rom, from + at) {
            return regions;
        }
        from += at + 1;
    }
    Vec::new()
}

fn decode(rom: &[u8], at: usize) -> Option<Vec<Region>> {
    let header = rom.get(at..at.checked_add(HEADER)?)?;
    let areas = u16::from_le_bytes(header.get(54..56)?.try_into().ok()?);
    let list = rom.get(at + HEADER..)?;
    let table = list.get(..usize::from(areas) * AREA)?;
    table
        .chunks_exact(AREA)
        .map(|area| region(area, rom.len()))
        .collect()
}

fn region(area: &[u8], size: usize) -> Option<Region> {
    let offset = u32::from_le_bytes(area.get(..4)?.try_into().ok()?) as usize;
    let length = u32::from_le_bytes(area.get(4..8)?.try_into().ok()?) as usize;
    let name = area.get(8..8 + NAME)?.split(|byte| *byte == 0).next()?;
    let inside = offset.checked_add(length).is_some_and(|end| end <= size);
    inside.then(|| Region {
        name: String::from_utf8_lossy(name).into_owned(),
        offset,
        length,
    })
}

/// First place of `needle`.
pub fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(areas: &[(u32, u32, &str)]) -> Vec<u8> {
        let mut out = vec![0; HEADER];
        out[..8].copy_from_slice(SIGNATURE);
        out[54..56].copy_from_slice(&(areas.len() as u16).to_le_bytes());
        for (offset, length, name) in areas {
            let mut area = [0; AREA];
            area[..4].copy_from_slice(&offset.to_le_bytes());
            area[4..8].copy_from_slice(&length.to_le_bytes());
            area[8..8 + name.len()].copy_from_slice(name.as_bytes());
            out.extend(area);
        }
        out
    }

    #[test]
    fn a_false_signature_before_the_map_is_passed_over() {
        let mut rom = SIGNATURE.to_vec();
        rom.extend([0xff; 100]);
        rom.extend(map(&[(0, 64, "SMALL")]));
        assert_eq!(
            regions(&rom),
            [Region {
                name: "SMALL".into(),
                offset: 0,
                length: 64
            }]
        );
    }

    #[test]
    fn areas_beyond_the_file_make_no_map() {
        assert!(regions(&map(&[(0, 1 << 30, "HUGE")])).is_empty());
    }
}

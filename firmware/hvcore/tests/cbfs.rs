//! CBFS and FMAP: images built here, read by `handoff::{cbfs, fmap}`.

use hvcore::handoff::cbfs::{Cbfs, CbfsFault, FileKind, Stored};
use hvcore::handoff::fmap::{self, FmapFault};
use proptest::prelude::*;

fn file(name: &str, kind: u32, attributes: &[u8], data: &[u8]) -> Vec<u8> {
    let mut padded = name.as_bytes().to_vec();
    padded.resize((name.len() + 1).next_multiple_of(16), 0);
    let attributes_at = 24 + padded.len();
    let data_at = attributes_at + attributes.len();
    let mut bytes = b"LARCHIVE".to_vec();
    let told = if attributes.is_empty() {
        0
    } else {
        attributes_at as u32
    };
    for word in [data.len() as u32, kind, told, data_at as u32] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(padded);
    bytes.extend(attributes);
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(64), 0xff);
    bytes
}

fn compressed(algorithm: u32, unpacked: u32) -> Vec<u8> {
    [0x4243_5a4cu32, 16, algorithm, unpacked]
        .iter()
        .flat_map(|w| w.to_be_bytes())
        .collect()
}

fn image() -> Vec<u8> {
    let hash = [
        0x6873_6148u32.to_be_bytes(),
        12u32.to_be_bytes(),
        [1, 2, 3, 4],
    ]
    .concat();
    let mut image = [
        file("fallback/payload", 0x20, &[], b"selfself"),
        file("", 0xffff_ffff, &[], &[0xff; 100]),
        file(
            "bulkhead/plan",
            0x50,
            &[hash, compressed(1, 9000)].concat(),
            b"packed",
        ),
        file("old", 0, &[], b"deleted"),
        file("vmlinuz", 0x50, &compressed(2, 77), &[7; 500]),
    ]
    .concat();
    image.extend([0xff; 200]);
    image
}

#[test]
fn files_are_found_by_name_with_kind_data_and_compression() {
    let image = image();
    let cbfs = Cbfs::new(&image);
    let payload = cbfs.find("fallback/payload").unwrap();
    assert_eq!(
        (payload.kind, payload.stored, payload.data),
        (FileKind::PAYLOAD, Stored::Plain, &b"selfself"[..])
    );
    let plan = cbfs.find("bulkhead/plan").unwrap();
    assert_eq!(plan.stored, Stored::Lzma { unpacked: 9000 });
    assert_eq!(&image[plan.data_offset..][..plan.data.len()], b"packed");
    assert_eq!(
        cbfs.find("vmlinuz").unwrap().stored,
        Stored::Lz4 { unpacked: 77 }
    );
    assert_eq!(cbfs.find("nothing"), None);
    assert_eq!(cbfs.first_fault(), None);
}

#[test]
fn deleted_and_free_space_are_not_files() {
    let image = image();
    let names: Vec<_> = Cbfs::new(&image)
        .entries()
        .map(|e| e.unwrap().name)
        .collect();
    assert_eq!(names, ["fallback/payload", "bulkhead/plan", "vmlinuz"]);
    assert_eq!(Cbfs::new(&image).find("old"), None);
}

#[test]
fn a_damaged_magic_names_its_offset_and_later_files_stay_reachable() {
    let mut image = image();
    let at = image
        .windows(13)
        .position(|w| w == b"bulkhead/plan")
        .unwrap()
        - 24;
    image[at] = b'l';
    let cbfs = Cbfs::new(&image);
    assert_eq!(cbfs.first_fault(), Some(CbfsFault::NoHeader { offset: at }));
    assert_eq!(cbfs.entries().filter(Result::is_err).count(), 1);
    assert_eq!(cbfs.find("bulkhead/plan"), None);
    assert_eq!(cbfs.find("vmlinuz").unwrap().data.len(), 500);
}

#[test]
fn a_length_beyond_the_region_names_its_offset_and_later_files_stay_reachable() {
    let mut image = image();
    image[8..12].copy_from_slice(&0x7fff_ffffu32.to_be_bytes());
    let cbfs = Cbfs::new(&image);
    assert_eq!(cbfs.first_fault(), Some(CbfsFault::Bounds { offset: 0 }));
    assert!(cbfs.find("bulkhead/plan").is_some());
}

#[test]
fn a_header_whose_data_begins_before_its_name_is_refused() {
    let mut image = image();
    image[20..24].copy_from_slice(&8u32.to_be_bytes());
    assert_eq!(
        Cbfs::new(&image).first_fault(),
        Some(CbfsFault::Bounds { offset: 0 })
    );
}

fn flash_map(count: u16) -> Vec<u8> {
    let mut bytes = b"__FMAP__\x01\x01".to_vec();
    bytes.extend(0xff00_0000u64.to_le_bytes());
    bytes.extend((16u32 << 20).to_le_bytes());
    bytes.extend(b"FLASH");
    bytes.resize(54, 0);
    bytes.extend(count.to_le_bytes());
    for (name, offset, size, flags) in [
        ("FMAP", 0u32, 512u32, 1u16),
        ("COREBOOT", 512, 0xff_fe00, 0),
        ("WILD", 512, 16 << 20, 8),
    ] {
        bytes.extend(offset.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        let mut field = name.as_bytes().to_vec();
        field.resize(32, 0);
        bytes.extend(field);
        bytes.extend(flags.to_le_bytes());
    }
    bytes
}

#[test]
fn areas_are_found_by_name_unless_they_leave_the_flash() {
    let bytes = flash_map(3);
    let map = fmap::parse(&bytes).unwrap();
    assert_eq!(
        (map.size, map.base, map.areas().count()),
        (16 << 20, 0xff00_0000, 3)
    );
    let area = map.find("COREBOOT").unwrap();
    assert_eq!((area.offset, area.size, area.flags), (512, 0xff_fe00, 0));
    assert_eq!(map.find("WILD"), None);
}

#[test]
fn a_flash_map_with_more_areas_than_bytes_is_refused() {
    assert_eq!(fmap::parse(&flash_map(4)).err(), Some(FmapFault::Areas));
    assert_eq!(
        fmap::parse(&flash_map(u16::MAX)).err(),
        Some(FmapFault::Areas)
    );
    let mut other = flash_map(3);
    other[8] = 2;
    assert_eq!(fmap::parse(&other).err(), Some(FmapFault::Version));
    assert_eq!(fmap::parse(b"__FMAP_").err(), Some(FmapFault::NotFound));
}

proptest! {
    #[test]
    fn arbitrary_regions_end_and_never_panic(
        bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(0xff), Just(64), any::<u8>()], 0..600),
        headers in prop::collection::vec(0usize..10, 0..4),
    ) {
        let mut bytes = bytes;
        for boundary in headers {
            if let Some(place) = bytes.get_mut(boundary * 64..boundary * 64 + 8) {
                place.copy_from_slice(b"LARCHIVE");
            }
        }
        let entries = Cbfs::new(&bytes).entries().count();
        prop_assert!(entries <= bytes.len() / 64 + 1);
    }

    /// Damage in one header loses at most the files whose own bytes changed or
    /// that the damaged length swallowed; the walk itself always reaches the end.
    #[test]
    fn a_changed_byte_never_hides_the_damage_and_the_last_file_together(at in 0usize..64, value: u8) {
        let mut image = image();
        prop_assume!(image[at] != value);
        image[at] = value;
        let cbfs = Cbfs::new(&image);
        let first = cbfs.find("fallback/payload");
        let told = first.is_none_or(|f| f.data != b"selfself" || f.kind != FileKind::PAYLOAD || f.stored != Stored::Plain)
            || cbfs.first_fault().is_some();
        let unharmed = cbfs.find("vmlinuz").is_some();
        prop_assert!(told || unharmed);
    }

    #[test]
    fn arbitrary_flash_maps_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut named = flash_map(3);
        for (to, from) in named.iter_mut().skip(8).zip(&bytes) {
            *to = *from;
        }
        for bytes in [named, bytes] {
            if let Ok(map) = fmap::parse(&bytes) {
                let _ = (map.areas().count(), map.find("COREBOOT"));
            }
        }
    }
}

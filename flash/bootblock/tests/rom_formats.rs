//! Flash map, file system and payload list, well-formed and damaged.

use bootblock::memory_map::{Kind, MemoryMap};
use bootblock::rom::cbfs;
use bootblock::rom::flash_map::{self, Area, FlashMap};
use bootblock::rom::payload::{self, Compression, Payload, Segment, unpack};

const FLASH: usize = 0x40000;

fn fmap(offset: u32, areas: &[(&str, u32, u32)]) -> Vec<u8> {
    let mut map = b"__FMAP__\x01\x01".to_vec();
    map.extend(0u64.to_le_bytes());
    map.extend((FLASH as u32).to_le_bytes());
    map.extend(padded("FLASH"));
    map.extend((areas.len() as u16 + 1).to_le_bytes());
    for &(name, at, size) in [("FMAP", offset, 0x1000)].iter().chain(areas) {
        map.extend(at.to_le_bytes());
        map.extend(size.to_le_bytes());
        map.extend(padded(name));
        map.extend([0; 2]);
    }
    map
}

fn padded(name: &str) -> [u8; 32] {
    let mut field = [0; 32];
    field[..name.len()].copy_from_slice(name.as_bytes());
    field
}

/// A flash of 256 KiB at the end of a window of 1 MiB, `parts` written into it.
fn window(parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut window = vec![0xff; 0x10_0000];
    let start = window.len() - FLASH;
    for (at, bytes) in parts {
        window[start + at..start + at + bytes.len()].copy_from_slice(bytes);
    }
    window
}

#[test]
fn the_map_that_points_at_itself_is_found_behind_a_copy_that_does_not() {
    let map = fmap(0x2000, &[("COREBOOT", 0x3000, 0x2d000)]);
    let window = window(&[(0x1000, &map), (0x2000, &map)]);
    let found = FlashMap::find(&window).unwrap();
    assert_eq!(found.offset, 0x2000);
    assert_eq!(found.flash.len(), FLASH);
    assert_eq!(
        found.area(b"COREBOOT"),
        Ok(Area {
            offset: 0x3000,
            size: 0x2d000
        })
    );
    assert_eq!(found.image(), map);
}

#[test]
fn a_flash_without_a_map_and_a_map_without_the_region_are_told_apart() {
    assert_eq!(
        FlashMap::find(&window(&[])).unwrap_err(),
        flash_map::Error::NoMap
    );
    let window = window(&[(0, &fmap(0, &[("OTHER", 0x1000, 0x1000)]))]);
    let found = FlashMap::find(&window).unwrap();
    assert_eq!(found.area(b"COREBOOT"), Err(flash_map::Error::NoArea));
}

#[test]
fn a_region_beyond_the_flash_is_refused() {
    let window = window(&[(0, &fmap(0, &[("COREBOOT", 0x3f000, 0x2000)]))]);
    let found = FlashMap::find(&window).unwrap();
    assert_eq!(found.area(b"COREBOOT"), Err(flash_map::Error::OutsideFlash));
}

fn file(name: &str, kind: u32, data: &[u8]) -> Vec<u8> {
    let name_bytes = (name.len() + 1).next_multiple_of(16);
    let mut file = b"LARCHIVE".to_vec();
    for word in [data.len() as u32, kind, 0, 24 + name_bytes as u32] {
        file.extend(word.to_be_bytes());
    }
    file.extend(name.as_bytes());
    file.resize(24 + name_bytes, 0);
    file.extend(data);
    file.resize(file.len().next_multiple_of(64), 0xff);
    file
}

#[test]
fn a_file_is_found_behind_others_with_its_exact_bytes() {
    let mut region = file("config", 0x50, &[1; 100]);
    region.extend(file("fallback/payload", cbfs::TYPE_SELF, b"abc"));
    region.extend([0xff; 10]);
    let found = cbfs::find(&region, b"fallback/payload").unwrap();
    assert_eq!((found.kind, found.data), (cbfs::TYPE_SELF, &b"abc"[..]));
    assert_eq!(cbfs::find(&region, b"fallback"), Err(cbfs::Error::NotFound));
}

#[test]
fn damage_is_reported_with_the_offset_of_the_header() {
    let mut region = file("config", 0x50, &[1; 100]);
    let second = region.len();
    region.extend(file("fallback/payload", cbfs::TYPE_SELF, b"abc"));
    region[second] ^= 1;
    assert_eq!(
        cbfs::find(&region, b"fallback/payload"),
        Err(cbfs::Error::Damaged { offset: second })
    );
}

#[test]
fn a_length_beyond_the_region_is_damage() {
    let mut region = file("config", 0x50, &[1; 100]);
    region[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(
        cbfs::find(&region, b"x"),
        Err(cbfs::Error::Damaged { offset: 0 })
    );
}

fn record(kind: &[u8; 4], compression: u32, offset: u32, address: u64, sizes: [u32; 2]) -> Vec<u8> {
    let mut record = kind.to_vec();
    record.extend(compression.to_be_bytes());
    record.extend(offset.to_be_bytes());
    record.extend(address.to_be_bytes());
    record.extend(sizes[0].to_be_bytes());
    record.extend(sizes[1].to_be_bytes());
    record
}

fn ram() -> MemoryMap {
    let mut map = MemoryMap::new();
    map.claim(0, 0x2000_0000, Kind::Ram).unwrap();
    map.claim(0x1_0000_0000, 0x2_0000_0000, Kind::Ram).unwrap();
    map.claim(0xa_0000, 0x10_0000, Kind::Reserved).unwrap();
    map
}

const ENTRY: u64 = 0x100_0000;

fn payload_with(record_: Vec<u8>) -> Vec<u8> {
    let mut file = record_;
    file.extend(record(b"ENTR", 0, 0, ENTRY, [0, 0]));
    file.extend(b"stored bytes");
    file
}

#[test]
fn segments_come_out_in_order_and_end_with_the_entry() {
    let mut file = record(b"CODE", 0, 112, ENTRY, [6, 100]);
    file.extend(record(b"BSS ", 0, 0, 0x200_0000, [0, 5000]));
    file.extend(record(b"PARA", 0, 0, 0, [0, 0]));
    file.extend(record(b"ENTR", 0, 0, ENTRY + 4, [0, 0]));
    file.extend(b"stored bytes");
    let payload = Payload::new(&file);
    let segments: Result<Vec<_>, _> = payload.segments().collect();
    assert_eq!(
        segments.unwrap(),
        [
            Segment::Load {
                address: ENTRY,
                memory: 100,
                compression: Compression::Plain,
                stored: b"stored"
            },
            Segment::Zero {
                address: 0x200_0000,
                memory: 5000
            },
            Segment::Parameters,
            Segment::Entry(ENTRY + 4),
        ]
    );
    assert_eq!(payload.check(&ram()), Ok(ENTRY + 4));
}

#[test]
fn segments_outside_ram_or_above_4_gib_are_refused() {
    for address in [
        0x9_f800,
        0xb_0000,
        0x1fff_f800,
        0x3000_0000,
        0x1_0010_0000,
        u64::MAX,
    ] {
        let file = payload_with(record(b"DATA", 0, 56, address, [6, 0x1000]));
        let answer = Payload::new(&file).check(&ram());
        let end = address.saturating_add(0x1000);
        assert_eq!(
            answer,
            Err(payload::Error::NotRam {
                start: address,
                end
            }),
            "{address:#x}"
        );
    }
}

#[test]
fn a_damaged_list_is_refused_by_name() {
    use payload::Error;
    let check = |file: &[u8]| Payload::new(file).check(&ram()).unwrap_err();
    assert_eq!(check(b""), Error::NoEntry);
    assert_eq!(check(&record(b"BSS ", 0, 0, ENTRY, [0, 1])), Error::NoEntry);
    let stored = payload_with(record(b"CODE", 0, 56, ENTRY, [600, 600]));
    assert_eq!(check(&stored), Error::StoredOutsideFile);
    let wraps = payload_with(record(b"CODE", 0, u32::MAX, ENTRY, [u32::MAX, 600]));
    assert_eq!(check(&wraps), Error::StoredOutsideFile);
    assert_eq!(
        check(&payload_with(record(b"CODE", 3, 56, ENTRY, [6, 6]))),
        Error::UnknownCompression(3)
    );
    assert_eq!(
        check(&payload_with(record(b"WHAT", 0, 56, ENTRY, [6, 6]))),
        Error::UnknownSegment(0x5748_4154)
    );
}

#[test]
fn what_a_plain_segment_does_not_fill_is_cleared() {
    let mut memory = [0xcc; 8];
    unpack(Compression::Plain, b"abc", &mut memory).unwrap();
    assert_eq!(&memory, b"abc\0\0\0\0\0");
    let answer = unpack(Compression::Plain, b"abc", &mut memory[..2]);
    assert_eq!(answer, Err(payload::Error::LargerThanItsMemory));
}

//! The table, read back by a second implementation of its format.

use bootblock::fw_cfg::{File, Transfer, descriptor};
use bootblock::memory_map::{Kind, MemoryMap};
use bootblock::table::cbmem::{Cbmem, Id};
use bootblock::table::contents::{Facts, TABLE_BYTES, UNKNOWN_TAG, write_stub, write_table};
use bootblock::table::writer::{Full, checksum};

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Tag, offset of the body in the table, and body of each record.
fn records(table: &[u8]) -> Vec<(u32, usize, &[u8])> {
    assert_eq!(&table[..4], b"LBIO");
    let header = word(table, 4) as usize;
    assert_eq!(checksum(&table[..header]), 0);
    let body = &table[header..header + word(table, 12) as usize];
    assert_eq!(u32::from(checksum(body)), word(table, 16));
    let mut records = Vec::new();
    let mut at = 0;
    while at < body.len() {
        let size = word(body, at + 4) as usize;
        records.push((word(body, at), header + at + 8, &body[at + 8..at + size]));
        at += size;
    }
    assert_eq!(records.len() as u32, word(table, 20));
    records
}

fn map() -> MemoryMap {
    let mut map = MemoryMap::new();
    map.claim(0, 0x2000_0000, Kind::Ram).unwrap();
    map.claim(0, 0x1000, Kind::Table).unwrap();
    map
}

fn cbmem() -> Cbmem {
    let mut cbmem = Cbmem::new(0x2000_0000);
    cbmem.carve(Id::Console, 0x2_0000).unwrap();
    cbmem.carve(Id::Table, 5000).unwrap();
    cbmem
}

fn with_table<T>(check: impl FnOnce(&[u8]) -> T) -> T {
    let (map, cbmem) = (map(), cbmem());
    let facts = Facts {
        memory: map.ranges(),
        cbmem: cbmem.entries(),
        console: 0x1ffe_0000,
        flash_map: 0x1ffd_f000,
        rsdp: 0x1ffd_8010,
        fmap_offset: 0,
        cbfs_offset: 0x1000,
        cbfs_size: 0xfe_f000,
        flash_size: 0x100_0000,
        part: bootblock::table::contents::Q35_PART,
    };
    let mut table = vec![0xcc; TABLE_BYTES];
    let bytes = write_table(&mut table, &facts).unwrap();
    for short in [0, 23, 100, bytes - 1] {
        assert_eq!(write_table(&mut table.clone()[..short], &facts), Err(Full));
    }
    check(&table[..bytes])
}

#[test]
fn the_stub_forwards_and_its_checksums_hold() {
    let mut stub = [0xcc; 64];
    let bytes = write_stub(&mut stub, 0x7ffd_9000).unwrap();
    let records = records(&stub[..bytes]);
    assert_eq!(records, [(0x11, 32, &0x7ffd_9000u64.to_le_bytes()[..])]);
}

#[test]
fn the_memory_record_repeats_the_map() {
    with_table(|table| {
        let (_, _, body) = records(table).into_iter().find(|r| r.0 == 1).unwrap();
        let ranges: Vec<_> = body
            .chunks(20)
            .map(|r| (long(r, 0), long(r, 8), word(r, 16)))
            .collect();
        assert_eq!(ranges, [(0, 0x1000, 16), (0x1000, 0x1fff_f000, 1)]);
    });
}

#[test]
fn the_board_names_itself_as_coreboot_does() {
    with_table(|table| {
        let (_, _, body) = records(table).into_iter().find(|r| r.0 == 3).unwrap();
        let text = |index: u8| {
            let rest = &body[2 + usize::from(index)..];
            &rest[..rest.iter().position(|&b| b == 0).unwrap()]
        };
        assert_eq!(text(body[0]), b"Emulation");
        assert_eq!(text(body[1]), b"QEMU x86 q35/ich9");
    });
}

#[test]
fn an_unknown_record_comes_first_and_long_words_stand_on_four_bytes_only() {
    with_table(|table| {
        let records = records(table);
        assert_eq!(records[0].0, UNKNOWN_TAG);
        let (_, at, _) = records.iter().find(|r| r.0 == 1).unwrap();
        assert_eq!(at % 8, 4);
    });
}

#[test]
fn records_a_payload_depends_on_are_all_there() {
    with_table(|table| {
        let records = records(table);
        let body = |tag| records.iter().find(|r| r.0 == tag).unwrap().2;
        let serial: Vec<u32> = body(0x0f).chunks(4).map(|w| word(w, 0)).collect();
        assert_eq!(serial, [1, 0x3f8, 115_200, 1, 1_843_200, 0]);
        assert_eq!(long(body(0x17), 0), 0x1ffe_0000);
        assert_eq!(long(body(0x37), 0), 0x1ffd_f000);
        assert_eq!(long(body(0x43), 0), 0x1ffd_8010);
        let media: Vec<u64> = body(0x30).chunks(8).map(|w| long(w, 0)).collect();
        assert_eq!(media, [0, 0x1000, 0xfe_f000, 0x100_0000]);
        let entries: Vec<_> = records
            .iter()
            .filter(|r| r.0 == 0x31)
            .map(|r| r.2)
            .collect();
        let first = (
            long(entries[0], 0),
            word(entries[0], 8),
            word(entries[0], 12),
        );
        assert_eq!(
            (entries.len(), first),
            (2, (0x1ffe_0000, 0x2_0000, 0x434f_4e53))
        );
    });
}

#[test]
fn cbmem_grows_downwards_in_whole_pages_until_there_is_no_room() {
    let cbmem = cbmem();
    assert_eq!((cbmem.bottom(), cbmem.top()), (0x1ffd_e000, 0x2000_0000));
    assert_eq!(Cbmem::new(0x3000).carve(Id::Table, 0x3001), None);
    assert_eq!(
        Cbmem::new(0x3fff).carve(Id::Table, 0x3000).unwrap().address,
        0
    );
}

#[test]
fn the_checksum_carries_around_and_takes_an_odd_last_byte() {
    assert_eq!(checksum(&[]), 0xffff);
    assert_eq!(checksum(&[0xff, 0xff, 0x02, 0x00]), !0x0002);
    assert_eq!(checksum(&[0x34, 0x12, 0x56]), !(0x1234 + 0x56));
}

#[test]
fn a_descriptor_is_big_endian_and_selects_only_when_asked() {
    let select = descriptor(Transfer::Read, Some(0x29), 0x10, 0x1_2345_6789);
    assert_eq!(select[..8], [0, 0x29, 0, 0x0a, 0, 0, 0, 0x10]);
    assert_eq!(select[8..], 0x1_2345_6789u64.to_be_bytes());
    assert_eq!(
        descriptor(Transfer::Write, None, 1, 0)[..4],
        [0, 0, 0, 0x10]
    );
    assert_eq!(descriptor(Transfer::Skip, None, 1, 0)[..4], [0, 0, 0, 0x04]);
}

#[test]
fn a_directory_entry_gives_size_item_and_name() {
    let mut entry = [0; 64];
    entry[..8].copy_from_slice(&[0, 0, 0x14, 0, 0, 0x2a, 0, 0]);
    entry[8..16].copy_from_slice(b"etc/e820");
    let file = File::from_entry(&entry).unwrap();
    assert_eq!((file.size, file.item), (0x1400, 0x2a));
    assert!(file.is(b"etc/e820") && !file.is(b"etc/e82"));
    assert_eq!(File::from_entry(&entry[..60]), None);
}

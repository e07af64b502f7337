//! coreboot tables: built byte by byte here, read by `handoff::coreboot`.

mod handoff_memory;

use handoff_memory::Sparse;
use hvcore::handoff::board_tables::{BoardTables, SerialRegisters, Source};
use hvcore::handoff::coreboot::{CorebootFault, find, internet_checksum};
use hvcore::handoff::memory_map::MemoryKind;
use hvcore::ids::Hpa;
use proptest::prelude::*;

fn record(tag: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = tag.to_le_bytes().to_vec();
    bytes.extend((body.len() as u32 + 8).to_le_bytes());
    bytes.extend(body);
    bytes
}

fn table(records: &[Vec<u8>]) -> Vec<u8> {
    let body = records.concat();
    let mut header = b"LBIO".to_vec();
    for word in [
        24u32,
        0,
        body.len() as u32,
        u32::from(internet_checksum(&body)),
        records.len() as u32,
    ] {
        header.extend(word.to_le_bytes());
    }
    let sum = internet_checksum(&header);
    header[8..10].copy_from_slice(&sum.to_le_bytes());
    header.extend(body);
    header
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn longs(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn ranges(list: &[(u64, u64, u32)]) -> Vec<u8> {
    let body: Vec<u8> = list
        .iter()
        .flat_map(|(s, l, k)| [longs(&[*s, *l]), words(&[*k])].concat())
        .collect();
    record(1, &body)
}

/// What the q35 board gives, in the order it gives it, plus the records that
/// only boards with SPI flash have.
fn board() -> Vec<Vec<u8>> {
    let mut mainboard = vec![0u8, 10];
    mainboard.extend(b"Emulation\0QEMU x86 q35/ich9\0");
    let mut flash = words(&[16 << 20, 4096]);
    flash.extend([0x20, 1, 0, 0]);
    flash.extend(words(&[1, 0, 0xff00_0000, 16 << 20]));
    vec![
        ranges(&[
            (0, 0x1000, 16),
            (0x1000, 0x9f000, 1),
            (0xa0000, 0x60000, 2),
            (0x10_0000, 0x7fef_0000, 1),
        ]),
        record(3, &mainboard),
        record(0xf, &words(&[1, 0x3f8, 115_200, 1, 1_843_200, 0])),
        record(0x10, &[0, 0]),
        record(0x17, &longs(&[0x7ff0_0000])),
        record(0x29, &flash),
        record(0x30, &longs(&[0, 0x200, 0xff_fe00, 16 << 20])),
        record(
            0x31,
            &[longs(&[0x7ffe_0000]), words(&[0x400, 0x464d_4150])].concat(),
        ),
        record(0x32, &words(&[3_400_000])),
        record(0x43, &longs(&[0x7ffd_0000])),
        record(0x9999, b"who knows"),
    ]
}

fn read(records: &[Vec<u8>]) -> Result<BoardTables, CorebootFault> {
    find(
        &Sparse::default().with(0x7ff9_9000, table(records)),
        Some(Hpa(0x7ff9_9000)),
    )
}

#[test]
fn every_record_in_use_reaches_its_field() {
    let tables = read(&board()).unwrap();
    assert_eq!(tables.source, Source::Coreboot);
    assert_eq!(tables.memory.ranges().len(), 4);
    assert_eq!(tables.memory.ranges()[0].kind, MemoryKind::TABLE);
    let serial = tables.serial.unwrap();
    assert_eq!(serial.registers, SerialRegisters::Ports(0x3f8));
    assert_eq!(
        (serial.baud, serial.register_width, serial.input_hz),
        (115_200, 1, 1_843_200)
    );
    assert_eq!(
        (tables.vendor.as_str(), tables.part.as_str()),
        ("Emulation", "QEMU x86 q35/ich9")
    );
    let media = tables.boot_media.unwrap();
    assert_eq!(
        (media.cbfs_offset, media.cbfs_size, media.media_size),
        (0x200, 0xff_fe00, 16 << 20)
    );
    assert_eq!(tables.fmap_copy, Some(Hpa(0x7ffe_0000)));
    assert_eq!(tables.tsc_khz, Some(3_400_000));
    assert_eq!(tables.acpi_rsdp, Some(Hpa(0x7ffd_0000)));
    assert_eq!(tables.cbmem_console, Some(Hpa(0x7ff0_0000)));
    let flash = tables.spi_flash.unwrap();
    assert_eq!(
        (flash.erase_opcode, flash.flags, flash.windows[0].host),
        (0x20, 1, Hpa(0xff00_0000))
    );
    assert_eq!(tables.losses.malformed_records, 0);
}

#[test]
fn the_stub_in_low_memory_is_followed_when_the_argument_is_junk() {
    let stub = table(&[record(0x11, &longs(&[0x7ff9_9000]))]);
    let mut low = vec![0; 0x1000];
    low[0x500..0x500 + stub.len()].copy_from_slice(&stub);
    let memory = Sparse::default()
        .with(0, low)
        .with(0x7ff9_9000, table(&board()));
    assert_eq!(
        find(&memory, Some(Hpa(0xdead_beef))).unwrap().tsc_khz,
        Some(3_400_000)
    );
    assert!(find(&memory, None).is_ok());
}

#[test]
fn a_forward_that_leads_back_to_itself_is_refused() {
    let memory = Sparse::default().with(0x500, table(&[record(0x11, &longs(&[0x500]))]));
    assert_eq!(
        find(&memory, Some(Hpa(0x500))),
        Err(CorebootFault::ForwardLoop)
    );
}

#[test]
fn a_table_at_f0000_is_found_without_an_argument() {
    let mut area = vec![0; 0x1000];
    let bytes = table(&board());
    area[0x40..0x40 + bytes.len()].copy_from_slice(&bytes);
    assert!(find(&Sparse::default().with(0xf_0000, area), None).is_ok());
}

#[test]
fn more_ranges_than_the_map_holds_refuse_the_table() {
    let list: Vec<_> = (0..65).map(|i| (i * 0x10_0000, 0x1000, 1)).collect();
    assert_eq!(read(&[ranges(&list)]), Err(CorebootFault::MemoryMapFull));
    assert!(read(&[ranges(&list[..64])]).is_ok());
}

#[test]
fn a_table_without_ram_is_refused() {
    assert_eq!(
        read(&[ranges(&[(0, 0x1000, 2)])]),
        Err(CorebootFault::NoMemory)
    );
    // All RAM lies under a reserved range: there is none either.
    let hidden = ranges(&[(0x1000, 0x1000, 1), (0, 0x10000, 2)]);
    assert_eq!(read(&[hidden]), Err(CorebootFault::NoMemory));
}

#[test]
fn a_record_that_leaves_the_table_is_refused() {
    let mut long = record(0x32, &words(&[1]));
    long[4] = 200;
    assert_eq!(
        read(&[board()[0].clone(), long]),
        Err(CorebootFault::RecordLength)
    );
    let mut short = record(0x32, &words(&[1]));
    short[4] = 4;
    assert_eq!(
        read(&[board()[0].clone(), short]),
        Err(CorebootFault::RecordLength)
    );
}

#[test]
fn a_known_record_that_is_too_short_is_counted_and_passed_over() {
    let tables = read(&[
        board()[0].clone(),
        record(0x0f, &[1, 0]),
        record(0x43, &longs(&[5])),
    ])
    .unwrap();
    assert_eq!(tables.losses.malformed_records, 1);
    assert_eq!(tables.acpi_rsdp, Some(Hpa(5)));
}

#[test]
fn a_table_that_reaches_out_of_memory_is_refused() {
    let mut bytes = table(&board());
    bytes.truncate(bytes.len() - 4);
    let memory = Sparse::default().with(0x1000, bytes);
    assert_eq!(find(&memory, Some(Hpa(0x1000))), Err(CorebootFault::Length));
}

#[test]
fn the_checksum_of_an_odd_length_counts_the_last_byte_as_a_word() {
    assert_eq!(internet_checksum(&[0x01, 0x02, 0x03]), !(0x0201 + 0x0003));
    assert_eq!(internet_checksum(&[0xff; 4]), 0);
}

proptest! {
    /// A single flipped bit changes a one's-complement sum, so nothing but the
    /// search itself may answer it.
    #[test]
    fn a_flipped_bit_anywhere_is_refused(position in 0usize..500, bit in 0u8..8) {
        let mut bytes = table(&board());
        let position = position % bytes.len();
        // The header's last word (record count) is not used, yet still summed.
        bytes[position] ^= 1 << bit;
        let found = find(&Sparse::default().with(0x7ff9_9000, bytes), Some(Hpa(0x7ff9_9000)));
        prop_assert!(found.is_err());
    }

    #[test]
    fn arbitrary_records_under_true_checksums_never_panic(
        bodies in prop::collection::vec((0u32..0x50, prop::collection::vec(any::<u8>(), 0..90)), 0..12),
    ) {
        let records: Vec<_> = bodies.iter().map(|(tag, body)| record(*tag, body)).collect();
        let _ = read(&records);
    }

    #[test]
    fn arbitrary_table_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut with_signature = b"LBIO".to_vec();
        with_signature.extend(&bytes);
        let _ = find(&Sparse::default().with(0, with_signature), Some(Hpa(0)));
        let _ = find(&Sparse::default().with(0, bytes), None);
    }

    /// Record bytes themselves, not only bodies, are arbitrary here.
    #[test]
    fn arbitrary_record_bytes_under_true_checksums_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = read(&[bytes]);
    }
}

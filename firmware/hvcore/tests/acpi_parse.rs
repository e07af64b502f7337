//! ACPI tables: built here with true checksums, then damaged.

mod handoff_memory;

use handoff_memory::Sparse;
use hvcore::handoff::acpi::fadt::{self, PmTimer, Register, Reset};
use hvcore::handoff::acpi::madt::{self, MAX_PROCESSORS, Startable};
use hvcore::handoff::acpi::mcfg;
use hvcore::handoff::acpi::root::{AcpiFault, list};
use hvcore::ids::{ApicId, Hpa};
use proptest::prelude::*;

fn settle(bytes: &mut [u8], place: usize) {
    bytes[place] = 0;
    bytes[place] = bytes.iter().fold(0u8, |sum, b| sum.wrapping_sub(*b));
}

fn table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = signature.to_vec();
    bytes.extend((body.len() as u32 + 36).to_le_bytes());
    bytes.resize(36, 0);
    bytes.extend(body);
    settle(&mut bytes, 9);
    bytes
}

fn root_pointer(revision: u8, rsdt: u32, xsdt: u64) -> Vec<u8> {
    let mut bytes = b"RSD PTR ".to_vec();
    bytes.resize(36, 0);
    bytes[15] = revision;
    bytes[16..20].copy_from_slice(&rsdt.to_le_bytes());
    bytes[20] = 36;
    bytes[24..32].copy_from_slice(&xsdt.to_le_bytes());
    let mut first = bytes[..20].to_vec();
    settle(&mut first, 8);
    bytes[8] = first[8];
    settle(&mut bytes, 32);
    bytes
}

fn machine(revision: u8) -> Sparse {
    let xsdt: Vec<u8> = [0x5000u64, 0x6000]
        .iter()
        .flat_map(|a| a.to_le_bytes())
        .collect();
    let rsdt: Vec<u8> = [0x5000u32].iter().flat_map(|a| a.to_le_bytes()).collect();
    Sparse::default()
        .with(0x1000, root_pointer(revision, 0x2000, 0x3000))
        .with(0x2000, table(b"RSDT", &rsdt))
        .with(0x3000, table(b"XSDT", &xsdt))
        .with(0x5000, table(b"APIC", &madt_body()))
        .with(0x6000, table(b"MCFG", &mcfg_body()))
}

fn processor(id: u8, flags: u32) -> Vec<u8> {
    [vec![0, 8, id, id], flags.to_le_bytes().to_vec()].concat()
}

fn x2apic(id: u32, flags: u32) -> Vec<u8> {
    let words: Vec<u8> = [id, flags, id + 100]
        .iter()
        .flat_map(|w| w.to_le_bytes())
        .collect();
    [vec![9, 16, 0, 0], words].concat()
}

fn madt_body() -> Vec<u8> {
    [
        0xfee0_0000u32.to_le_bytes().to_vec(),
        1u32.to_le_bytes().to_vec(),
        processor(0, 1),
        processor(1, 0),
        processor(2, 2),
        processor(0xff, 1),
        x2apic(2, 1),
        x2apic(300, 1),
        vec![1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0],
        vec![2, 10, 0, 0, 2, 0, 0, 0, 0, 0],
        vec![2, 10, 0, 9, 9, 0, 0, 0, 0xd, 0],
        vec![0x7f, 6, 1, 2, 3, 4],
    ]
    .concat()
}

fn mcfg_body() -> Vec<u8> {
    [
        vec![0; 8],
        0xb000_0000u64.to_le_bytes().to_vec(),
        vec![0, 0, 0, 0xff, 0, 0, 0, 0],
    ]
    .concat()
}

#[test]
fn the_wide_list_is_used_from_revision_two_and_the_narrow_one_before() {
    let (new, old) = (machine(2), machine(0));
    let wide = list(&new, Hpa(0x1000)).unwrap();
    assert_eq!(wide.addresses().count(), 2);
    assert!(wide.find(&new, *b"MCFG").is_ok());
    let narrow = list(&old, Hpa(0x1000)).unwrap();
    assert_eq!(narrow.find(&old, *b"MCFG"), Err(AcpiFault::NotListed));
    assert!(narrow.find(&old, *b"APIC").is_ok());
}

#[test]
fn a_damaged_wide_list_falls_back_to_the_narrow_one() {
    let mut memory = machine(2);
    memory.pieces[2].1[40] ^= 1;
    assert_eq!(list(&memory, Hpa(0x1000)).unwrap().addresses().count(), 1);
    memory.pieces[1].1[36] ^= 1;
    assert_eq!(list(&memory, Hpa(0x1000)).err(), Some(AcpiFault::NoList));
}

#[test]
fn each_checksum_of_the_root_pointer_is_checked() {
    let mut memory = machine(2);
    memory.pieces[0].1[10] ^= 1;
    assert_eq!(
        list(&memory, Hpa(0x1000)).err(),
        Some(AcpiFault::RootChecksum)
    );
    let mut memory = machine(2);
    memory.pieces[0].1[34] ^= 1;
    assert_eq!(
        list(&memory, Hpa(0x1000)).err(),
        Some(AcpiFault::RootChecksum)
    );
    let mut memory = machine(0);
    memory.pieces[0].1[34] ^= 1;
    assert!(list(&memory, Hpa(0x1000)).is_ok());
}

#[test]
fn a_damaged_table_is_refused_and_not_taken_for_absent() {
    let mut memory = machine(2);
    memory.pieces[3].1[50] ^= 1;
    let tables = list(&memory, Hpa(0x1000)).unwrap();
    assert_eq!(
        tables.find(&memory, *b"APIC"),
        Err(AcpiFault::TableChecksum)
    );
    let mut memory = machine(2);
    memory.pieces[3].1[7] = 1;
    let tables = list(&memory, Hpa(0x1000)).unwrap();
    assert_eq!(tables.find(&memory, *b"APIC"), Err(AcpiFault::TableLength));
}

#[test]
fn processors_come_in_table_order_without_unusable_ones_and_once_each() {
    let madt = madt::parse(&table(b"APIC", &madt_body())).unwrap();
    let ids: Vec<_> = madt
        .processors
        .iter()
        .map(|p| (p.apic.0, p.startable))
        .collect();
    assert_eq!(
        ids,
        [
            (0, Startable::Enabled),
            (2, Startable::OnlineCapable),
            (300, Startable::Enabled)
        ]
    );
    assert_eq!(madt.processors[2].uid, 400);
    assert_eq!(madt.local_apic, Hpa(0xfee0_0000));
    assert!(madt.has_8259);
    assert_eq!(
        (madt.io_apics[0].registers, madt.io_apics[0].gsi_base),
        (Hpa(0xfec0_0000), 0)
    );
}

#[test]
fn an_isa_line_goes_where_its_override_says() {
    let madt = madt::parse(&table(b"APIC", &madt_body())).unwrap();
    assert_eq!(madt.isa_line(0), (2, 0));
    assert_eq!(madt.isa_line(9), (9, 0xd));
    assert_eq!(madt.isa_line(4), (4, 0));
}

#[test]
fn the_boot_processor_is_core_zero_wherever_it_is_listed() {
    let madt = madt::parse(&table(b"APIC", &madt_body())).unwrap();
    let cores = madt.cores(ApicId(2)).unwrap();
    assert_eq!(
        cores.iter().map(|p| p.apic.0).collect::<Vec<_>>(),
        [2, 0, 300]
    );
    assert_eq!(madt.cores(ApicId(1)), None);
}

#[test]
fn processors_beyond_the_capacity_are_counted() {
    let mut body = madt_body()[..8].to_vec();
    for id in 0..MAX_PROCESSORS as u32 + 3 {
        body.extend(x2apic(id, 1));
    }
    let madt = madt::parse(&table(b"APIC", &body)).unwrap();
    assert_eq!(
        (madt.processors.len(), madt.losses.processors),
        (MAX_PROCESSORS, 3)
    );
}

#[test]
fn an_entry_of_length_zero_ends_the_parse_with_a_fault() {
    let body = [madt_body()[..8].to_vec(), vec![0, 0]].concat();
    assert_eq!(madt::parse(&table(b"APIC", &body)), Err(AcpiFault::Entry));
}

#[test]
fn configuration_space_windows_are_listed_and_upside_down_ones_refused() {
    let mcfg = mcfg::parse(&table(b"MCFG", &mcfg_body())).unwrap();
    let segment = mcfg.segments[0];
    assert_eq!(
        (
            segment.base,
            segment.number,
            segment.first_bus,
            segment.last_bus
        ),
        (Hpa(0xb000_0000), 0, 0, 255)
    );
    let mut body = mcfg_body();
    body[18] = 9;
    body[19] = 3;
    assert_eq!(mcfg::parse(&table(b"MCFG", &body)), Err(AcpiFault::Entry));
}

fn fadt_body(flags: u32) -> Vec<u8> {
    let mut body = vec![0; 244 - 36];
    body[64 - 36..66 - 36].copy_from_slice(&0x604u16.to_le_bytes());
    body[76 - 36..78 - 36].copy_from_slice(&0x608u16.to_le_bytes());
    body[91 - 36] = 4;
    body[112 - 36..116 - 36].copy_from_slice(&flags.to_le_bytes());
    body[116 - 36] = 1;
    body[120 - 36..122 - 36].copy_from_slice(&0xcf9u16.to_le_bytes());
    body[128 - 36] = 0xf;
    body
}

#[test]
fn the_timer_and_reset_register_follow_the_flags() {
    let fadt = fadt::parse(&table(b"FACP", &fadt_body(1 << 10))).unwrap();
    assert_eq!(
        fadt.timer,
        Some(PmTimer {
            register: Register::Port(0x608),
            bits: 24
        })
    );
    assert_eq!(
        fadt.reset,
        Some(Reset {
            register: Register::Port(0xcf9),
            value: 0xf
        })
    );
    assert_eq!(fadt.pm1_control, Some(0x604));
    let wide = fadt::parse(&table(b"FACP", &fadt_body(1 << 8))).unwrap();
    assert_eq!(wide.timer.unwrap().bits, 32);
    assert_eq!(wide.reset, None);
    assert_eq!(
        fadt::parse(&table(b"FACP", &fadt_body(1 << 20)))
            .unwrap()
            .timer,
        None
    );
}

#[test]
fn a_wide_timer_address_wins_over_the_port_field() {
    let mut body = fadt_body(0);
    body[208 - 36] = 0;
    body[212 - 36..216 - 36].copy_from_slice(&0xfed8_0808u32.to_le_bytes());
    let fadt = fadt::parse(&table(b"FACP", &body)).unwrap();
    assert_eq!(
        fadt.timer.unwrap().register,
        Register::Memory(Hpa(0xfed8_0808))
    );
}

#[test]
fn an_old_short_table_has_a_timer_and_no_reset_register() {
    let fadt = fadt::parse(&table(b"FACP", &fadt_body(0)[..116 - 36])).unwrap();
    assert!(fadt.timer.is_some() && fadt.reset.is_none());
    assert_eq!(
        fadt::parse(&table(b"FACP", &[0; 20])),
        Err(AcpiFault::TableLength)
    );
}

proptest! {
    #[test]
    fn arbitrary_table_bodies_never_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = madt::parse(&body);
        let _ = mcfg::parse(&body);
        let _ = fadt::parse(&body);
        let _ = madt::parse(&table(b"APIC", &body));
        let _ = mcfg::parse(&table(b"MCFG", &body));
        let _ = fadt::parse(&table(b"FACP", &body));
    }

    #[test]
    fn a_flipped_bit_in_a_listed_table_is_refused(position in 0usize..200, bit in 0u8..8) {
        let mut memory = machine(2);
        let madt = &mut memory.pieces[3].1;
        let position = position % madt.len();
        madt[position] ^= 1 << bit;
        let tables = list(&memory, Hpa(0x1000)).unwrap();
        prop_assert!(tables.find(&memory, *b"APIC").is_err());
    }

    #[test]
    fn arbitrary_root_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut named = b"RSD PTR ".to_vec();
        named.extend(&bytes);
        let _ = list(&Sparse::default().with(0, named), Hpa(0));
        let _ = list(&Sparse::default().with(0, bytes), Hpa(0));
    }
}

//! The ACPI tables as a guest's parser walks them.
#![allow(missing_docs)]

#[allow(dead_code)]
mod platform_ram;

use hvcore::guest::acpi_tables::{AcpiFault, IO_APIC_ID, MAX_VCPUS, build};
use hvcore::guest::dsdt;
use hvcore::policy::port_io::{self, PortWrite};
use platform_ram::Ram;

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

fn built(vcpus: u8) -> Ram {
    let ram = Ram::new(0x20_0000);
    build(&ram, vcpus).unwrap();
    ram
}

/// A table's bytes, its length and checksum verified.
fn table(ram: &Ram, at: u64) -> Vec<u8> {
    let bytes = ram.bytes(at, ram.u32(at + 4) as usize);
    assert_eq!(sum(&bytes), 0, "{at:#x}");
    bytes
}

/// All tables of the XSDT by signature.
fn find(ram: &Ram, signature: &[u8; 4]) -> Vec<u8> {
    let xsdt = table(ram, ram.u64(0xE0018));
    let pointers = xsdt[36..]
        .chunks(8)
        .map(|p| u64::from_le_bytes(p.try_into().unwrap()));
    let mut tables = pointers.map(|at| table(ram, at));
    tables.find(|bytes| &bytes[..4] == signature).unwrap()
}

/// PLT-03: a scan of the firmware area finds a version 2 pointer with both sums.
#[test]
fn a_scan_finds_the_root_pointer() {
    let ram = Ram::new(0x20_0000);
    let at = build(&ram, 2).unwrap();
    assert_eq!(at.0, 0xE0000);
    let rsdp = ram.bytes(at.0, 36);
    assert_eq!(&rsdp[..8], b"RSD PTR ");
    assert_eq!(
        (sum(&rsdp[..20]), sum(&rsdp), rsdp[15], ram.u32(at.0 + 20)),
        (0, 0, 2, 36)
    );
    assert_eq!(&table(&ram, ram.u64(at.0 + 24))[..4], b"XSDT");
}

/// PLT-03: hardware-reduced, no legacy devices, no 8042, no VGA, no CMOS clock.
#[test]
fn the_fadt_announces_no_legacy_hardware() {
    let fadt = find(&built(2), b"FACP");
    let flags = u32::from_le_bytes(fadt[112..116].try_into().unwrap());
    let boot = u16::from_le_bytes(fadt[109..111].try_into().unwrap());
    assert_eq!((fadt.len(), fadt[8]), (276, 6));
    assert_eq!(flags >> 20 & 1, 1, "hardware-reduced");
    assert_eq!(flags >> 4 & 3, 3, "no fixed buttons");
    assert_eq!(boot & 0b10_0111, 0b10_0100);
    assert!(
        fadt[148..244].iter().all(|byte| *byte == 0),
        "fixed hardware registers"
    );
}

/// PLT-03: following FADT and DSDT to the letter switches off and resets.
#[test]
fn what_the_tables_say_has_its_effect() {
    let fadt = find(&built(1), b"FACP");
    let flags = u32::from_le_bytes(fadt[112..116].try_into().unwrap());
    let register = |at: usize| {
        assert_eq!(fadt[at..at + 4], [1, 8, 0, 1], "one byte of I/O space");
        u64::from_le_bytes(fadt[at + 4..at + 12].try_into().unwrap()) as u16
    };
    assert_eq!(flags >> 10 & 1, 1, "reset register");
    assert_eq!(
        port_io::write(register(116), fadt[128].into()),
        PortWrite::Reset
    );
    let s5 = dsdt::AML
        .windows(4)
        .position(|name| name == b"_S5_")
        .unwrap();
    assert_eq!(dsdt::AML[s5 + 4..s5 + 8], [0x12, 7, 4, 0x0A]);
    let sleep = u32::from(dsdt::AML[s5 + 8]) << 2 | 1 << 5;
    assert_eq!(port_io::write(register(244), sleep), PortWrite::PowerOff);
    assert_eq!(register(256), port_io::SLEEP_STATUS);
}

/// PLT-03, PLT-51: both pointers lead to the AML, whose package lengths add up.
#[test]
fn the_dsdt_describes_the_serial_port() {
    let ram = built(1);
    let fadt = find(&ram, b"FACP");
    let short = u32::from_le_bytes(fadt[40..44].try_into().unwrap());
    let long = u64::from_le_bytes(fadt[140..148].try_into().unwrap());
    assert_eq!(u64::from(short), long);
    let dsdt = table(&ram, long);
    assert_eq!((&dsdt[..4], &dsdt[36..]), (&b"DSDT"[..], &dsdt::AML[..]));
    let device = dsdt::AML
        .windows(2)
        .position(|op| op == [0x5B, 0x82])
        .unwrap();
    assert_eq!(
        device + 2 + usize::from(dsdt::AML[device + 2]),
        dsdt::AML.len()
    );
    let buffer = dsdt::AML
        .windows(4)
        .position(|name| name == b"_CRS")
        .unwrap()
        + 4;
    assert_eq!(
        buffer + 1 + usize::from(dsdt::AML[buffer + 1]),
        dsdt::AML.len()
    );
    assert_eq!(
        usize::from(dsdt::AML[buffer + 3]),
        dsdt::AML.len() - (buffer + 4)
    );
}

/// PLT-04: one local APIC a vCPU with the index as its id, one I/O APIC with an
/// id of its own, and no PIC.
#[test]
fn the_madt_lists_every_vcpu_once() {
    for vcpus in 1..=MAX_VCPUS {
        let madt = find(&built(vcpus), b"APIC");
        assert_eq!(madt[36..40], 0xFEE0_0000_u32.to_le_bytes());
        assert_eq!(madt[40] & 1, 0, "PCAT_COMPAT");
        let (mut rest, mut ids, mut io_apics, mut nmis) = (&madt[44..], vec![], vec![], 0);
        while let [kind, len, ..] = *rest {
            let entry = &rest[..usize::from(len)];
            match kind {
                0 => {
                    assert_eq!(entry[2..], [entry[3], entry[3], 1, 0, 0, 0]);
                    ids.push(entry[3]);
                }
                1 => io_apics.push((entry[2], entry[4..12].to_vec())),
                4 => {
                    assert_eq!(entry[2..], [0xFF, 0, 0, 1]);
                    nmis += 1;
                }
                other => panic!("entry {other}"),
            }
            rest = &rest[usize::from(len)..];
        }
        assert!(rest.is_empty());
        assert_eq!(ids, (0..vcpus).collect::<Vec<_>>());
        assert_eq!(
            io_apics,
            [(IO_APIC_ID, [0, 0, 0xC0, 0xFE, 0, 0, 0, 0].to_vec())]
        );
        assert!(!ids.contains(&IO_APIC_ID));
        assert_eq!(nmis, 1);
    }
}

/// A second build, for fewer vCPUs, leaves nothing of the first.
#[test]
fn a_restart_finds_no_trace_of_the_former_tables() {
    let ram = built(8);
    build(&ram, 1).unwrap();
    assert_eq!(
        ram.bytes(0xE0000, 0x20000),
        built(1).bytes(0xE0000, 0x20000)
    );
}

#[test]
fn impossible_partitions_get_no_tables() {
    let ram = Ram::new(0x20_0000);
    let before = ram.snapshot();
    assert_eq!(build(&ram, 0), Err(AcpiFault::Vcpus));
    assert_eq!(build(&ram, MAX_VCPUS + 1), Err(AcpiFault::Vcpus));
    assert!(before == ram.snapshot());
    assert_eq!(build(&Ram::new(0xF0000), 1), Err(AcpiFault::NotRam));
}

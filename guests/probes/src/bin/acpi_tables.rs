//! The ACPI tables are well formed and describe this machine.
//!
//! Reduced hardware, and one APIC for each CPU.
//! Owns PLT-03 and PLT-04. Also called: RSDP, XSDT, FADT, MADT, DSDT.
//!
//! needs: cpus=3 memory=16M
#![no_std]
#![no_main]

use probes::{claim, require};
use rt::acpi::{self, checksum_holds, field};

fn acpi_tables() {
    let pointer = acpi::root_pointer().unwrap_or_default();
    claim!(!pointer.is_empty(), "the root pointer is found below 1 MiB");
    claim!(
        pointer.len() == 36 && checksum_holds(pointer),
        "it is of revision 2 or later, with both checksums right"
    );
    let mut good = 0;
    let mut count = 0;
    for table in acpi::tables() {
        count += 1;
        require!(
            checksum_holds(table),
            "a table of {} bytes has a wrong checksum",
            table.len()
        );
        good += u32::from(checksum_holds(table));
    }
    claim!(
        count >= 2 && good == count,
        "every table's checksum is right"
    );
    fixed();
    interrupts();
}

fn fixed() {
    let Some(fixed) = acpi::table(b"FACP") else {
        claim!(false, "there is a fixed description table");
        return;
    };
    claim!(
        fixed.len() >= 268,
        "the fixed description table is of version 5 or later"
    );
    let flags = field(fixed, 112, 4);
    claim!(flags >> 20 & 1 == 1, "it says that the hardware is reduced");
    claim!(flags >> 10 & 1 == 1, "it has a reset register");
    // Generic address: space, width, offset, access, address. Space 1 is ports.
    claim!(
        field(fixed, 116, 1) == 1 && field(fixed, 120, 8) == 0xCF9,
        "the reset register is port CF9h"
    );
    claim!(field(fixed, 128, 1) == 6, "its value is 6");
    claim!(
        field(fixed, 244, 1) == 1 && field(fixed, 248, 8) == 0x600,
        "sleep control is port 600h"
    );
    let boot = field(fixed, 109, 2);
    claim!(
        boot & 0b11 == 0,
        "no legacy devices and no 8042 are announced"
    );
    let wide = field(fixed, 140, 8);
    let dsdt = acpi::table_at(if wide != 0 { wide } else { field(fixed, 40, 4) });
    claim!(
        dsdt.starts_with(b"DSDT") && checksum_holds(dsdt),
        "it leads to a definition block"
    );
    let soft_off = dsdt.windows(4).any(|name| name == b"_S5_");
    claim!(soft_off, "which names soft-off");
    claim!(
        dsdt.windows(4).any(|name| name == b"_CRS"),
        "and a device with resources"
    );
}

fn interrupts() {
    let table = acpi::table(b"APIC").unwrap_or_default();
    claim!(
        field(table, 36, 4) == 0xFEE0_0000,
        "the local APICs are where they should be"
    );
    claim!(field(table, 40, 4) & 1 == 0, "no 8259s are announced");
    let mut ids = 0u32;
    for entry in acpi::madt_entries().filter(|entry| entry[0] == 0) {
        require!(field(entry, 4, 4) & 1 == 1, "a CPU is listed as disabled");
        ids |= 1 << field(entry, 3, 1);
    }
    claim!(
        ids == 0b111,
        "there is one local APIC for each CPU, with dense ids"
    );
    let mut devices = acpi::madt_entries().filter(|entry| entry[0] == 1);
    let first = devices.next().unwrap_or_default();
    claim!(
        field(first, 4, 4) == 0xFEC0_0000 && field(first, 8, 4) == 0,
        "the I/O APIC is there and begins at interrupt 0"
    );
    claim!(devices.next().is_none(), "there is only one");
}

probes::probe!(acpi_tables, bulkhead);

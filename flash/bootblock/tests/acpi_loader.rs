//! The emulator's table script, run over a region of bytes.

use bootblock::acpi::loader::{self, Error, Files, Name, byte_sum};
use bootblock::acpi::root_pointer;
use std::collections::HashMap;

const BASE: u64 = 0x7ff0_0000;

#[derive(Default)]
struct Emulator {
    files: HashMap<Vec<u8>, Vec<u8>>,
    refuse: bool,
}

fn key(name: &Name) -> Vec<u8> {
    bootblock::bytes::until_zero(name).to_vec()
}

impl Files for Emulator {
    fn size(&mut self, name: &Name) -> Option<usize> {
        self.files.get(&key(name)).map(Vec::len)
    }
    fn read(&mut self, name: &Name, into: &mut [u8]) {
        into.copy_from_slice(&self.files[&key(name)]);
    }
    fn write(&mut self, name: &Name, offset: u32, bytes: &[u8]) -> bool {
        let file = self.files.get_mut(&key(name)).unwrap();
        file[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
        !self.refuse
    }
}

fn emulator(files: &[(&str, &[u8])]) -> Emulator {
    let files = files
        .iter()
        .map(|(n, b)| (n.as_bytes().to_vec(), b.to_vec()))
        .collect();
    Emulator {
        files,
        refuse: false,
    }
}

fn name(text: &str) -> Vec<u8> {
    let mut name = text.as_bytes().to_vec();
    name.resize(56, 0);
    name
}

fn command(number: u32, parts: &[&[u8]]) -> Vec<u8> {
    let mut command = number.to_le_bytes().to_vec();
    command.extend(parts.concat());
    command.resize(loader::COMMAND_BYTES, 0);
    command
}

fn allocate(file: &str, align: u32) -> Vec<u8> {
    command(1, &[&name(file), &align.to_le_bytes(), &[1]])
}

fn add_pointer(dest: &str, src: &str, offset: u32, width: u8) -> Vec<u8> {
    command(
        2,
        &[&name(dest), &name(src), &offset.to_le_bytes(), &[width]],
    )
}

fn add_checksum(file: &str, at: u32, start: u32, length: u32) -> Vec<u8> {
    let [at, start, length] = [at, start, length].map(u32::to_le_bytes);
    command(3, &[&name(file), &at, &start, &length])
}

fn write_pointer(dest: &str, src: &str, dest_offset: u32, src_offset: u32, width: u8) -> Vec<u8> {
    let [to, from] = [dest_offset, src_offset].map(u32::to_le_bytes);
    command(4, &[&name(dest), &name(src), &to, &from, &[width]])
}

fn run(script: &[Vec<u8>], files: &mut Emulator, region: &mut [u8]) -> Result<usize, Error> {
    loader::run(&script.concat(), files, region, BASE)
}

#[test]
fn files_are_placed_in_order_with_their_alignment() {
    let script = [allocate("a", 1), allocate("b", 64)];
    let mut files = emulator(&[("a", &[1; 10]), ("b", &[2; 20])]);
    assert_eq!(loader::region_bytes(&script.concat(), &mut files), Ok(84));
    let mut region = [0; 84];
    assert_eq!(run(&script, &mut files, &mut region), Ok(84));
    assert_eq!(&region[..10], [1; 10]);
    assert_eq!(&region[64..], [2; 20]);
}

#[test]
fn a_pointer_adds_the_address_of_the_source_to_what_is_there() {
    let script = [
        allocate("a", 16),
        allocate("b", 64),
        add_pointer("a", "b", 4, 4),
    ];
    let mut a = [0; 10];
    a[4] = 7;
    let mut region = [0; 84];
    run(
        &script,
        &mut emulator(&[("a", &a), ("b", &[2; 20])]),
        &mut region,
    )
    .unwrap();
    assert_eq!(region[4..8], (BASE as u32 + 64 + 7).to_le_bytes());
}

#[test]
fn a_checksum_makes_the_table_sum_to_zero() {
    let script = [allocate("a", 16), add_checksum("a", 9, 2, 30)];
    let a: Vec<u8> = (0..40).map(|i| if i == 9 { 0 } else { i * 6 }).collect();
    let mut region = [0; 40];
    run(&script, &mut emulator(&[("a", &a)]), &mut region).unwrap();
    assert_eq!(byte_sum(&region[2..32]), 0);
}

#[test]
fn an_address_is_reported_back_to_the_emulator() {
    let script = [allocate("a", 16), write_pointer("addr", "a", 2, 40, 8)];
    let mut files = emulator(&[("a", &[0; 64]), ("addr", &[0; 10])]);
    run(&script, &mut files, &mut [0; 64]).unwrap();
    assert_eq!(files.files[&b"addr"[..]][2..], (BASE + 40).to_le_bytes());
    files.refuse = true;
    assert_eq!(
        run(&script, &mut files, &mut [0; 64]),
        Err(Error::ReportRefused)
    );
}

#[test]
fn unknown_commands_are_stepped_over() {
    let script = [command(99, &[]), allocate("a", 1)];
    assert_eq!(
        run(&script, &mut emulator(&[("a", &[5; 3])]), &mut [0; 3]),
        Ok(3)
    );
}

#[test]
fn each_bad_script_is_refused_by_name() {
    let check = |script: &[Vec<u8>]| {
        run(script, &mut emulator(&[("a", &[0; 8])]), &mut [0; 16]).unwrap_err()
    };
    assert_eq!(check(&[allocate("b", 1)]), Error::MissingFile);
    assert_eq!(check(&[allocate("a", 3)]), Error::Alignment);
    assert_eq!(check(&[allocate("a", 0x1_0000)]), Error::Alignment);
    assert_eq!(check(&[allocate("a", 1), allocate("a", 16)]), Error::NoRoom);
    assert_eq!(check(&[add_pointer("a", "a", 0, 4)]), Error::UnknownFile);
    assert_eq!(
        check(&[allocate("a", 1), add_pointer("a", "a", 5, 4)]),
        Error::PatchOutsideFile
    );
    assert_eq!(
        check(&[allocate("a", 1), add_pointer("a", "a", 0, 3)]),
        Error::PatchOutsideFile
    );
    let sum = [allocate("a", 1), add_checksum("a", 8, 0, 8)];
    assert_eq!(check(&sum), Error::PatchOutsideFile);
    let sum = [allocate("a", 1), add_checksum("a", 0, u32::MAX, u32::MAX)];
    assert_eq!(check(&sum), Error::PatchOutsideFile);
    assert_eq!(check(&[vec![1, 0, 0, 0, b'a']]), Error::ShortCommand);
}

/// An RSDT of two entries and an RSDP of revision 0, as QEMU gives them.
fn tables() -> Vec<u8> {
    let mut region = vec![0; 0x400];
    let rsdt = &mut region[0x40..0x40 + 44];
    rsdt[0..4].copy_from_slice(b"RSDT");
    rsdt[4] = 44;
    rsdt[8] = 1;
    rsdt[10..16].copy_from_slice(b"BOCHS ");
    rsdt[36..40].copy_from_slice(&0x7ff0_1000u32.to_le_bytes());
    rsdt[40..44].copy_from_slice(&0x7ff0_2000u32.to_le_bytes());
    rsdt[9] = byte_sum(rsdt).wrapping_neg();
    let rsdp = &mut region[0x80..0x94];
    rsdp[0..8].copy_from_slice(b"RSD PTR ");
    rsdp[9..15].copy_from_slice(b"BOCHS ");
    rsdp[16..20].copy_from_slice(&(BASE as u32 + 0x40).to_le_bytes());
    rsdp[8] = byte_sum(rsdp).wrapping_neg();
    region
}

#[test]
fn a_revision_0_rsdp_becomes_revision_2_with_the_same_tables() {
    let mut region = tables();
    let at = root_pointer::upgrade(&mut region, 0x94, BASE).unwrap();
    let rsdp = &region[at..at + root_pointer::RSDP_BYTES];
    assert_eq!((byte_sum(&rsdp[..20]), byte_sum(rsdp), rsdp[15]), (0, 0, 2));
    assert_eq!(rsdp[16..20], (BASE as u32 + 0x40).to_le_bytes());
    let xsdt = u64::from_le_bytes(rsdp[24..32].try_into().unwrap()) - BASE;
    let xsdt = &region[xsdt as usize..xsdt as usize + 52];
    assert_eq!(
        (&xsdt[0..4], xsdt[4], byte_sum(xsdt)),
        (&b"XSDT"[..], 52, 0)
    );
    assert_eq!(xsdt[36..44], 0x7ff0_1000u64.to_le_bytes());
    assert_eq!(xsdt[44..52], 0x7ff0_2000u64.to_le_bytes());
}

#[test]
fn tables_without_a_sound_rsdp_are_refused() {
    let mut region = tables();
    region[0x81] ^= 1;
    assert_eq!(
        root_pointer::upgrade(&mut region, 0x94, BASE),
        Err(Error::NoRootPointer)
    );
    let mut region = tables();
    region[0x44] = 255;
    assert_eq!(
        root_pointer::upgrade(&mut region, 0x94, BASE),
        Err(Error::NoRootPointer)
    );
    let mut region = tables();
    region.truncate(0xa0);
    assert_eq!(
        root_pointer::upgrade(&mut region, 0x94, BASE),
        Err(Error::NoRoom)
    );
}

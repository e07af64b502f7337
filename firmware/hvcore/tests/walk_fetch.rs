//! Instruction fetch: which bytes are read, and which pages are not.

use hvcore::decode::bytes::DecodeError;
use hvcore::decode::fetch::{FetchError, fetch, instruction_at};
use hvcore::decode::instruction::Kind;
use hvcore::decode::intercepted::Intercepted;
use hvcore::decode::mode::{CodeSize, EFER_LMA};
use hvcore::decode::paging::{Paging, WalkFault};
use hvcore::ids::Gpa;
use testkit::guest_ram::GuestRam;
use testkit::page_tables::PageTables;

const MAPPED: u64 = 0x21;
/// First of two linear pages, whose physical pages are far apart.
const CODE: u64 = 0xFFFF_FFFF_8000_0000;
const FIRST: u64 = 0x8000;
const SECOND: u64 = 0x6000;

struct Guest {
    ram: GuestRam,
    paging: Paging,
}

/// A guest whose first code page is mapped, and the second if `both`.
fn guest(both: bool) -> Guest {
    let ram = GuestRam::new(0, 0x9000);
    let mut tables = PageTables::new(&ram, 0x1000, 4);
    tables.set(CODE, 12, FIRST | MAPPED);
    if both {
        tables.set(CODE + 0x1000, 12, SECOND | MAPPED);
    }
    let paging = Paging {
        cr0: 1 << 31 | 1,
        cr3: tables.root,
        cr4: 1 << 5,
        efer: EFER_LMA | 1 << 11,
        rflags: 0,
        cpl: 0,
        phys_bits: 40,
    };
    Guest { ram, paging }
}

impl Guest {
    /// Places `code` so that it begins `before` bytes before the second page.
    fn place(&self, code: &[u8], before: usize) -> u64 {
        let (first, second) = code.split_at(before.min(code.len()));
        self.ram.put(FIRST + 0x1000 - before as u64, first);
        self.ram.put(SECOND, second);
        CODE + 0x1000 - before as u64
    }

    fn length_at(&self, rip: u64) -> Result<usize, FetchError> {
        let size = CodeSize::Bits64;
        // A base that 64-bit mode must ignore.
        let decoded = instruction_at(&self.ram, &self.paging, 0x1234, rip, size)?;
        Ok(usize::from(decoded.length))
    }
}

/// Instructions of 1 to 15 bytes that end where they end only by their last
/// byte.
fn instructions() -> Vec<Vec<u8>> {
    let mut all = vec![vec![0xF4]];
    all.extend((0..14).map(|prefixes| [vec![0x66; prefixes], vec![0x0F, 0xA2]].concat()));
    // MOV [disp32], R12D and MOV [RAX+RBX*4+disp32], imm32
    all.push(vec![0x44, 0x89, 0x24, 0x25, 0xB0, 0xF0, 0x5F, 0xFF]);
    all.push(vec![0xC7, 0x84, 0x98, 1, 2, 3, 4, 5, 6, 7, 8]);
    all.retain(|code| code.len() <= 15);
    all
}

/// AVIC-31: the bytes come from memory, whatever the decode assists hold.
#[test]
fn an_instruction_that_ends_with_its_page_needs_no_other() {
    let guest = guest(false);
    for code in instructions() {
        for before in code.len()..=32 {
            let rip = guest.place(&code, before);
            assert_eq!(guest.length_at(rip), Ok(code.len()), "{code:02x?} {before}");
        }
    }
}

/// AVIC-31
#[test]
fn an_instruction_across_two_pages_is_put_together() {
    let guest = guest(true);
    for code in instructions() {
        for before in 1..code.len() {
            let rip = guest.place(&code, before);
            assert_eq!(guest.length_at(rip), Ok(code.len()), "{code:02x?} {before}");
        }
    }
}

/// The fault is the one the processor would raise: on the first byte that is
/// not there.
#[test]
fn an_absent_second_page_faults_at_its_first_byte() {
    let guest = guest(false);
    let second = WalkFault::PageFault {
        code: 0x10,
        address: CODE + 0x1000,
    };
    for code in instructions() {
        for before in 1..code.len() {
            let rip = guest.place(&code, before);
            assert_eq!(
                guest.length_at(rip),
                Err(FetchError::Walk(second)),
                "{code:02x?}"
            );
        }
    }
}

#[test]
fn sixteen_bytes_of_prefixes_are_too_long_wherever_they_lie() {
    let guest = guest(true);
    for before in 1..=32 {
        let rip = guest.place(&[0x66; 32], before);
        assert_eq!(
            guest.length_at(rip),
            Err(FetchError::Decode(DecodeError::TooLong))
        );
    }
}

#[test]
fn code_outside_ram_is_said_to_be_there() {
    let mut guest = guest(false);
    guest.paging.cr0 = 1;
    let size = CodeSize::Bits32;
    let at = |base, rip| instruction_at(&guest.ram, &guest.paging, base, rip, size);
    let outside = |at| Err(FetchError::Walk(WalkFault::OutsideRam { at: Gpa(at) }));
    assert_eq!(at(0xFFFF_0000, 0xFFF0), outside(0xFFFF_FFF0));
    // RAM ends at 0x9000, in the middle of the bytes: those before it are read.
    guest.ram.put(0x8FFF, &[0xF4]);
    let hlt = at(0, 0x8FFF).map(|decoded| decoded.kind);
    assert_eq!(hlt, Ok(Kind::Intercepted(Intercepted::Hlt)));
    guest.ram.put(0x8FFF, &[0x0F]);
    assert_eq!(at(0, 0x8FFF), outside(0x9000));
}

#[test]
fn the_first_fetch_gives_nine_bytes_or_the_rest_of_the_page() {
    let guest = guest(true);
    for before in 1..=64 {
        let code: Vec<u8> = (0..64).collect();
        let rip = guest.place(&code, before);
        let size = CodeSize::Bits64;
        let mut fetched = fetch(&guest.ram, &guest.paging, 0, rip, size).unwrap();
        let first = fetched.bytes().len();
        assert!(
            first >= 9.min(before) && first <= 15.min(before),
            "{first} of {before}"
        );
        assert_eq!(fetched.at(), Gpa(FIRST + 0x1000 - before as u64));
        while fetched.extend(&guest.ram, &guest.paging, size).unwrap() {}
        assert_eq!(fetched.bytes(), &code[..15], "{before}");
    }
}

/// Outside 64-bit mode the byte after linear 4 GiB - 1 is at linear 0.
#[test]
fn code_wraps_at_4_gib_outside_64_bit_mode() {
    let ram = GuestRam::with_ranges(&[(0, 0x1000), (0xFFFF_F000, 0x1000)]);
    let paging = Paging {
        cr0: 1,
        efer: 0,
        ..guest(false).paging
    };
    ram.put(0xFFFF_FFFF, &[0x0F]);
    ram.put(0, &[0xA2]);
    let decoded = instruction_at(&ram, &paging, 0xFFFF_0000, 0xFFFF, CodeSize::Bits16);
    assert_eq!(decoded.map(|cpuid| cpuid.length), Ok(2));
}

//! Fuzz target: page-table walk and instruction fetch.
//!
//! Twelve bytes of control, then sixteen words of page-table entries whose
//! addresses are folded into a few pages of RAM, so that tables share pages and
//! refer to themselves. Claims: only accessed and dirty bits change, a fault
//! changes nothing, the second walk stores nothing and agrees with the first,
//! whatever may be written may be read, and a fetch sees the bytes that are
//! there.
#![no_main]

use hvcore::decode::bytes::DecodeError;
use hvcore::decode::fetch::{FetchError, fetch, instruction_at};
use hvcore::decode::mode::code_size;
use hvcore::decode::paging::{Access, Format, Paging};
use hvcore::decode::walk::walk;
use hvcore::ids::{Gpa, Gva};
use hvcore::port::GuestMemory;
use libfuzzer_sys::fuzz_target;
use testkit::guest_ram::GuestRam;

const RAM: u64 = 0x4000;
const MARKS: u64 = 0x60;

fn bit(word: u64, from: u32, to: u32) -> u64 {
    (word >> from & 1) << to
}

fn paging(control: u64) -> Paging {
    // EFER.LMA without PAE cannot be.
    let long = bit(control, 0, 10);
    Paging {
        cr0: 1 | bit(control, 1, 16) | bit(!control, 2, 31) | 1 << 5,
        cr3: 0x1000 + (control & 0x18) * 4,
        cr4: bit(control, 5, 4)
            | if long != 0 {
                1 << 5
            } else {
                bit(control, 6, 5)
            }
            | bit(control, 7, 12)
            | bit(control, 8, 20)
            | bit(control, 9, 21),
        efer: if control & 4 == 0 { long } else { 0 } | bit(control, 10, 11),
        rflags: bit(control, 11, 18),
        cpl: (control >> 12 & 3) as u8,
        phys_bits: 32 + (control >> 14) as u8 % 21,
    }
}

/// Spreads entries over all pages, at indices that `linear` selects.
fn fill(ram: &GuestRam, linear: u64, entries: &[u8]) {
    for (n, entry) in entries.chunks_exact(8).take(16).enumerate() {
        let entry = u64::from_le_bytes(entry.try_into().unwrap());
        let shift = [12, 21, 30, 39][n % 4];
        let page = (n as u64 / 4) * 0x1000;
        let at = page + (linear >> shift & 0x1FF) * 8;
        // Mostly small addresses; bit 62 of the input lets a wild one through.
        let wild = entry & 1 << 62 != 0;
        ram.put_u64(
            at,
            if wild {
                entry & !(1 << 62)
            } else {
                entry & 0x8000_0000_0000_3FFF
            },
        );
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((control, entries)) = input.split_first_chunk::<12>() else {
        return;
    };
    let word = |from: usize| {
        control[from..]
            .iter()
            .rev()
            .fold(0, |w: u64, b| w << 8 | u64::from(*b))
    };
    let paging = paging(word(8));
    let canonical = ((word(0) << 16) as i64 >> 16) as u64;
    let linear = if control[11] & 1 == 0 {
        canonical
    } else {
        word(0)
    };
    let ram = GuestRam::new(0, RAM);
    fill(&ram, linear, entries);
    let access = Access {
        write: control[11] & 2 != 0,
        user: control[11] & 4 != 0,
        fetch: control[11] & 6 == 0,
    };
    let before = ram.snapshot();
    let result = walk(&ram, &paging, Gva(linear), access);
    let after = ram.snapshot();
    let halves = if paging.format() == Format::Legacy {
        MARKS | MARKS << 32
    } else {
        MARKS
    };
    for (old, new) in before.iter().zip(&after) {
        assert_eq!((old ^ new) & !halves, 0);
        assert_eq!(old & !new, 0);
    }
    // The bits a walk sets are reserved in the pointers of PAE: if these are
    // also entries of a lower table, the walk changes what it walks.
    let unchanged = before == after;
    let settled = unchanged || paging.format() != Format::Pae;
    match result {
        Ok(at) => assert_eq!(at.0 & 0xFFF, linear & 0xFFF),
        Err(_) => assert!(unchanged || !settled),
    }
    if !settled {
        return;
    }
    ram.interfere(|_, at| panic!("stored to {at:?} again"));
    let again = walk(&ram, &paging, Gva(linear), access);
    assert_eq!(again, result);
    if access.write && result.is_ok() {
        let read = Access {
            write: false,
            ..access
        };
        assert_eq!(walk(&ram, &paging, Gva(linear), read), result);
    }
    ram.interfere(|_, _| ());
    fetches(&ram, &paging, linear);
});

fn fetches(ram: &GuestRam, paging: &Paging, rip: u64) {
    let size = code_size(true, true, paging.efer, paging.cr0, paging.rflags);
    if let Ok(fetched) = fetch(ram, paging, 0, rip, size) {
        let mut there = [0; 15];
        let there = &mut there[..fetched.bytes().len()];
        ram.read(Gpa(fetched.at().0), there).unwrap();
        assert_eq!(fetched.bytes(), there);
    }
    match instruction_at(ram, paging, 0, rip, size) {
        Err(FetchError::Decode(DecodeError::NeedMore)) => panic!("undecided"),
        Err(FetchError::Walk(_) | FetchError::Decode(_)) => {}
        Ok(instruction) => assert!(instruction.length <= 15),
    }
}

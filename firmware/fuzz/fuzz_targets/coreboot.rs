//! Fuzz target: coreboot table.
//!
//! The input is the records; header and checksums are made to fit, unless the
//! first byte spoils them. Claims: a spoiled checksum is refused, an accepted
//! table has a sound memory map with RAM in it, and texts are printable.
#![no_main]

use fuzz::input::put;
use fuzz::memory_map::assert_sound;
use hvcore::handoff::coreboot::{CorebootFault, find, internet_checksum};
use hvcore::handoff::physical::Piece;
use hvcore::ids::Hpa;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&spoil, records)) = input.split_first() else {
        return;
    };
    let mut bytes = vec![0; 24];
    bytes[..4].copy_from_slice(b"LBIO");
    let sum = u32::from(internet_checksum(records) ^ u16::from(spoil & 1));
    put(&mut bytes, 4, &[24, 0, records.len() as u32, sum, 0]);
    let header = internet_checksum(&bytes) ^ u16::from(spoil & 2);
    put(&mut bytes, 8, &[u32::from(header)]);
    bytes.extend(records);
    let memory = Piece {
        base: Hpa(0x1000),
        bytes: &bytes,
    };
    let read = find(&memory, Some(Hpa(0x1000)));
    match (spoil & 3, read) {
        (1 | 3, Ok(_)) => panic!("a wrong checksum was believed"),
        (2, Ok(_)) => panic!("a wrong header checksum was believed"),
        (0, Err(CorebootFault::HeaderChecksum | CorebootFault::TableChecksum)) => {
            // Only a forward record may lead to a table whose sums are wrong.
            assert!(records.windows(4).any(|tag| tag == [0x11, 0, 0, 0]));
        }
        (_, Ok(tables)) => {
            assert_sound(&tables.memory);
            let texts = tables.vendor.chars().chain(tables.part.chars());
            assert!(texts.into_iter().all(|letter| !letter.is_control()));
        }
        (_, Err(_)) => {}
    }
});

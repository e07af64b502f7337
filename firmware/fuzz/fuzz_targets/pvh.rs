//! Fuzz target: PVH start info.
//!
//! The block stands at a fixed place and points at itself unless the input says
//! otherwise. Claims: an accepted block has a sound memory map with RAM in it,
//! and its module does not wrap.
#![no_main]

use fuzz::input::{overlay, put};
use fuzz::memory_map::assert_sound;
use hvcore::handoff::physical::Piece;
use hvcore::handoff::pvh::{MAGIC, read};
use hvcore::ids::Hpa;
use libfuzzer_sys::fuzz_target;

const BASE: u64 = 0x1000;

fuzz_target!(|input: &[u8]| {
    let mut bytes = vec![0; 56 + 32];
    let (modules, ranges) = (BASE as u32 + 56, BASE as u32 + 88);
    let ranges_len = input.len().saturating_sub(88) / 24;
    put(
        &mut bytes,
        0,
        &[
            MAGIC,
            1,
            0,
            1,
            modules,
            0,
            0,
            0,
            0,
            0,
            ranges,
            0,
            ranges_len as u32,
        ],
    );
    let rest = overlay(&mut bytes, input);
    bytes.extend(rest);
    let memory = Piece {
        base: Hpa(BASE),
        bytes: &bytes,
    };
    if let Ok(tables) = read(&memory, Hpa(BASE)) {
        assert_sound(&tables.memory);
        if let Some(module) = tables.ram_cbfs {
            assert!(module.len > 0 && module.start.0.checked_add(module.len).is_some());
        }
        assert_ne!(tables.acpi_rsdp, Some(Hpa(0)));
    }
});

//! Fuzz target: ACPI root, MADT, FADT and MCFG.
//!
//! Root, list and one table have fixed places and balanced sums; the rest is
//! input. Claims: a table that is found has its signature, its length and a sum
//! of zero; lists keep unique processors and ordered bus ranges, and account
//! for what they drop.
#![no_main]

use fuzz::input::{balance, overlay, put};
use hvcore::handoff::acpi::{fadt, madt, mcfg, root};
use hvcore::handoff::physical::Piece;
use hvcore::ids::Hpa;
use libfuzzer_sys::fuzz_target;

const BASE: u64 = 0xE_0000;
const LIST: usize = 64;
const TABLE: usize = 160;

fn table(bytes: &mut [u8], at: usize, signature: &[u8; 4], len: usize) {
    bytes[at..at + 4].copy_from_slice(signature);
    put(bytes, at + 4, &[len as u32]);
    balance(&mut bytes[at..at + len], 9);
}

fuzz_target!(|input: &[u8]| {
    let Some((&kind, input)) = input.split_first() else {
        return;
    };
    let mut bytes = vec![0; TABLE];
    bytes[..8].copy_from_slice(b"RSD PTR ");
    bytes[15] = kind >> 4 & 2;
    put(
        &mut bytes,
        16,
        &[BASE as u32 + LIST as u32, 36, BASE as u32 + LIST as u32, 0],
    );
    put(&mut bytes, LIST + 36, &[BASE as u32 + TABLE as u32, 0]);
    let rest = overlay(&mut bytes[LIST + 36..], input);
    bytes.extend(rest);
    bytes.resize(bytes.len().max(TABLE + 36), 0);
    let signature = [b"APIC", b"FACP", b"MCFG"][usize::from(kind) % 3];
    let len = bytes.len() - TABLE;
    table(&mut bytes, TABLE, signature, len);
    let list: &[u8; 4] = if bytes[15] >= 2 { b"XSDT" } else { b"RSDT" };
    table(&mut bytes, LIST, list, TABLE - LIST);
    balance(&mut bytes[..20], 8);
    balance(&mut bytes[..36], 32);

    let memory = Piece {
        base: Hpa(BASE),
        bytes: &bytes,
    };
    let list = root::list(&memory, Hpa(BASE)).expect("a whole list");
    for wanted in [b"APIC", b"FACP", b"MCFG"] {
        let Ok(found) = list.find(&memory, *wanted) else {
            continue;
        };
        assert_eq!(&found[..4], wanted);
        assert_eq!(found[4..8], (found.len() as u32).to_le_bytes());
        assert_eq!(
            found.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)),
            0
        );
    }
    parse_all(&bytes[TABLE..]);
});

fn parse_all(table: &[u8]) {
    if let Ok(madt) = madt::parse(table) {
        let mut ids: Vec<u32> = madt.processors.iter().map(|found| found.apic.0).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        if let Some(first) = madt.processors.first() {
            let cores = madt.cores(first.apic).expect("a processor of the table");
            assert_eq!(cores.len(), madt.processors.len());
            assert_eq!(cores.first().map(|core| core.apic), Some(first.apic));
        }
        let losses = madt.losses;
        assert!(losses.processors == 0 || madt.processors.is_full());
        assert!(losses.io_apics == 0 || madt.io_apics.is_full());
        assert!(losses.overrides == 0 || madt.overrides.is_full());
    }
    if let Ok(mcfg) = mcfg::parse(table) {
        assert!(
            mcfg.segments
                .iter()
                .all(|segment| segment.first_bus <= segment.last_bus)
        );
        assert!(mcfg.lost == 0 || mcfg.segments.is_full());
        let listed = mcfg.segments.len() + mcfg.lost as usize;
        assert_eq!(listed, table.len().saturating_sub(44) / 16);
    }
    let _ = fadt::parse(table);
}

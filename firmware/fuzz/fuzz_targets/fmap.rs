//! Fuzz target: flash map.
//!
//! Claims: a map that is accepted lists as many areas as it announces, and
//! whatever is found by name lies within the flash.
#![no_main]

use fuzz::input::overlay;
use hvcore::handoff::fmap::{AREA_LEN, HEAD_LEN, MAX_AREAS, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut bytes = vec![0; HEAD_LEN];
    bytes[..9].copy_from_slice(b"__FMAP__\x01");
    let areas = overlay(&mut bytes, input);
    bytes.extend(areas);
    let Ok(map) = parse(&bytes) else { return };
    let count = map.areas().count();
    assert_eq!(
        count,
        usize::from(u16::from_le_bytes([bytes[54], bytes[55]]))
    );
    assert!(count <= MAX_AREAS && HEAD_LEN + count * AREA_LEN <= bytes.len());
    for area in map.areas() {
        if let Some(found) = map.find(area.name) {
            assert_eq!(found.name, area.name);
            assert!(u64::from(found.offset) + u64::from(found.size) <= u64::from(map.size));
        }
    }
});

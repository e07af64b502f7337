//! The MSR permission map: which MSR accesses exit.
//!
//! Two bits an MSR, read below write, 1 = exit, for three ranges of 8192 MSRs
//! each; numbers outside them always exit (24593 section 15.11). Everything
//! exits but what [`super::msr`] passes.
//! Also called: MSRPM, MSR bitmap.

use super::msr::{MsrPolicy, PASSED};

/// Bytes of a permission map: two pages.
pub const BYTES: usize = 8192;

/// Where the read bit of `msr` is: byte and bit. `None` if it has none.
pub const fn position(msr: u32) -> Option<(usize, u8)> {
    let range = match msr >> 13 {
        0 => 0,
        0x6_0000 => 1,
        0x6_0008 => 2,
        _ => return None,
    };
    let rank = msr & 0x1FFF;
    Some((range * 2048 + (rank / 4) as usize, (rank % 4 * 2) as u8))
}

/// Fills `map` for guests under `policy`.
pub fn fill(policy: &MsrPolicy, map: &mut [u8; BYTES]) {
    map.fill(0xFF);
    for msr in PASSED {
        let (read, write) = policy.passes(msr);
        let Some((byte, bit)) = position(msr) else {
            continue;
        };
        if let Some(byte) = map.get_mut(byte) {
            *byte &= !((u8::from(read) | u8::from(write) << 1) << bit);
        }
    }
}

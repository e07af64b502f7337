//! The board's real-time clock, read once through ports 70h and 71h.

use crate::cpu;
use hvcore::clock::calendar::RtcReading;

/// Seconds, minutes, hours, day of month, month, year.
const FIELDS: [u8; 6] = [0x00, 0x02, 0x04, 0x07, 0x08, 0x09];
const STATUS_A: u8 = 0x0a;
const STATUS_B: u8 = 0x0b;
/// Where PC firmware keeps the century.
const CENTURY: u8 = 0x32;
const UPDATING: u8 = 1 << 7;

fn register(index: u8) -> u8 {
    cpu::outb(0x70, index);
    cpu::inb(0x71)
}

fn once() -> RtcReading {
    RtcReading {
        fields: FIELDS.map(register),
        century: register(CENTURY),
        status_b: register(STATUS_B),
    }
}

/// A reading that did not change while it was taken; `None` from a clock that
/// never comes to rest (there is none).
pub fn read() -> Option<RtcReading> {
    for _ in 0..100_000u32 {
        if register(STATUS_A) & UPDATING != 0 {
            continue;
        }
        let first = once();
        if first == once() {
            return Some(first);
        }
    }
    None
}

//! Fuzz target: IOAPIC.
//!
//! The input is a sequence of register accesses, line changes and ends. Claims:
//! a message comes only from a pin that is unmasked and carries that pin's
//! vector; a level pin in a CPU's hands stays silent until its vector ends.
#![no_main]

use hvcore::device::ioapic::IoApic;
use hvcore::ids::Vector;
use libfuzzer_sys::fuzz_target;

const PINS: u8 = 24;
const WINDOW: u16 = 0x10;
const MASKED: u64 = 1 << 16;
const LEVEL: u64 = 1 << 15;
const REMOTE_IRR: u64 = 1 << 14;

/// Entry of a pin, through the registers; leaves the index changed.
fn entry(ioapic: &mut IoApic, pin: u8) -> u64 {
    let mut half = |index: u8| {
        assert!(ioapic.write(0, u32::from(index)).is_none());
        u64::from(ioapic.read(WINDOW))
    };
    half(0x10 + 2 * pin) | half(0x11 + 2 * pin) << 32
}

fuzz_target!(|input: &[u8]| {
    let mut ioapic = IoApic::new();
    for step in input.chunks_exact(8) {
        let pin = step[1] % PINS;
        let value = u32::from_le_bytes(step[4..8].try_into().unwrap());
        match step[0] & 3 {
            0 => {
                assert!(ioapic.write(0, u32::from(step[1])).is_none());
                let _ = ioapic.write(u16::from(step[2]), value);
            }
            1 => {
                let before = entry(&mut ioapic, pin);
                let message = ioapic.set_line(pin, step[2] & 1 != 0);
                if let Some(message) = message {
                    assert_eq!(before & MASKED, 0);
                    assert_eq!(message.level, before & LEVEL != 0);
                    assert!(before & REMOTE_IRR == 0 || before & LEVEL == 0);
                    assert_eq!(message.vector, Vector(before as u8));
                    // Sent once: the line alone does not send it again.
                    if entry(&mut ioapic, pin) & REMOTE_IRR != 0 {
                        assert!(ioapic.set_line(pin, true).is_none());
                    }
                }
            }
            2 => {
                let vector = Vector(step[1]);
                let mut sent = 0;
                ioapic.end(vector, |message| {
                    assert_eq!(message.vector, vector);
                    sent += 1;
                });
                assert!(sent <= PINS);
            }
            _ => {
                let once = ioapic.read(u16::from(step[2]));
                assert_eq!(ioapic.read(u16::from(step[2])), once);
            }
        }
        for pin in 0..PINS {
            let entry = entry(&mut ioapic, pin);
            assert!(entry & REMOTE_IRR == 0 || entry & LEVEL != 0);
        }
    }
    // Pins that do not exist stay silent.
    assert!((PINS..=255).all(|pin| ioapic.set_line(pin, true).is_none()));
});

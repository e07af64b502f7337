//! Interrupt controllers, in the state in which coreboot leaves them.
//!
//! Virtual wire, twice: the 8259 reaches the boot processor through pin 0 of the
//! IOAPIC and through LVT0, both open. Only the 8259's own masks hold interrupts
//! back. A payload that enables interrupts has to close all of it first.

use super::{physical, ports};

/// First address of every processor's local APIC.
pub const LAPIC: u64 = 0xfee0_0000;
const IOAPIC: u64 = 0xfec0_0000;

/// LVT value: external interrupt.
const EXT_INT: u32 = 0x700;
/// LVT value: non-maskable interrupt.
const NMI: u32 = 0x400;
const MASKED: u32 = 1 << 16;

/// Initialises 8259 pair, IOAPIC and the boot processor's local APIC.
pub fn init() {
    init_8259();
    init_ioapic();
    for (register, value) in [
        (0xf0, 0x10f),
        (0x80, 0),
        (0x320, MASKED),
        (0x350, EXT_INT),
        (0x360, NMI),
    ] {
        physical::write_register(LAPIC + register, value);
    }
}

fn init_8259() {
    const ONE: u16 = 0x20;
    const TWO: u16 = 0xa0;
    for (port, value) in [
        (ONE, 0x11),
        (ONE + 1, 0x20), // vectors 0x20..
        (ONE + 1, 0x04), // second one on line 2
        (ONE + 1, 0x01),
        (TWO, 0x11),
        (TWO + 1, 0x28), // vectors 0x28..
        (TWO + 1, 0x02),
        (TWO + 1, 0x01),
        (TWO + 1, 0xff), // all masked
        (ONE + 1, 0xfb), // all but the cascade
    ] {
        ports::write::<u8>(port, value);
    }
}

fn init_ioapic() {
    let write = |index: u32, value: u32| {
        physical::write_register(IOAPIC, index);
        physical::write_register(IOAPIC + 0x10, value);
    };
    write(0, 0);
    for pin in 0..24 {
        write(0x10 + pin * 2, MASKED);
        write(0x11 + pin * 2, 0);
    }
    // Pin 0: external interrupt, to the boot processor, which has id 0.
    write(0x10, EXT_INT);
}

/// Sends an interprocessor interrupt to all other processors.
pub fn send_to_others(command: u32) {
    const ALL_BUT_SELF: u32 = 3 << 18;
    const BUSY: u32 = 1 << 12;
    physical::write_register(LAPIC + 0x300, ALL_BUT_SELF | command);
    while physical::read_register(LAPIC + 0x300) & BUSY != 0 {
        core::hint::spin_loop();
    }
}

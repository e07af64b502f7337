//! The host's 8259 and IOAPIC: everything firmware left open is closed.
//!
//! Two ExtINT paths stand open behind the 8259's masks at entry (IOAPIC pin 0
//! and LVT0), so all three are masked before interrupts are ever enabled.
#![expect(unsafe_code, reason = "UNSAFETY: accesses the IOAPIC's registers")]

use crate::cpu;
use hvcore::ids::{ApicId, Hpa};

fn access(base: Hpa, register: u8, value: Option<u32>) -> u32 {
    let select = base.0 as *mut u32;
    let window = (base.0 + 0x10) as *mut u32;
    // SAFETY: the MADT names an IOAPIC here; MMIO below 4 GiB is mapped (assumption 2).
    unsafe { select.write_volatile(u32::from(register)) };
    if let Some(value) = value {
        // SAFETY: as above.
        unsafe { window.write_volatile(value) };
    }
    // SAFETY: as above.
    unsafe { window.read_volatile() }
}

/// Masks both 8259s.
pub fn mask_8259() {
    cpu::outb(0x21, 0xff);
    cpu::outb(0xa1, 0xff);
}

/// Masks every pin of one IOAPIC; returns how many it has.
pub fn mask_all(base: Hpa) -> u8 {
    let pins = ((access(base, 1, None) >> 16) as u8)
        .saturating_add(1)
        .min(120);
    for pin in 0..pins {
        access(base, 0x10 + pin * 2, Some(1 << 16));
        access(base, 0x11 + pin * 2, Some(0));
    }
    pins
}

/// Routes a pin, edge-triggered and active high, to a vector of one core.
pub fn route_edge(base: Hpa, pin: u8, vector: u8, to: ApicId) {
    let at = pin.min(119) * 2;
    access(base, 0x11 + at, Some(to.0 << 24));
    access(base, 0x10 + at, Some(u32::from(vector)));
}

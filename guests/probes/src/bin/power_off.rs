//! Only the right sleep value powers the machine off, and all CPUs stop.
//!
//! Also called: S5, SLEEP_CONTROL, ACPI shutdown.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]

use probes::claim;
use rt::power::{self, SLEEP_CONTROL};
use rt::{port, smp, tsc};

fn power_off() {
    claim!(smp::start(busy) == 2, "the second CPU runs");
    // Other sleep types with the enable bit, and the right type without it.
    for kind in [0, 1, 3, 4, 7] {
        port::write8(SLEEP_CONTROL, kind << 2 | 1 << 5);
    }
    port::write8(SLEEP_CONTROL, 5 << 2);
    port::write8(SLEEP_CONTROL + 1, power::SLEEP_S5);
    tsc::delay(1_000);
    claim!(true, "other values leave the machine on");
}

/// Goes on until the machine stops; it must not need this CPU's help.
fn busy(_: usize) {
    loop {
        core::hint::spin_loop();
    }
}

probes::probe!(power_off, bulkhead);

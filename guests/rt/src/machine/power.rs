//! Ending: power-off and reset, here and on the emulated PC of development.

use crate::{interrupt, port, uart};

/// ACPI sleep control register, of the hardware-reduced kind.
pub const SLEEP_CONTROL: u16 = 0x600;
/// Sleep type of S5 in the machine's `_S5` object, shifted to its place, and the enable bit.
pub const SLEEP_S5: u8 = 5 << 2 | 1 << 5;
/// Reset control register.
pub const RESET_CONTROL: u16 = 0xCF9;
/// System reset: CPU and platform.
pub const RESET_SYSTEM: u8 = 6;
/// The emulated PC's power management control and its code for power-off (ICH9, type 0).
const PC_PM1_CONTROL: u16 = 0x604;
const PC_POWER_OFF: u16 = 1 << 13;

/// Powers the machine off. All CPUs stop; the caller never comes back.
pub fn off() -> ! {
    interrupt::disable();
    uart::drain();
    port::write8(SLEEP_CONTROL, SLEEP_S5);
    // Nobody listens here under the hypervisor; on the emulated PC it ends the run.
    port::write16(PC_PM1_CONTROL, PC_POWER_OFF);
    halt()
}

/// Resets the machine: the image starts again from its entry, on freshly loaded memory.
pub fn reset() -> ! {
    interrupt::disable();
    uart::drain();
    port::write8(RESET_CONTROL, RESET_SYSTEM);
    halt()
}

/// Stops the calling CPU for good; NMIs are answered by going on waiting.
#[expect(unsafe_code)]
pub fn halt() -> ! {
    loop {
        // SAFETY: waits with interrupts off.
        unsafe { core::arch::asm!("cli", "hlt", options(nostack, nomem)) };
    }
}

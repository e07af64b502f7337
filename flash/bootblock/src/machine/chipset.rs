//! q35 and ICH9: what coreboot's board code sets that no generic PCI code does.

use super::ecam::{HOST_BRIDGE, Window, read_by_ports};
use super::ports;
use bootblock::pci::assign::{Aperture, Apertures};
use bootblock::pci::config_space::{ConfigSpace, Function, ID};
use bootblock::pci::program::INTERRUPT_LINES;

/// The bridge to the slow devices.
const LPC: Function = Function {
    bus: 0,
    device: 31,
    function: 0,
};
/// Vendor and device of the q35 host bridge.
const Q35_ID: u32 = 0x29c0_8086;
/// I/O base of the power management block; its timer is at base + 8.
const PM_BASE: u16 = 0x600;
/// Ticks of the power management timer in a second.
const PM_HZ: u32 = 3_579_545;

/// Where BARs may lie: ports above everything fixed; memory above the ECAM window
/// and below the first fixed device, the IOAPIC at 0xfec00000.
pub const APERTURES: Apertures = Apertures {
    io: Aperture {
        start: 0x1000,
        end: 0x1_0000,
    },
    prefetch: Aperture {
        start: 0xc000_0000,
        end: 0xe000_0000,
    },
    memory: Aperture {
        start: 0xe000_0000,
        end: 0xfec0_0000,
    },
};

/// Whether this is the board the boot block is written for; else its id.
pub fn recognise() -> Result<(), u32> {
    match read_by_ports(HOST_BRIDGE, ID) {
        Q35_ID => Ok(()),
        other => Err(other),
    }
}

/// Makes 0xc0000..0xfffff RAM instead of a view of the ROM.
pub fn unlock_shadow(config: &mut Window) {
    const PAM0: u16 = 0x90;
    config.set_byte(HOST_BRIDGE, PAM0, 0x30);
    for register in PAM0 + 1..=PAM0 + 6 {
        config.set_byte(HOST_BRIDGE, register, 0x33);
    }
}

/// Power management ports, interrupt routing, chipset registers.
pub fn init_lpc(config: &mut Window) {
    const PMBASE: u16 = 0x40;
    const ACPI_CNTL: u16 = 0x44;
    const PIRQ_A: u16 = 0x60;
    const PIRQ_E: u16 = 0x68;
    const RCBA: u16 = 0xf0;
    config.write(LPC, PMBASE, u32::from(PM_BASE) | 1);
    config.set_byte(LPC, ACPI_CNTL, 0x80);
    config.write(LPC, RCBA, 0xfed1_c000 | 1);
    let routes = u32::from_le_bytes(INTERRUPT_LINES);
    config.write(LPC, PIRQ_A, routes);
    config.write(LPC, PIRQ_E, routes);
    // PCI lines are level triggered: 10 and 11 in the second ELCR byte.
    let level = INTERRUPT_LINES
        .iter()
        .fold(0u8, |bits, line| bits | 1 << (line - 8));
    ports::write::<u8>(0x4d1, level);
}

/// Waits on the power management timer until `done` or for `milliseconds`; false
/// when time ran out.
pub fn wait(milliseconds: u32, mut done: impl FnMut() -> bool) -> bool {
    let timer = || ports::read::<u32>(PM_BASE + 8) & 0xff_ffff;
    let mut left = u64::from(milliseconds) * u64::from(PM_HZ) / 1000;
    let mut before = timer();
    loop {
        if done() {
            return true;
        }
        let now = timer();
        let passed = u64::from(now.wrapping_sub(before) & 0xff_ffff);
        before = now;
        if passed > left {
            return false;
        }
        left -= passed;
        core::hint::spin_loop();
    }
}

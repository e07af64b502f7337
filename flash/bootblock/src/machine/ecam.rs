//! Configuration space: ports first, the memory window once it is open.

use super::{physical, ports};
use bootblock::pci::config_space::{ConfigSpace, Function};

/// First address of the memory window, 256 MiB for 256 buses. QEMU gives RAM up
/// to exactly here when the machine has less than 2.75 GiB, and up to 2 GiB
/// otherwise: it is the lowest aligned address that is never RAM, and what
/// coreboot uses on this board too. All of 0xc0000000.. stays free for BARs.
pub const WINDOW: u64 = 0xb000_0000;
/// Bytes of it.
pub const WINDOW_BYTES: u64 = 256 << 20;

/// Access through the memory window. Only [`open`](Window::open) makes one.
pub struct Window(());

/// The host bridge.
pub const HOST_BRIDGE: Function = Function {
    bus: 0,
    device: 0,
    function: 0,
};

impl Window {
    /// Programs PCIEXBAR through the ports. The window decodes from then on.
    pub fn open() -> Self {
        const PCIEXBAR: u16 = 0x60;
        const ENABLE_256_BUSES: u32 = 1;
        write_by_ports(HOST_BRIDGE, PCIEXBAR + 4, (WINDOW >> 32) as u32);
        write_by_ports(HOST_BRIDGE, PCIEXBAR, WINDOW as u32 | ENABLE_256_BUSES);
        Self(())
    }

    fn address(function: Function, register: u16) -> u64 {
        WINDOW
            | u64::from(function.bus) << 20
            | u64::from(function.device & 31) << 15
            | u64::from(function.function & 7) << 12
            | u64::from(register & 0xffc)
    }

    /// Changes the bits of `mask` in one byte register.
    pub fn set_byte(&mut self, function: Function, register: u16, value: u8) {
        let shift = u32::from(register & 3) * 8;
        let word = self.read(function, register) & !(0xff << shift);
        self.write(function, register, word | u32::from(value) << shift);
    }
}

impl ConfigSpace for Window {
    fn read(&mut self, function: Function, register: u16) -> u32 {
        physical::read_register(Self::address(function, register))
    }

    fn write(&mut self, function: Function, register: u16, value: u32) {
        physical::write_register(Self::address(function, register), value);
    }
}

const ADDRESS_PORT: u16 = 0xcf8;
const DATA_PORT: u16 = 0xcfc;

fn select(function: Function, register: u16) {
    let address = 1 << 31
        | u32::from(function.bus) << 16
        | u32::from(function.device & 31) << 11
        | u32::from(function.function & 7) << 8
        | u32::from(register & 0xfc);
    ports::write(ADDRESS_PORT, address);
}

/// Reads a word through the ports.
pub fn read_by_ports(function: Function, register: u16) -> u32 {
    select(function, register);
    ports::read(DATA_PORT)
}

fn write_by_ports(function: Function, register: u16, value: u32) {
    select(function, register);
    ports::write(DATA_PORT, value);
}

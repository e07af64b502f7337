//! Port I/O for registers that have no memory side effects.

use x86_64::instructions::port::{PortRead, PortWrite};

/// Reads a port.
pub fn read<T: PortRead>(port: u16) -> T {
    // SAFETY: no port read by this crate changes memory, and the boot block owns
    // every device.
    unsafe { T::read_from_port(port) }
}

/// Writes a port. Not for ports that start transfers into memory; `fw_cfg` has
/// its own access for that.
pub fn write<T: PortWrite>(port: u16, value: T) {
    // SAFETY: as above; the ports written only configure devices.
    unsafe { T::write_to_port(port, value) }
}

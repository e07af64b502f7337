//! What stands at the guest's reset vector: sixteen bytes of firmware.
//!
//! A kernel that finds hardware-reduced ACPI and no EFI reboots by jumping to
//! F000:FFF0 in real mode, as if firmware were there. So there is some: it asks
//! for a reset through the register that the FADT names, and halts.
//! Also called: BIOS entry point, warm reboot.

use crate::ids::Gpa;
use crate::policy::port_io::{RESET, RESET_VALUE};
use crate::port::{GuestMemory, NotRam};

/// Where real mode's F000:FFF0 is.
pub const ADDRESS: Gpa = Gpa(0xf_fff0);

/// `mov dx, RESET; mov al, RESET_VALUE; out dx, al; cli; hlt; jmp to the cli`.
pub const CODE: [u8; 10] = {
    let [low, high] = RESET.to_le_bytes();
    [
        0xba,
        low,
        high,
        0xb0,
        RESET_VALUE,
        0xee,
        0xfa,
        0xf4,
        0xeb,
        0xfc,
    ]
};

/// Writes the code.
pub fn install<M: GuestMemory>(mem: &M) -> Result<(), NotRam> {
    mem.write(ADDRESS, &CODE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-03: the vector asks for the very reset that the FADT describes.
    #[test]
    fn the_vector_writes_the_reset_value_to_the_reset_port() {
        assert_eq!(&CODE[..6], [0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee]);
        assert!(ADDRESS.0 + CODE.len() as u64 <= 0x10_0000);
    }
}

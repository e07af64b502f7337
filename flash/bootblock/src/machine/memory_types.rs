//! MTRRs as coreboot leaves them on this board: uncached, but for the ROM.
//!
//! That RAM is not write-back is peculiar to this board and to an emulator that
//! has no caches. Other processors get the same values.

use x86_64::registers::model_specific::Msr;

/// Registers and values, for every processor. `flash_bytes` is a power of two.
pub fn settings(flash_bytes: u64) -> [(u32, u64); 3] {
    const WRITE_PROTECT: u64 = 5;
    const VALID: u64 = 1 << 11;
    const ADDRESS_BITS: u64 = (1 << 40) - 1;
    let base = (1u64 << 32) - flash_bytes;
    [
        (0x200, base | WRITE_PROTECT),
        (0x201, (!(flash_bytes - 1) & ADDRESS_BITS) | VALID),
        (0x2ff, 1 << 11),
    ]
}

/// Applies them to the processor that runs this.
pub fn apply(settings: &[(u32, u64)]) {
    for &(register, value) in settings {
        let mut register = Msr::new(register);
        // SAFETY: memory types change speed only; this crate shares no memory
        // with devices that would need another type.
        unsafe { register.write(value) };
    }
}

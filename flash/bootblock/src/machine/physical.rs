//! Physical memory as slices. Memory below 4 GiB is mapped one to one.
//!
//! The functions are unsafe because Rust cannot see who else looks at a range:
//! the caller claims it in the memory map, or knows that it is ROM.

/// The `length` bytes at `address`, to write.
///
/// # Safety
///
/// The range lies below 4 GiB, is not null, and nobody else holds a reference
/// into it as long as the result lives.
pub unsafe fn bytes_mut(address: u64, length: usize) -> &'static mut [u8] {
    // SAFETY: mapped one to one and unique, as promised by the caller; bytes have
    // no invalid values.
    unsafe { core::slice::from_raw_parts_mut(address as *mut u8, length) }
}

/// The `length` bytes at `address`, to read.
///
/// # Safety
///
/// The range lies below 4 GiB, is not null, and nobody writes to it as long as
/// the result lives.
pub unsafe fn bytes(address: u64, length: usize) -> &'static [u8] {
    // SAFETY: mapped one to one and quiet, as promised by the caller.
    unsafe { core::slice::from_raw_parts(address as *const u8, length) }
}

/// Reads a device register.
pub fn read_register(address: u64) -> u32 {
    // SAFETY: every caller names a register of a device in its fixed or
    // programmed window; reads have no effect on memory.
    unsafe { (address as *const u32).read_volatile() }
}

/// Writes a device register.
pub fn write_register(address: u64, value: u32) {
    // SAFETY: as above; the registers written do not make devices touch memory.
    unsafe { (address as *mut u32).write_volatile(value) }
}

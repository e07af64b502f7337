//! Machine code written by a probe into pages of its own, and called there.
//!
//! Two adjacent virtual pages whose frames lie apart, so that code can cross from one into the other and a
//! decoder that read on in physical memory would find traps instead. The 2 MiB around belong to this module.
//! Also called: code buffer, JIT page, page-crossing instruction.
#![expect(unsafe_code)]
// UNSAFETY: writes code into RAM that the image does not use, maps it and calls it.

use core::ptr::write_bytes;
use rt::paging::{self, PAGE, RAM, Table};

/// Virtual address of the first code page; the second follows.
pub const FIRST_PAGE: u64 = 0x60_0000;
/// Virtual address of the second code page.
pub const SECOND_PAGE: u64 = FIRST_PAGE + PAGE;
/// Virtual page that a probe may map to a device ([`map_device`]).
pub const DEVICE_PAGE: u64 = FIRST_PAGE + 4 * PAGE;

/// Frames, seen through their own unsplit addresses.
const FIRST_FRAME: u64 = 0x80_0000;
const SECOND_FRAME: u64 = 0x84_0000;
/// UD2, twice: what stands everywhere where no code was written.
const TRAP: u8 = 0x0B;

static TABLE: Table = Table::new();

/// Maps the pages, full of traps.
pub fn set_up() {
    // SAFETY: the image lies below 2 MiB and modules of probes are small; these 2 MiB are free RAM.
    unsafe { paging::link(FIRST_PAGE, &TABLE) };
    clear();
    TABLE.set(FIRST_PAGE, FIRST_FRAME | RAM);
    TABLE.set(SECOND_PAGE, SECOND_FRAME | RAM);
}

/// Fills the pages with traps, and the frame after the first one as well.
pub fn clear() {
    for frame in [FIRST_FRAME, FIRST_FRAME + PAGE, SECOND_FRAME] {
        // SAFETY: free RAM, mapped one to one.
        unsafe { write_bytes(frame as *mut u8, TRAP, PAGE as usize) };
    }
}

/// Makes the second page present or absent.
pub fn second_page_present(present: bool) {
    TABLE.set(SECOND_PAGE, if present { SECOND_FRAME | RAM } else { 0 });
}

/// Maps the first page with other entry bits than [`RAM`].
pub fn protect_first_page(bits: u64) {
    TABLE.set(FIRST_PAGE, FIRST_FRAME | bits);
}

/// Maps [`DEVICE_PAGE`] to the device page at physical address `at`.
pub fn map_device(at: u64) {
    // Uncached, like the runtime's own map of devices.
    TABLE.set(DEVICE_PAGE, at | RAM | 0x18);
}

/// Writes `code` at the virtual address `at`, which lies in the two code pages.
pub fn write(at: u64, code: &[u8]) {
    for (address, byte) in (at..).zip(code) {
        assert!((FIRST_PAGE..FIRST_PAGE + 2 * PAGE).contains(&address));
        // SAFETY: a byte of the two code pages.
        unsafe { core::ptr::write_volatile(address as *mut u8, *byte) };
    }
}

/// Calls the code at `at` as a C function of two arguments.
///
/// # Safety
/// The code there keeps to the calling convention, or faults under a guard.
pub unsafe fn call(at: u64, first: u64, second: u64) -> u64 {
    // SAFETY: the caller's promise.
    let function = unsafe { core::mem::transmute::<u64, extern "C" fn(u64, u64) -> u64>(at) };
    function(first, second)
}

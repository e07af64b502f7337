//! From the first Rust instruction to the guest's `main`.
//!
//! `start.S` leaves here in 64-bit mode with everything the loader said in [`EntryState`].
//! Manual: 24593 chapter 14 for the mode switches; the multiboot 0.6.96 text for the entry.
//! Also called: multiboot entry, _start.
#![expect(unsafe_code)]
// UNSAFETY: holds the assembly entry, reads what it stored, calls the image's main.

use crate::{console, cpuid, descriptor, interrupt, lapic, percpu, port, power};
use core::arch::global_asm;

global_asm!(include_str!("start.S"), options(att_syntax));

/// The machine as the loader handed it over, before the runtime changed anything.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EntryState {
    /// EAX: 0x2BADB002 from a multiboot loader.
    pub magic: u32,
    /// EBX: physical address of the boot information.
    pub information: u32,
    /// CR0.
    pub cr0: u32,
    /// Flags.
    pub eflags: u32,
    /// CS, DS, ES, SS.
    pub selectors: [u16; 4],
    /// CR4.
    pub cr4: u32,
}
const _: () = assert!(core::mem::size_of::<EntryState>() == 28);

unsafe extern "C" {
    static entry_state: EntryState;
    static image_end: u8;
}
unsafe extern "Rust" {
    safe fn guest_main();
}

/// What `start.S` found.
pub fn state() -> EntryState {
    // SAFETY: written once before any Rust ran (A1).
    unsafe { entry_state }
}

/// First address behind the image, its zeroed data included; page-aligned.
pub fn end_of_image() -> u64 {
    &raw const image_end as u64
}

#[unsafe(no_mangle)]
extern "C" fn rt_boot() -> ! {
    // SAFETY: this is the boot CPU, whose index is 0, and it comes here once.
    unsafe { percpu::install(0) };
    // SAFETY: as above.
    unsafe { descriptor::load(0) };
    interrupt::build_table();
    // SAFETY: the whole table.
    unsafe { interrupt::load_table(256) };
    console::set_up();
    lapic::enable();
    if !cpuid::under_bulkhead() {
        silence_legacy_interrupts();
    }
    guest_main();
    power::off()
}

/// A bare PC's BIOS leaves its two 8259s delivering timer ticks on exception vectors.
fn silence_legacy_interrupts() {
    port::write8(0x21, 0xFF);
    port::write8(0xA1, 0xFF);
}

/// Names the image's main: `rt::entry!(main)` with `fn main()`.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        const _: () = {
            #[unsafe(no_mangle)]
            #[allow(unsafe_code)]
            fn guest_main() {
                let main: fn() = $main;
                main();
            }
        };
    };
}

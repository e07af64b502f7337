//! The host's GDT. No TSS: nothing changes privilege level or uses an IST, and
//! on a vCPU's core TR belongs to the guest (assumption 4).
#![expect(unsafe_code, reason = "UNSAFETY: loads segment registers")]

use core::arch::asm;

/// Null, 64-bit code, data, 32-bit code: the selectors the entry code uses too.
#[repr(C, align(16))]
struct Gdt([u64; 4]);

static GDT: Gdt = Gdt([
    0,
    0x00af_9b00_0000_ffff,
    0x00cf_9300_0000_ffff,
    0x00cf_9b00_0000_ffff,
]);

/// Selector of the 64-bit code segment.
pub const CODE: u16 = 0x08;
/// Selector of the data segment.
pub const DATA: u16 = 0x10;

/// Address and limit of the GDT, for the start-up code of other cores.
pub fn gdt_pointer() -> x86_64::structures::DescriptorTablePointer {
    x86_64::structures::DescriptorTablePointer {
        limit: (size_of::<Gdt>() - 1) as u16,
        base: x86_64::VirtAddr::new(&raw const GDT as u64),
    }
}

/// Loads the GDT and flat segments on this core.
pub fn load() {
    let pointer = gdt_pointer();
    // SAFETY: the table is static and its code and data entries are those in use.
    unsafe { x86_64::instructions::tables::lgdt(&pointer) };
    // SAFETY: DATA is a flat data segment; FS and GS are unused by the host; CS is
    // reloaded by a far return to the next instruction.
    unsafe {
        asm!(
            "mov ds, {data:x}", "mov es, {data:x}", "mov ss, {data:x}",
            "mov fs, {zero:x}", "mov gs, {zero:x}",
            "push {code}", "lea {t}, [rip + 2f]", "push {t}", "retfq", "2:",
            data = in(reg) u64::from(DATA), zero = in(reg) 0u64,
            code = in(reg) u64::from(CODE), t = out(reg) _,
        );
    }
}

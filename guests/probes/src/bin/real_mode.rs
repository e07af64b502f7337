//! Real-mode code of a CPU just started gets the same answers as others.
//!
//! The code runs at a segment base of its own, so whoever decodes it has to add that. Exits, string
//! input, software interrupts and an undefined instruction, all through the real-mode vector table.
//! Manual: 24593 section 1.3.4. Also called: 16-bit, SIPI, IVT, unpaged guest.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: places code, vectors and results in low memory.

use core::arch::global_asm;
use probes::claim;
use rt::lapic::{self, icr};
use rt::{cpuid, msr, smp, tsc};

/// Page that the start-up message names: code, and results from 800h on.
const PAGE: u64 = 0xA000;
const DONE: u32 = 0x600D_600D;

global_asm!(
    ".code16",
    "real_start:",
    "cli",
    "cld",
    "mov ax, cs",
    "mov ds, ax",
    "mov es, ax",
    "xor ax, ax",
    "mov ss, ax",
    "mov sp, 0x9F00",
    "xor eax, eax",
    "cpuid",
    "mov dword ptr [0x800], ebx",
    "mov ecx, 0x277",
    "rdmsr",
    "mov dword ptr [0x804], eax",
    "out 0x80, al",
    "xor eax, eax",
    "in al, 0x80",
    "mov dword ptr [0x808], eax",
    "mov di, 0x810",
    "mov cx, 4",
    "mov dx, 0x80",
    "rep insb",
    "wbinvd",
    "int 0x40",
    "real_undefined:",
    "ud2",
    "mov dword ptr [0x820], {done}",
    "2: hlt",
    "jmp 2b",
    "real_int:",
    "inc dword ptr [0x80C]",
    "iret",
    // The undefined instruction has two bytes: go on behind it.
    "real_ud:",
    "push bp",
    "mov bp, sp",
    "add word ptr [bp + 2], 2",
    "inc dword ptr [0x818]",
    "pop bp",
    "iret",
    "real_end:",
    ".code64",
    done = const DONE,
);

unsafe extern "C" {
    static real_start: u8;
    static real_int: u8;
    static real_ud: u8;
    static real_end: u8;
}

fn word(offset: u64) -> u32 {
    // SAFETY: low memory that only the other CPU writes.
    unsafe { core::ptr::read_volatile((PAGE + offset) as *const u32) }
}

/// Points real-mode vector `number` to `handler` within the page.
fn set_vector(number: u64, handler: *const u8) {
    let offset = handler as u64 - &raw const real_start as u64;
    let entry = (PAGE >> 4) << 16 | offset;
    // SAFETY: the real-mode vector table, which nothing else uses.
    unsafe { core::ptr::write_volatile((number * 4) as *mut u32, entry as u32) };
}

fn real_mode() {
    let length = &raw const real_end as usize - &raw const real_start as usize;
    // SAFETY: free low memory.
    unsafe { core::ptr::copy_nonoverlapping(&raw const real_start, PAGE as *mut u8, length) };
    // SAFETY: as above: the results.
    unsafe { core::ptr::write_bytes((PAGE + 0x800) as *mut u8, 0, 0x40) };
    set_vector(0x40, &raw const real_int);
    set_vector(6, &raw const real_ud);
    lapic::send(1, icr::INIT | icr::ASSERT);
    tsc::delay(200);
    lapic::send(1, icr::STARTUP | icr::ASSERT | (PAGE >> 12) as u32);
    let done = tsc::wait_for(|| word(0x820) == DONE);
    claim!(done, "it runs to its end");
    claim!(
        word(0x800) == cpuid::leaf(0).ebx,
        "CPUID answers as in 64-bit mode"
    );
    claim!(word(0x804) == msr::read(0x277) as u32, "so does RDMSR");
    claim!(
        word(0x808) == u32::from(rt::port::read8(0x80)),
        "so does IN"
    );
    let unclaimed = u32::from_le_bytes([rt::port::read8(0x80); 4]);
    claim!(
        word(0x810) == unclaimed && word(0x814) == 0,
        "REP INSB fills four bytes at ES:DI"
    );
    claim!(word(0x80C) == 1, "INT goes through the real-mode table");
    claim!(word(0x818) == 1, "so does an undefined instruction");
    claim!(
        smp::start(|_| ()) == 2,
        "the CPU can be started again, into 64-bit mode"
    );
}

probes::probe!(real_mode);

//! 32-bit and 16-bit code gets the same answers as 64-bit code, exits included.
//!
//! The default operand and address sizes come from the code segment; whoever decodes must ask it.
//! Manual: 24593 section 4.8, 24594 section 1.2. Also called: compatibility mode, CS.D, CS.L.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: leaves 64-bit mode for a few instructions.

use core::arch::global_asm;
use probes::claim;
use rt::cpuid;
use rt::descriptor::{KERNEL_CODE, KERNEL_CODE16, KERNEL_CODE32};
use rt::lapic::{self, Register};

// Leaves 64-bit mode for a segment of another size, executes exits there, and comes back.
// other_mode(selector, entry) -> sum of what was read
global_asm!(
    "other_mode:",
    "push rbx",
    "push rdi",
    "push rsi",
    "retfq",
    ".code32",
    "code32:",
    "xor eax, eax",
    "cpuid",
    "mov esi, ebx",
    "mov ebx, [0xFEE00080]",
    "add esi, ebx",
    "mov ecx, 0x277",
    "rdmsr",
    "add esi, eax",
    "out 0x80, al",
    "xor eax, eax",
    "in al, 0x80",
    "add esi, eax",
    ".byte 0xEA", // jmp far, 32-bit offset
    ".long code64_again",
    ".word {code}",
    ".code16",
    "code16:",
    "xor eax, eax",
    "cpuid",
    "mov esi, ebx",
    "mov edi, 0xFEE00080",
    "mov ebx, dword ptr [edi]",
    "add esi, ebx",
    "mov ecx, 0x277",
    "rdmsr",
    "add esi, eax",
    "out 0x80, al",
    "xor eax, eax",
    "in al, 0x80",
    "add esi, eax",
    ".byte 0x66, 0xEA",
    ".long code64_again",
    ".word {code}",
    "code16_end:",
    ".code64",
    "code64_again:",
    "mov eax, esi",
    "pop rbx",
    "ret",
    code = const KERNEL_CODE,
);

unsafe extern "C" {
    fn other_mode(selector: u64, entry: u64) -> u32;
    static code32: u8;
    static code16: u8;
    static code16_end: u8;
}

/// Where 16-bit code runs: within the first 64 KiB.
const LOW_PAGE: u64 = 0x9000;

fn code_sizes() {
    lapic::write(Register::TPR, 0x21);
    let expected = cpuid::leaf(0)
        .ebx
        .wrapping_add(0x21)
        .wrapping_add(rt::msr::read(0x277) as u32)
        .wrapping_add(u32::from(rt::port::read8(0x80)));
    let length = &raw const code16_end as usize - &raw const code16 as usize;
    // SAFETY: free low memory.
    unsafe { core::ptr::copy_nonoverlapping(&raw const code16, LOW_PAGE as *mut u8, length) };
    // SAFETY: the routine above, whose segment is a 32-bit one.
    let found = unsafe { other_mode(u64::from(KERNEL_CODE32), &raw const code32 as u64) };
    claim!(found == expected, "32-bit code gives the same answers");
    // SAFETY: the routine above, whose segment is a 16-bit one.
    let found = unsafe { other_mode(u64::from(KERNEL_CODE16), LOW_PAGE) };
    claim!(found == expected, "16-bit code gives the same answers");
    lapic::write(Register::TPR, 0);
}

probes::probe!(code_sizes);

//! An unknown hypercall answers "not there", and one from user mode "not allowed".
//!
//! Owns PLT-22: the answer stands in RAX, no other register changes, and the caller goes on behind it.
//! Also called: VMMCALL, KVM_ENOSYS, KVM_EPERM.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: executes VMMCALL.

use core::arch::asm;
use probes::user_mode::{self, Code};
use probes::{claim, require};
use rt::fault::vector;

/// The call's number is not one that the hypervisor knows.
const NOT_THERE: i64 = -1000;
/// The caller is not in ring 0.
const NOT_ALLOWED: i64 = -1;

fn hypercall() {
    unknown_numbers();
    registers();
    from_user_mode();
}

fn call(number: u64) -> i64 {
    let answer: i64;
    // SAFETY: an unknown call does nothing.
    unsafe { asm!("vmmcall", inout("rax") number => answer, options(nostack)) };
    answer
}

fn unknown_numbers() {
    let numbers = [
        0,
        2,
        100,
        0x4B56_4D00,
        0xFFFF_FFFF,
        1 << 32,
        1 << 63,
        u64::MAX,
    ];
    let mut good = 0;
    for number in numbers {
        let answer = call(number);
        require!(answer == NOT_THERE, "call {number:#x} answers {answer}");
        good += usize::from(answer == NOT_THERE);
    }
    claim!(good == numbers.len(), "unknown calls answer -1000");
    let all = (0..10_000).all(|round| call(1000 + round) == NOT_THERE);
    claim!(all, "ten thousand of them in a row as well");
}

fn registers() {
    let (rcx, rdx, rsi, rdi, r8, r15): (u64, u64, u64, u64, u64, u64);
    // SAFETY: as above; the registers only carry patterns.
    unsafe {
        asm!(
            "vmmcall",
            inout("rax") 100u64 => _, inout("rcx") 1u64 => rcx, inout("rdx") 2u64 => rdx, inout("rsi") 3u64 => rsi,
            inout("rdi") 4u64 => rdi, inout("r8") 5u64 => r8, inout("r15") 6u64 => r15, options(nostack)
        )
    };
    claim!(
        [rcx, rdx, rsi, rdi, r8, r15] == [1, 2, 3, 4, 5, 6],
        "no other register changes"
    );
}

fn from_user_mode() {
    let mut good = 0;
    for number in [0, 100, 0xFFFF_FFFF] {
        let ended = user_mode::run(Code::Hypercall, number);
        good += u32::from(ended.vector == vector::UD && user_mode::answer() as i64 == NOT_ALLOWED);
    }
    claim!(good == 3, "calls from user mode answer -1 and go on");
}

probes::probe!(hypercall, bulkhead);

//! CMPXCHG16B leaves every flag but ZF as it was.
//!
//! An emulator that takes the flags of before from a stale place puts an operand
//! into RFLAGS, reserved bits, VM and AC included. Nobody looks until an interrupt
//! or an exit saves them: then the kernel runs on with them.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]
#![expect(unsafe_code, reason = "UNSAFETY: runs the instruction under test")]

use core::arch::asm;
use probes::claim;
use rt::cpuid;

#[repr(align(16))]
struct Pair([u64; 2]);

/// RFLAGS behind a CMPXCHG16B whose flags of before come from an addition of
/// these numbers, and behind the addition alone.
fn flags(left: u64, right: u64, pair: &mut Pair) -> (u64, u64) {
    let (mut before, mut after): (u64, u64);
    // SAFETY: reads and writes the pair, which is aligned and ours; RBX is restored.
    unsafe {
        asm!(
            "mov {save}, rbx",
            "mov {t}, {left}",
            "add {t}, {right}",
            "pushfq",
            "pop {before}",
            // Flags as a whole are now the last thing written.
            "push {before}",
            "popfq",
            "jmp 2f",
            "2:",
            "mov {t}, {left}",
            "add {t}, {right}",
            "mov rbx, 0",
            "lock cmpxchg16b [{pair}]",
            "pushfq",
            "pop {after}",
            "mov rbx, {save}",
            save = out(reg) _, t = out(reg) _,
            left = in(reg) left, right = in(reg) right,
            before = out(reg) before, after = out(reg) after,
            pair = in(reg) pair.0.as_mut_ptr(),
            inout("rax") 0u64 => _, inout("rdx") 0u64 => _, in("rcx") 0u64,
        );
    }
    (before, after)
}

const ZF: u64 = 1 << 6;

fn cmpxchg16b() {
    const CX16: u32 = 1 << 13;
    if cpuid::leaf(1).ecx & CX16 == 0 {
        claim!(true, "CMPXCHG16B is not offered");
        return;
    }
    let mut wrong = 0u32;
    let mut sample = 0;
    for i in 0..1000u64 {
        let mut pair = Pair([i & 1, 0]);
        let left = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (before, after) = flags(left, i, &mut pair);
        if (before ^ after) & !ZF != 0 {
            wrong += 1;
            sample = after;
        }
    }
    if wrong > 0 {
        rt::report!("info {wrong} of 1000 wrong, such as {sample:#x}");
    }
    claim!(wrong == 0, "CMPXCHG16B changes ZF and no other flag");
}

probes::probe!(cmpxchg16b);

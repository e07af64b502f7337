//! The build host's own processor as the oracle of instruction emulation.
//!
//! Runs one instruction natively, with registers and flags of the test's
//! choice, on memory of this process, and shows what came of it. What a manual
//! leaves open, the processor answers.
//!
//! UNSAFETY: executable memory and a call into it. `expect(unsafe_code)` covers
//! this file only. Callers promise in turn that the instruction stays within
//! their memory.
#![expect(unsafe_code)]

use std::arch::{asm, naked_asm};

use hvcore::decode::regs::Regs;

/// Registers and flags across one instruction. Laid out for `enter`.
#[repr(C)]
struct Frame {
    gpr: [u64; 16],
    rflags: u64,
    code: u64,
}

const _: () = assert!(core::mem::offset_of!(Frame, rflags) == 128);
const _: () = assert!(core::mem::offset_of!(Frame, code) == 136);

/// One page of executable memory, kept for the life of the process.
pub struct Processor {
    page: *mut u8,
}

const PAGE: usize = 4096;

impl Default for Processor {
    fn default() -> Self {
        Self::new()
    }
}

impl Processor {
    /// Maps the page.
    pub fn new() -> Self {
        const MMAP: usize = 9;
        const READ_WRITE_EXECUTE: usize = 7;
        const PRIVATE_ANONYMOUS: usize = 0x22;
        let page: isize;
        // SAFETY: an anonymous mapping at an address of the kernel's choice
        // overlaps nothing; the clobbers are those of the system call.
        unsafe {
            asm!("syscall", inlateout("rax") MMAP => page, in("rdi") 0usize, in("rsi") PAGE,
                in("rdx") READ_WRITE_EXECUTE, in("r10") PRIVATE_ANONYMOUS, in("r8") -1isize,
                in("r9") 0usize, lateout("rcx") _, lateout("r11") _);
        }
        assert!(page > 0, "no executable memory: error {page}");
        Processor {
            page: page as *mut u8,
        }
    }

    /// Runs `code`, one instruction that does not branch, with `regs` and
    /// `rflags` (status flags and DF only). RSP keeps the caller's value.
    ///
    /// # Safety
    /// All memory that the instruction accesses with these registers belongs to
    /// the caller, who lets it change.
    pub unsafe fn run(&mut self, code: &[u8], regs: &mut Regs, rflags: &mut u64) {
        const RET: u8 = 0xC3;
        assert!(code.len() < PAGE);
        for (place, byte) in code.iter().chain(&[RET]).enumerate() {
            // SAFETY: `place` is less than a page, by the assertion above.
            let at = unsafe { self.page.add(place) };
            // SAFETY: the page is mapped, and only `self` refers to it.
            unsafe { at.write_volatile(*byte) };
        }
        let mut frame = Frame {
            gpr: regs.gpr,
            rflags: *rflags | 2,
            code: self.page as u64,
        };
        // SAFETY: `frame` is laid out as `enter` wants it, its code returns at
        // once, and the caller answers for what the instruction accesses.
        unsafe { enter(&mut frame) };
        let stack = regs.gpr[4];
        regs.gpr = frame.gpr;
        regs.gpr[4] = stack;
        *rflags = frame.rflags;
    }
}

/// Loads all registers but RSP from the frame, calls its code, stores them.
#[unsafe(naked)]
unsafe extern "sysv64" fn enter(frame: *mut Frame) {
    naked_asm!(
        "push rbx; push rbp; push r12; push r13; push r14; push r15",
        "push rdi",
        "push qword ptr [rdi + 128]",
        "mov rax, [rdi + 0]; mov rcx, [rdi + 8]; mov rdx, [rdi + 16]; mov rbx, [rdi + 24]",
        "mov rbp, [rdi + 40]; mov rsi, [rdi + 48]",
        "mov r8, [rdi + 64]; mov r9, [rdi + 72]; mov r10, [rdi + 80]; mov r11, [rdi + 88]",
        "mov r12, [rdi + 96]; mov r13, [rdi + 104]; mov r14, [rdi + 112]; mov r15, [rdi + 120]",
        // The code's address and RDI have no register left: both go through
        // the stack.
        "push qword ptr [rdi + 136]",
        "mov rdi, [rdi + 56]",
        "push qword ptr [rsp + 8]",
        "popfq",
        "call qword ptr [rsp]",
        "pushfq",
        "cld",
        "push rdi",
        // Above: RDI, flags, code, flags before, frame.
        "mov rdi, [rsp + 32]",
        "mov [rdi + 0], rax; mov [rdi + 8], rcx; mov [rdi + 16], rdx; mov [rdi + 24], rbx",
        "mov [rdi + 40], rbp; mov [rdi + 48], rsi",
        "mov [rdi + 64], r8; mov [rdi + 72], r9; mov [rdi + 80], r10; mov [rdi + 88], r11",
        "mov [rdi + 96], r12; mov [rdi + 104], r13; mov [rdi + 112], r14; mov [rdi + 120], r15",
        "pop rax; mov [rdi + 56], rax",
        "pop rax; mov [rdi + 128], rax",
        "add rsp, 24",
        "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx",
        "ret",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_but_rsp_goes_in_and_comes_out() {
        let mut regs = Regs {
            gpr: std::array::from_fn(|n| 0x1111 * n as u64),
        };
        let before = regs;
        let mut rflags = 1;
        // SAFETY: NOP accesses no memory.
        unsafe { Processor::new().run(&[0x90], &mut regs, &mut rflags) };
        assert_eq!(regs, before);
        assert_eq!(rflags & 1, 1);
        // SAFETY: INC RDI accesses no memory.
        unsafe { Processor::new().run(&[0x48, 0xFF, 0xC7], &mut regs, &mut rflags) };
        assert_eq!(regs.gpr[7], before.gpr[7] + 1);
    }
}

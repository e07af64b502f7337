//! The world switch: general registers in, VMRUN, general registers out.
//!
//! GIF is clear from the caller's CLGI to its STGI (KICK-01), so that a kick sent
//! because the mode word said "in guest" is pending at VMRUN and ends it at once.
//! The host's IF is set only around VMRUN, so that a physical interrupt ends the
//! run; everywhere else on a vCPU's core it is clear, and an interrupt that comes
//! while host code runs stays pending and ends the next run. STI stands well
//! before VMRUN: right before it, TCG leaks its shadow into the guest.
//! FS, GS, TR, LDTR and the system-call MSRs stay the guest's (assumption 4), so
//! VMLOAD and VMSAVE run at start and for reports only, never on the exit path.
//! 24593 section 15.5 (VMRUN), 15.5.2 (VMSAVE and VMLOAD).
#![expect(
    unsafe_code,
    reason = "UNSAFETY: VMRUN and the register switch around it"
)]

use crate::vmcb_page::VmcbPage;
use core::arch::{asm, naked_asm};
use hvcore::decode::regs::Regs;
use svm::vmcb::Vmcb;

const SAVE_RSP: usize = 0x400 + core::mem::offset_of!(svm::vmcb::SaveArea, rsp);
const SAVE_RAX: usize = 0x400 + core::mem::offset_of!(svm::vmcb::SaveArea, rax);
const _: () = assert!(size_of::<Regs>() == 128);

/// Runs the guest until its next exit. Call with GIF clear, interrupts off and the
/// vCPU "in guest".
#[inline(always)]
pub fn run(vmcb: &mut VmcbPage, regs: &mut Regs) {
    // SAFETY: the VMCB is complete, its frames are owned (assumption 3), SVM is on
    // on this core; the switch keeps every register the ABI asks to keep.
    unsafe { switch(regs, vmcb.raw()) };
}

/// RDI: registers, RSI: VMCB (physical equals virtual, assumption 2).
#[unsafe(naked)]
unsafe extern "sysv64" fn switch(regs: *mut Regs, vmcb: *mut Vmcb) {
    naked_asm!(
        "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
        "push rdi",
        "mov rax, rsi",
        "sti",
        "mov rcx, [rdi]", "mov [rax + {rax}], rcx",
        "mov rcx, [rdi + 32]", "mov [rax + {rsp}], rcx",
        "mov rcx, [rdi + 8]", "mov rdx, [rdi + 16]", "mov rbx, [rdi + 24]",
        "mov rbp, [rdi + 40]", "mov rsi, [rdi + 48]",
        "mov r8, [rdi + 64]", "mov r9, [rdi + 72]", "mov r10, [rdi + 80]", "mov r11, [rdi + 88]",
        "mov r12, [rdi + 96]", "mov r13, [rdi + 104]", "mov r14, [rdi + 112]", "mov r15, [rdi + 120]",
        "mov rdi, [rdi + 56]",
        "vmrun rax",
        // RAX and RSP are the host's again.
        "cli",
        "push rdi",
        "mov rdi, [rsp + 8]",
        "mov [rdi + 8], rcx", "mov [rdi + 16], rdx", "mov [rdi + 24], rbx",
        "mov [rdi + 40], rbp", "mov [rdi + 48], rsi",
        "mov [rdi + 64], r8", "mov [rdi + 72], r9", "mov [rdi + 80], r10", "mov [rdi + 88], r11",
        "mov [rdi + 96], r12", "mov [rdi + 104], r13", "mov [rdi + 112], r14", "mov [rdi + 120], r15",
        "pop rcx", "mov [rdi + 56], rcx",
        "mov rcx, [rax + {rax}]", "mov [rdi], rcx",
        "mov rcx, [rax + {rsp}]", "mov [rdi + 32], rcx",
        "pop rdi",
        "pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx",
        "ret",
        rax = const SAVE_RAX,
        rsp = const SAVE_RSP,
    )
}

/// Gives this core the FS, GS, TR, LDTR and system-call MSRs of the VMCB.
pub fn load_hidden_state(vmcb: &VmcbPage) {
    // SAFETY: loads guest state that host code on this core never uses (assumption 4).
    unsafe { asm!("vmload rax", in("rax") vmcb.address().0, options(nostack)) };
}

/// Stores them into the VMCB, for the decoder's FS and GS bases and for epitaphs.
pub fn save_hidden_state(vmcb: &mut VmcbPage) {
    // SAFETY: writes only the VMCB's save area, which this owner holds.
    unsafe { asm!("vmsave rax", in("rax") vmcb.raw() as u64, options(nostack)) };
}

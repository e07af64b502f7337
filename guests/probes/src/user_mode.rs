//! A few instructions at CPL 3, and the fault that brings the CPU back.
//!
//! The map is user-accessible as a whole (A2 of the runtime), so dropping to CPL 3 needs no pages of
//! its own. Every routine ends in UD2: whatever it does first, it comes back by a fault.
//! Also called: ring 3, iretq, unprivileged.
#![expect(unsafe_code)]
// UNSAFETY: leaves ring 0 by IRETQ on a stack of its own.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};
use rt::descriptor::{USER_CODE, USER_DATA};
use rt::fault::{self, Fault};

// enter_user(entry, argument): to CPL 3 at `entry` with the argument in RDI, on a stack one page below
// the present one, interrupts off. Comes back by a fault only.
global_asm!(
    "enter_user:",
    "lea rax, [rsp - 4096]",
    "push {ss}",
    "push rax",
    "push 2",
    "push {cs}",
    "push rdi",
    "mov rdi, rsi",
    "iretq",
    "user_rdmsr: mov ecx, edi; rdmsr; ud2",
    "user_vmmcall: mov eax, edi; vmmcall; mov [{answer}], rax; ud2",
    "user_cli: cli; ud2",
    "user_int3: int3; ud2",
    "user_out: mov edx, edi; out dx, al; ud2",
    "user_end: ud2",
    ss = const USER_DATA,
    cs = const USER_CODE,
    answer = sym ANSWER,
);

static ANSWER: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    fn enter_user(entry: u64, argument: u64) -> !;
    fn user_rdmsr();
    fn user_vmmcall();
    fn user_cli();
    fn user_int3();
    fn user_out();
    fn user_end();
}

/// What to execute at CPL 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// RDMSR of the argument.
    ReadMsr,
    /// VMMCALL with the argument in EAX; [`answer`] has what RAX was after it.
    Hypercall,
    /// CLI.
    DisableInterrupts,
    /// INT3.
    Breakpoint,
    /// OUT to the port of the argument.
    PortWrite,
    /// Nothing but the UD2.
    End,
}

/// Runs `code` at CPL 3 and returns the fault that ended it; #UD at its end if nothing else did.
pub fn run(code: Code, argument: u32) -> Fault {
    let entry = match code {
        Code::ReadMsr => user_rdmsr as *const () as u64,
        Code::Hypercall => user_vmmcall as *const () as u64,
        Code::DisableInterrupts => user_cli as *const () as u64,
        Code::Breakpoint => user_int3 as *const () as u64,
        Code::PortWrite => user_out as *const () as u64,
        Code::End => user_end as *const () as u64,
    };
    enter(entry, u64::from(argument))
}

/// Runs the code at `entry`, which must end in a fault, at CPL 3.
pub fn run_at(entry: u64) -> Fault {
    enter(entry, 0)
}

fn enter(entry: u64, argument: u64) -> Fault {
    // SAFETY: user code ends in a fault, and the guard resumes ring 0 on its own stack.
    let ended = fault::expect_fault(|| unsafe { enter_user(entry, argument) });
    ended.expect("user code ends in a fault")
}

/// RAX after the last [`Code::Hypercall`] that did not fault.
pub fn answer() -> u64 {
    ANSWER.load(Ordering::Relaxed)
}

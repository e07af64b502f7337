//! The host's IDT: two interrupts that only acknowledge, and faults that report.
//!
//! A kick and the timer carry no meaning of their own (R000-05): taking them is
//! the effect. Exceptions in the host are our own bug and end in `crash`.
#![expect(
    unsafe_code,
    reason = "UNSAFETY: installs handlers written in assembly"
)]

use crate::host_apic;
use core::arch::naked_asm;
use x86_64::VirtAddr;
use x86_64::structures::idt::InterruptDescriptorTable;

/// Vector of the kick IPI.
pub const KICK: u8 = 0xf0;
/// Vector of the host's APIC timer.
pub const TIMER: u8 = 0xf1;
/// Vector of the console UART's interrupt (core 0 only).
pub const SERIAL: u8 = 0x24;
/// Spurious vector; needs no acknowledgement.
pub const SPURIOUS: u8 = 0xff;

static IDT: crate::lock::BootOnce<InterruptDescriptorTable> = crate::lock::BootOnce::new();

/// Acknowledges through the xAPIC page.
#[unsafe(naked)]
unsafe extern "C" fn acknowledge_xapic() {
    naked_asm!(
        "push rax",
        "mov eax, 0xfee000b0",
        "mov dword ptr [rax], 0",
        "pop rax",
        "iretq"
    )
}

/// Acknowledges through the x2APIC MSR.
#[unsafe(naked)]
unsafe extern "C" fn acknowledge_x2apic() {
    naked_asm!(
        "push rax",
        "push rcx",
        "push rdx",
        "mov ecx, 0x80b",
        "xor eax, eax",
        "xor edx, edx",
        "wrmsr",
        "pop rdx",
        "pop rcx",
        "pop rax",
        "iretq"
    )
}

/// Spurious interrupts need no acknowledgement. Nor does an NMI: its input is
/// masked here, so what comes is the board's (a watchdog, a button, a parity
/// line); it has ended a guest's run, and is no reason to lose the core.
#[unsafe(naked)]
unsafe extern "C" fn ignore() {
    naked_asm!("iretq")
}

macro_rules! fault_stub {
    ($name:ident, $vector:literal, $pad:literal) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            naked_asm!(
                $pad,
                concat!("push ", $vector),
                "mov rdi, rsp",
                "and rsp, -16",
                "call {report}",
                report = sym crate::crash::host_exception
            )
        }
    };
}

fault_stub!(fault_de, "0", "push 0");
fault_stub!(fault_db, "1", "push 0");
fault_stub!(fault_bp, "3", "push 0");
fault_stub!(fault_ud, "6", "push 0");
fault_stub!(fault_nm, "7", "push 0");
fault_stub!(fault_df, "8", "nop");
fault_stub!(fault_ts, "10", "nop");
fault_stub!(fault_np, "11", "nop");
fault_stub!(fault_ss, "12", "nop");
fault_stub!(fault_gp, "13", "nop");
fault_stub!(fault_pf, "14", "nop");
fault_stub!(fault_mc, "18", "push 0");
fault_stub!(fault_xf, "19", "push 0");

fn address(handler: unsafe extern "C" fn()) -> VirtAddr {
    VirtAddr::new(handler as usize as u64)
}

macro_rules! set {
    ($idt:ident, $($field:ident = $handler:ident),* $(,)?) => {$(
        // SAFETY: the stub matches the frame the CPU pushes for this exception.
        unsafe { $idt.$field.set_handler_addr(address($handler)) };
    )*};
}

fn build() -> InterruptDescriptorTable {
    let mut idt = InterruptDescriptorTable::new();
    set!(
        idt,
        divide_error = fault_de,
        debug = fault_db,
        non_maskable_interrupt = ignore,
        breakpoint = fault_bp,
        invalid_opcode = fault_ud,
        device_not_available = fault_nm,
        double_fault = fault_df,
        invalid_tss = fault_ts,
        segment_not_present = fault_np,
        stack_segment_fault = fault_ss,
        general_protection_fault = fault_gp,
        page_fault = fault_pf,
        machine_check = fault_mc,
        simd_floating_point = fault_xf,
    );
    let acknowledge = if host_apic::is_x2apic() {
        acknowledge_x2apic
    } else {
        acknowledge_xapic
    };
    for vector in [KICK, TIMER, SERIAL] {
        // SAFETY: the stub saves what it uses and returns by IRETQ.
        unsafe { idt[vector].set_handler_addr(address(acknowledge)) };
    }
    // SAFETY: a bare IRETQ is a complete handler.
    unsafe { idt[SPURIOUS].set_handler_addr(address(ignore)) };
    idt
}

/// Loads the IDT on this core; the first call builds it. Needs `host_apic::init`.
pub fn load() {
    let idt: &'static InterruptDescriptorTable = IDT.call_once(build);
    idt.load();
}

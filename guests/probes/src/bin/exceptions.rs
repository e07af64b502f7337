//! Each exception comes with its vector, error code and address.
//!
//! Faults that the hypervisor injects are met elsewhere; here are the CPU's, which it must not take away.
//! Manual: 24593 section 8.2 and 8.4. Also called: #DE, #PF error code, trap, double fault.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: executes one faulting instruction at a time.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use probes::scratch_code::{self, FIRST_PAGE, SECOND_PAGE};
use probes::user_mode::{self, Code};
use probes::{claim, require};
use rt::fault::{self, Fault, vector};
use rt::{interrupt, paging};

macro_rules! attempt {
    ($($operand:tt)+) => {
        fault::expect_fault(|| {
            // SAFETY: faults under the guard, or does nothing of consequence.
            unsafe { asm!($($operand)+) }
        })
    };
}

fn is(fault: Option<Fault>, vector: u8, error: u32) -> bool {
    let right = fault.is_some_and(|fault| (fault.vector, fault.error) == (vector, error));
    require!(
        right,
        "expected vector {vector} error {error:#x}, found {fault:x?}"
    );
    right
}

fn exceptions() {
    scratch_code::set_up();
    simple();
    protection();
    segments();
    page_faults();
    user_page_faults();
    breakpoint_trap();
    data_breakpoint();
    double_fault();
}

fn simple() {
    claim!(
        is(
            attempt!("div {0:e}", in(reg) 0u32, inout("eax") 1 => _, inout("edx") 0 => _),
            vector::DE,
            0
        ),
        "division by zero is #DE"
    );
    claim!(is(attempt!("ud2"), vector::UD, 0), "UD2 is #UD");
    claim!(
        is(attempt!("lock nop"), vector::UD, 0),
        "LOCK where it is not allowed is #UD"
    );
    let switched = attempt!(
        "mov {0}, cr0", "or {0}, 8", "mov cr0, {0}", "fnop", out(reg) _
    );
    // SAFETY: clears the task-switched bit again.
    unsafe { asm!("clts") };
    claim!(
        is(switched, vector::NM, 0),
        "x87 with the task-switched bit is #NM"
    );
}

fn protection() {
    claim!(
        is(attempt!("mov [{}], eax", in(reg) 1u64 << 47), vector::GP, 0),
        "a store to a non-canonical address is #GP"
    );
}

fn segments() {
    claim!(
        is(
            attempt!("mov es, {:x}", in(reg) 0x1F8u16),
            vector::GP,
            0x1F8
        ),
        "a selector outside of the table is #GP with its number"
    );
}

fn page_faults() {
    let unmapped = SECOND_PAGE + 0x123;
    scratch_code::second_page_present(false);
    let read = attempt!("mov {:e}, [{}]", out(reg) _, in(reg) unmapped);
    claim!(
        is(read, vector::PF, 0) && read.is_some_and(|f| f.cr2 == unmapped),
        "a read from an absent page is #PF with its address"
    );
    let write = attempt!("mov [{}], eax", in(reg) unmapped);
    claim!(is(write, vector::PF, 2), "a write to it has the write bit");
    // SAFETY: faults on the fetch.
    let fetch = fault::expect_fault(|| unsafe {
        scratch_code::call(SECOND_PAGE, 0, 0);
    });
    claim!(
        fetch.is_some_and(|f| f.vector == vector::PF
            && f.cr2 == SECOND_PAGE
            && f.rip == SECOND_PAGE),
        "a fetch from it faults at its address"
    );
    scratch_code::second_page_present(true);
    scratch_code::protect_first_page(paging::RAM & !2);
    let write = attempt!("mov [{}], eax", in(reg) FIRST_PAGE);
    claim!(
        is(write, vector::PF, 3),
        "a write to a read-only page has the present bit"
    );
    scratch_code::protect_first_page(paging::RAM | 1 << 51);
    let reserved = attempt!("mov {:e}, [{}]", out(reg) _, in(reg) FIRST_PAGE);
    scratch_code::protect_first_page(paging::RAM);
    // The emulator leaves the present bit out of this error code.
    let told = reserved.is_some_and(|f| f.vector == vector::PF && f.error & 8 != 0);
    claim!(told, "a reserved bit in an entry is told");
}

fn user_page_faults() {
    scratch_code::write(FIRST_PAGE, &[0x0F, 0x0B]);
    let ended = user_mode::run_at(FIRST_PAGE);
    claim!(
        ended.vector == vector::UD && ended.rip == FIRST_PAGE,
        "user code runs on a user page"
    );
    scratch_code::protect_first_page(paging::RAM & !4);
    let ended = user_mode::run_at(FIRST_PAGE);
    scratch_code::protect_first_page(paging::RAM);
    claim!(
        ended.vector == vector::PF && ended.error & 5 == 5,
        "on a supervisor page it faults with the user and present bits"
    );
    let ended = user_mode::run(Code::DisableInterrupts, 0);
    claim!(
        (ended.vector, ended.error) == (vector::GP, 0),
        "CLI in user code is #GP"
    );
    let ended = user_mode::run(Code::Breakpoint, 0);
    // The table bit; the index beside it is one of the emulator's deviations.
    claim!(
        ended.vector == vector::GP && ended.error & 3 == 2,
        "INT3 through a gate of ring 0 is #GP"
    );
}

static RIP: AtomicU64 = AtomicU64::new(0);

fn breakpoint_trap() {
    interrupt::set_handler(vector::BP, |frame| RIP.store(frame.rip, Ordering::Relaxed));
    scratch_code::write(FIRST_PAGE, &[0xCC, 0xC3]);
    // SAFETY: INT3 and RET.
    unsafe { scratch_code::call(FIRST_PAGE, 0, 0) };
    interrupt::clear_handler(vector::BP);
    claim!(
        RIP.load(Ordering::Relaxed) == FIRST_PAGE + 1,
        "INT3 is a trap behind itself"
    );
}

/// A data breakpoint: debug registers are the guest's, and the trap comes behind the store.
fn data_breakpoint() {
    let target = SECOND_PAGE + 0x800;
    interrupt::set_handler(vector::DB, |frame| {
        RIP.store(frame.rip, Ordering::Relaxed);
    });
    // mov [rdi], esi; nop; ret
    scratch_code::write(FIRST_PAGE, &[0x89, 0x37, 0x90, 0xC3]);
    // SAFETY: arms breakpoint 0 for writes of four bytes.
    unsafe { asm!("mov dr0, {}", in(reg) target) };
    // SAFETY: as above.
    unsafe { asm!("mov dr7, {}", in(reg) 0x000D_0402u64) };
    // SAFETY: the store above, to the second code page.
    unsafe { scratch_code::call(FIRST_PAGE, target, 7) };
    let status: u64;
    // SAFETY: reads the status.
    unsafe { asm!("mov {}, dr6", out(reg) status) };
    // SAFETY: disarms.
    unsafe { asm!("mov dr7, {}", in(reg) 0x400u64) };
    // SAFETY: clears the address.
    unsafe { asm!("mov dr0, {0}", "mov dr6, {0}", in(reg) 0u64) };
    interrupt::clear_handler(vector::DB);
    claim!(
        RIP.load(Ordering::Relaxed) == FIRST_PAGE + 2 && status & 1 == 1,
        "a data breakpoint traps behind the store"
    );
}

/// A page fault on the stack of a page fault is a double fault, on its own stack.
fn double_fault() {
    scratch_code::second_page_present(false);
    let caught = attempt!(
        "mov {s}, rsp", "mov rsp, {p}", "push rax", "mov rsp, {s}",
        s = out(reg) _, p = in(reg) SECOND_PAGE + 0x800
    );
    scratch_code::second_page_present(true);
    claim!(
        is(caught, vector::DF, 0),
        "a page fault that cannot be delivered is a double fault"
    );
}

probes::probe!(exceptions);

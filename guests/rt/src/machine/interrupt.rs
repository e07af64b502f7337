//! Interrupt descriptor table, handlers by vector, and the interrupt flag.
//!
//! All 256 vectors lead through one stub layout into `rt_dispatch`: an exception that somebody
//! expects resumes there, a vector with a handler calls it, anything else stops the guest with a
//! report, because an event that nobody asked for is what a probe must never swallow.
//! Manual: 24593 sections 8.2 and 8.9. Also called: IDT, ISR, trap frame.
#![expect(unsafe_code)]
// UNSAFETY: owns the IDT, calls handlers through stored addresses, runs STI/CLI/HLT.

use crate::descriptor::{DOUBLE_FAULT_STACK, KERNEL_CODE, NMI_STACK, TablePointer};
use crate::fault;
use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

global_asm!(include_str!("vectors.S"), options(att_syntax));

/// What the stubs of `vectors.S` leave on the stack. Handlers may change it.
#[repr(C)]
#[derive(Debug)]
pub struct Frame {
    /// R15 to R8, in push order from the lowest address.
    pub r: [u64; 8],
    /// General register.
    pub rbp: u64,
    /// General register.
    pub rdi: u64,
    /// General register.
    pub rsi: u64,
    /// General register.
    pub rdx: u64,
    /// General register.
    pub rcx: u64,
    /// General register.
    pub rbx: u64,
    /// General register.
    pub rax: u64,
    /// Vector, 0 to 255.
    pub vector: u64,
    /// Error code, 0 for events that have none.
    pub error: u64,
    /// Where the interrupted code goes on.
    pub rip: u64,
    /// Its code selector.
    pub cs: u64,
    /// Its flags.
    pub rflags: u64,
    /// Its stack pointer.
    pub rsp: u64,
    /// Its stack selector.
    pub ss: u64,
}
const _: () = assert!(core::mem::size_of::<Frame>() == 22 * 8);

/// A handler: runs with interrupts off and gives the end-of-interrupt itself.
pub type Handler = fn(&mut Frame);

static HANDLERS: [AtomicUsize; 256] = [const { AtomicUsize::new(0) }; 256];

/// The descriptor table as words that several CPUs share; entry n is words 2n and 2n+1.
static IDT: [AtomicU64; 512] = [const { AtomicU64::new(0) }; 512];

/// Gate type: 64-bit interrupt gate.
const INTERRUPT_GATE: u64 = 0xE;
/// Gate attribute: present.
const PRESENT: u64 = 0x80;

unsafe extern "C" {
    static vector_stubs: [u8; 16];
}

/// Makes `handler` the answer to `vector` on every CPU.
pub fn set_handler(vector: u8, handler: Handler) {
    HANDLERS[usize::from(vector)].store(handler as usize, Ordering::Release);
}

/// Takes the handler of `vector` away; the next event there stops the guest.
pub fn clear_handler(vector: u8) {
    HANDLERS[usize::from(vector)].store(0, Ordering::Release);
}

/// Opens the gate of `vector` for `INT n` from CPL `privilege` and lower, or closes it (`present`).
pub fn set_gate(vector: u8, present: bool, privilege: u8) {
    let stub = &raw const vector_stubs as u64 + 16 * u64::from(vector);
    let stack = match vector {
        2 => NMI_STACK,
        8 => DOUBLE_FAULT_STACK,
        _ => 0,
    };
    write_gate(
        vector,
        stub,
        stack,
        u64::from(present) << 7 | u64::from(privilege & 3) << 5,
    );
}

/// Points the gate of `vector` past the runtime, to the code at `entry` on interrupt stack `stack` (0 for none).
pub fn set_raw_gate(vector: u8, entry: u64, stack: u8) {
    write_gate(vector, entry, stack, PRESENT);
}

fn write_gate(vector: u8, entry: u64, stack: u8, attributes: u64) {
    let low = (entry & 0xFFFF)
        | u64::from(KERNEL_CODE) << 16
        | u64::from(stack) << 32
        | (INTERRUPT_GATE | attributes) << 40
        | (entry >> 16 & 0xFFFF) << 48;
    IDT[2 * usize::from(vector) + 1].store(entry >> 32, Ordering::Relaxed);
    IDT[2 * usize::from(vector)].store(low, Ordering::Release);
}

/// Fills the table; the boot CPU does it once.
pub(crate) fn build_table() {
    for vector in 0..=255 {
        set_gate(vector, true, 0);
    }
}

/// Loads the table on the calling CPU, with the given number of gates (256, fewer for hostile probes).
///
/// # Safety
/// A CPU that loads a short table accepts that a missing vector is a fault, and at last a shutdown.
pub unsafe fn load_table(gates: u16) {
    let pointer = TablePointer {
        limit: (gates * 16).max(1) - 1,
        base: IDT.as_ptr() as u64,
    };
    // SAFETY: the table is static; a short limit is the caller's choice.
    unsafe { asm!("lidt [{}]", in(reg) &pointer, options(nostack, preserves_flags, readonly)) };
}

#[unsafe(no_mangle)]
extern "C" fn rt_dispatch(frame: &mut Frame) {
    if frame.vector < 32 && fault::resume_if_expected(frame) {
        return;
    }
    let handler = HANDLERS
        .get(frame.vector as usize)
        .map_or(0, |h| h.load(Ordering::Acquire));
    if handler != 0 {
        // SAFETY: only `set_handler` stores here, and only values of this type.
        let handler = unsafe { core::mem::transmute::<usize, Handler>(handler) };
        handler(frame);
        return;
    }
    fault::report_and_stop(frame);
}

/// Sets the interrupt flag.
#[inline(always)]
pub fn enable() {
    // SAFETY: A4. No `nomem`: what a handler wrote must be seen after this.
    unsafe { asm!("sti", options(nostack)) };
}

/// Clears the interrupt flag.
#[inline(always)]
pub fn disable() {
    // SAFETY: masks interrupts, nothing else.
    unsafe { asm!("cli", options(nostack)) };
}

/// Whether the interrupt flag is set.
#[inline(always)]
pub fn enabled() -> bool {
    rflags() & 1 << 9 != 0
}

/// The flags register.
#[inline(always)]
pub fn rflags() -> u64 {
    let flags: u64;
    // SAFETY: reads the flags by way of the stack.
    unsafe { asm!("pushfq", "pop {}", out(reg) flags, options(preserves_flags)) };
    flags
}

/// Waits for an interrupt without a gap: STI takes effect after the HLT that follows it. On return
/// interrupts are off again.
#[inline(always)]
pub fn wait() {
    // SAFETY: A4.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Lets pending interrupts in for the length of two instructions, then masks them again.
#[inline(always)]
pub fn window() {
    // SAFETY: A4.
    unsafe { asm!("sti", "nop", "nop", "cli", options(nostack)) };
}

/// Runs `body` with interrupts off and restores the flag.
pub fn without<T>(body: impl FnOnce() -> T) -> T {
    let were_enabled = enabled();
    disable();
    let answer = body();
    if were_enabled {
        enable();
    }
    answer
}

//! Expected faults: run code that may fault, and learn how it did.
//!
//! A guarded call remembers the stack pointer; a fault below it resumes there instead of stopping
//! the guest. What the abandoned frames would have dropped is not dropped, so guarded code keeps
//! to plain values. Manual: 24593 section 8.2.
//! Also called: exception fixup, setjmp, ASM_TRY, expect exception.
#![expect(unsafe_code)]
// UNSAFETY: abandons stack frames and reads CR2.

use crate::descriptor::{KERNEL_CODE, KERNEL_DATA};
use crate::interrupt::Frame;
use crate::{percpu, power, println};
use core::arch::asm;
use core::cell::Cell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU64, Ordering};

/// Exception vectors by name.
pub mod vector {
    #![allow(missing_docs)]
    pub const DE: u8 = 0;
    pub const DB: u8 = 1;
    pub const NMI: u8 = 2;
    pub const BP: u8 = 3;
    pub const OF: u8 = 4;
    pub const BR: u8 = 5;
    pub const UD: u8 = 6;
    pub const NM: u8 = 7;
    pub const DF: u8 = 8;
    pub const TS: u8 = 10;
    pub const NP: u8 = 11;
    pub const SS: u8 = 12;
    pub const GP: u8 = 13;
    pub const PF: u8 = 14;
    pub const MF: u8 = 16;
    pub const AC: u8 = 17;
    pub const XM: u8 = 19;
}

/// One fault, as the CPU reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Exception vector, 0 to 31.
    pub vector: u8,
    /// Error code, 0 where there is none.
    pub error: u32,
    /// Address of the instruction that faulted (or of the next one, for traps).
    pub rip: u64,
    /// CR2 at that moment; means something for page faults only.
    pub cr2: u64,
}

/// Last fault taken by a guard, one set of words per CPU is not needed: guards read it with
/// interrupts as they were, directly after the resume on the same CPU.
static LAST: [[AtomicU64; 4]; percpu::MAX_CPUS] =
    [const { [const { AtomicU64::new(0) }; 4] }; percpu::MAX_CPUS];

unsafe extern "C" {
    fn fault_guard(
        function: extern "C" fn(*mut u8),
        argument: *mut u8,
        guard: *const AtomicU64,
    ) -> u32;
    fn fault_resume();
}

/// Runs `body`; the first exception in it ends it and is returned.
pub fn expect_fault(body: impl FnOnce()) -> Option<Fault> {
    catch(body).err()
}

/// Runs `body` and returns its value, or the first exception in it.
///
/// An NMI is not a fault: it goes to its handler, or stops the guest.
pub fn catch<T>(body: impl FnOnce() -> T) -> Result<T, Fault> {
    struct Call<F, T> {
        body: Cell<Option<F>>,
        value: MaybeUninit<T>,
    }
    extern "C" fn run<F: FnOnce() -> T, T>(argument: *mut u8) {
        // SAFETY: `catch` passes the address of a `Call` of these very types, on its live frame.
        let call = unsafe { &mut *argument.cast::<Call<F, T>>() };
        if let Some(body) = call.body.take() {
            call.value.write(body());
        }
    }
    fn start<F: FnOnce() -> T, T>(_: &Call<F, T>) -> extern "C" fn(*mut u8) {
        run::<F, T>
    }
    let mut call = Call {
        body: Cell::new(Some(body)),
        value: MaybeUninit::uninit(),
    };
    let function = start(&call);
    let guard = &percpu::this().guard;
    let outer = guard.load(Ordering::Relaxed);
    // SAFETY: the function gets the argument that it expects; the guard word outlives the call.
    let faulted = unsafe { fault_guard(function, (&raw mut call).cast(), guard) };
    guard.store(outer, Ordering::Relaxed);
    if faulted == 0 {
        // SAFETY: the body ran to its end and wrote the value.
        Ok(unsafe { call.value.assume_init() })
    } else {
        Err(last())
    }
}

/// The words written by the last resume on this CPU.
fn last() -> Fault {
    let [event, rip, cr2, _] = &LAST[percpu::index()];
    let event = event.load(Ordering::Relaxed);
    Fault {
        vector: event as u8,
        error: (event >> 32) as u32,
        rip: rip.load(Ordering::Relaxed),
        cr2: cr2.load(Ordering::Relaxed),
    }
}

/// CR2: the address of the last page fault.
pub fn cr2() -> u64 {
    let value;
    // SAFETY: reads a control register.
    unsafe { asm!("mov {}, cr2", out(reg) value, options(nostack, nomem, preserves_flags)) };
    value
}

/// If a guard is open on this CPU, redirects the frame to its resume point and records the fault.
pub(crate) fn resume_if_expected(frame: &mut Frame) -> bool {
    let guard = percpu::this().guard.load(Ordering::Relaxed);
    if guard == 0 || frame.vector == u64::from(vector::NMI) {
        return false;
    }
    let [event, rip, address, _] = &LAST[percpu::index()];
    event.store(frame.error << 32 | frame.vector, Ordering::Relaxed);
    rip.store(frame.rip, Ordering::Relaxed);
    address.store(cr2(), Ordering::Relaxed);
    frame.rip = fault_resume as *const () as u64;
    frame.rsp = guard;
    frame.cs = u64::from(KERNEL_CODE);
    frame.ss = u64::from(KERNEL_DATA);
    // Interrupts stay off until the resume point restores the flags of the guarded call.
    frame.rflags = 2;
    true
}

/// Prints an event that nobody expected, and ends the guest.
pub(crate) fn report_and_stop(frame: &Frame) -> ! {
    crate::console::break_lock();
    println!(
        "UNEXPECTED vector {} error {:#x} rip {:#x} cs {:#x} rflags {:#x} rsp {:#x} cr2 {:#x} cpu {}",
        frame.vector,
        frame.error,
        frame.rip,
        frame.cs,
        frame.rflags,
        frame.rsp,
        cr2(),
        percpu::index()
    );
    power::off()
}

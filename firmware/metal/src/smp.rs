//! Waking the other cores: INIT, wait, start-up IPI, and a second one if needed.
//!
//! One core at a time, ids from the MADT. Firmware may have left them halted in
//! its own code or waiting for the start-up IPI; INIT brings both to one state.
//! The page for their first instructions comes from the memory map, never a
//! constant: 8000h holds live page tables on some firmware.
//! Also called: AP start, INIT-SIPI-SIPI, trampoline.
#![expect(
    unsafe_code,
    reason = "UNSAFETY: writes the start-up page and starts cores"
)]

use crate::clock::{Rates, delay};
use crate::{cpu, descriptor, host_apic, percpu};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use hvcore::ids::{ApicId, CpuId, Hpa};

core::arch::global_asm!(include_str!("ap_start.S"), options(att_syntax));

unsafe extern "C" {
    static bulkhead_ap_start: u8;
    static bulkhead_ap_start_end: u8;
    static bulkhead_ap_fields: u8;
    fn bulkhead_ap_entry();
}

/// Stack of the core that starts next; read by its first instructions.
// SAFETY: the name is the image's own and defined once.
#[unsafe(no_mangle)]
static bulkhead_ap_stack: AtomicU64 = AtomicU64::new(0);
static REPORTED: AtomicBool = AtomicBool::new(false);
static MAIN: crate::lock::BootOnce<fn(CpuId) -> !> = crate::lock::BootOnce::new();

/// Rust's first function on another core.
// SAFETY: called by `ap_start.S` only; the name is defined once.
#[unsafe(no_mangle)]
extern "C" fn bulkhead_ap_main() -> ! {
    let me = percpu::current();
    descriptor::load();
    crate::idt::load();
    match MAIN.get() {
        Some(main) => main(me),
        None => cpu::halt_forever(),
    }
}

/// Clock readings exchanged with each started core.
const ROUNDS: u64 = 16;
/// Round that core 0 asks for, and the last one answered.
static ASKED: AtomicU64 = AtomicU64::new(0);
static ANSWERED: AtomicU64 = AtomicU64::new(0);
static READING: AtomicU64 = AtomicU64::new(0);

/// Called by a started core once it has written down what core 0 wants to know;
/// answers core 0's questions about its clock, then returns.
pub fn report() {
    // Pair: boot hand-shake with `start`; everything before is visible to core 0.
    REPORTED.store(true, Ordering::Release);
    for round in 1..=ROUNDS {
        // Pair: clock questions, side B. Core 0 always asks them all.
        while ASKED.load(Ordering::Acquire) != round {
            cpu::pause();
        }
        READING.store(cpu::tsc(), Ordering::Relaxed); // Pair: published by ANSWERED.
        ANSWERED.store(round, Ordering::Release); // Pair: clock questions.
    }
}

/// Asks the core that has just reported; true if each of its readings lies
/// between two of ours, that is, no clock is seen to be ahead or behind.
fn clock_in_step() -> bool {
    let mut in_step = true;
    for round in 1..=ROUNDS {
        let before = cpu::tsc();
        ASKED.store(round, Ordering::Release); // Pair: clock questions, side A.
        while ANSWERED.load(Ordering::Acquire) != round {
            cpu::pause();
        }
        let theirs = READING.load(Ordering::Relaxed); // Pair: read after ANSWERED.
        in_step &= before <= theirs && theirs <= cpu::tsc();
    }
    ASKED.store(0, Ordering::Relaxed); // Pair: the next core is not started yet.
    in_step
}

/// What became of a core.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Started {
    /// It does not answer.
    No,
    /// It runs, but its TSC is not in step with core 0's.
    OutOfStep,
    /// It runs and its TSC is in step.
    InStep,
}

/// Prepares the page at `page` (below 1 MiB) and the function cores will run,
/// which must call [`report`].
pub fn prepare(page: Hpa, main: fn(CpuId) -> !) {
    MAIN.call_once(|| main);
    let from = &raw const bulkhead_ap_start;
    let len = &raw const bulkhead_ap_start_end as usize - from as usize;
    let to = page.0 as *mut u8;
    // SAFETY: the memory map gave us the whole page; the code is shorter than it.
    unsafe { core::ptr::copy_nonoverlapping(from, to, len) };
    let fields = to.wrapping_add(&raw const bulkhead_ap_fields as usize - from as usize);
    let (cr3, _) = x86_64::registers::control::Cr3::read();
    let gdt = descriptor::gdt_pointer();
    let put32 = |offset: usize, value: u32| {
        // SAFETY: inside the copied block; the fields are laid out as in `ap_start.S`.
        unsafe {
            fields
                .wrapping_add(offset)
                .cast::<u32>()
                .write_unaligned(value)
        };
    };
    put32(0, cr3.start_address().as_u64() as u32);
    put32(4, bulkhead_ap_entry as *const () as usize as u32);
    put32(
        12,
        u32::from(gdt.limit) | ((gdt.base.as_u64() as u32) << 16),
    );
    put32(16, (gdt.base.as_u64() >> 16) as u32 & 0xffff);
}

fn wait_for_report(rates: Rates, micros: u64) -> bool {
    for _ in 0..micros / 50 {
        // Pair: boot hand-shake with `report`.
        if REPORTED.load(Ordering::Acquire) {
            return true;
        }
        delay(rates, 50);
    }
    REPORTED.load(Ordering::Acquire) // Pair: as above.
}

/// Starts one core and compares its clock. One that does not report is sent back
/// to wait: coming late, it would run on the next core's stack.
pub fn start(core: CpuId, apic: ApicId, page: Hpa, rates: Rates) -> Started {
    percpu::label_stack(core);
    // The stack value is read by the started core after the IPI, which orders it.
    bulkhead_ap_stack.store(percpu::stack_top(core), Ordering::SeqCst); // Pair: start-up IPI.
    REPORTED.store(false, Ordering::SeqCst); // Pair: start-up IPI.
    ANSWERED.store(0, Ordering::SeqCst); // Pair: start-up IPI.
    host_apic::send_init(apic);
    // Family 0Fh and later are ready at once; ten milliseconds are for the 486.
    delay(rates, 200);
    for _ in 0..2 {
        host_apic::send_startup(apic, (page.0 >> 12) as u8);
        if wait_for_report(rates, 200_000) {
            return if clock_in_step() {
                Started::InStep
            } else {
                Started::OutOfStep
            };
        }
    }
    host_apic::send_init(apic);
    Started::No
}

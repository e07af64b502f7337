//! Waking the other CPUs: INIT, start-up IPI, and into a Rust function each.
//!
//! APIC ids are dense from 0 on this machine, and the id is the index (requirements PLT-04, PLT-10).
//! Manual: 24593 section 16.5. Also called: AP bring-up, SIPI, trampoline.
#![expect(unsafe_code)]
// UNSAFETY: copies the first instructions of the other CPUs to low memory, calls a stored address.

use crate::lapic::{self, icr};
use crate::percpu::{self, MAX_CPUS};
use crate::{acpi, descriptor, interrupt, tsc};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Page below 1 MiB that the start-up IPI names; `start.S` is written for it.
const AP_START_PAGE: usize = 0x8000;

static STARTED: AtomicU32 = AtomicU32::new(0);
static FUNCTION: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" {
    static ap_start: u8;
    static ap_start_end: u8;
}

/// Puts the other CPUs' first instructions in place and says what they run. Idempotent.
pub fn prepare(function: fn(usize)) {
    FUNCTION.store(function as usize, Ordering::Release);
    let first = &raw const ap_start;
    let length = &raw const ap_start_end as usize - first as usize;
    // SAFETY: the page is conventional memory that nothing else uses (A1, A2).
    unsafe { core::ptr::copy_nonoverlapping(first, AP_START_PAGE as *mut u8, length) };
}

/// Sends INIT and start-up to CPU `index` and waits until it runs; tells whether it does.
pub fn wake(index: usize) -> bool {
    let bit = 1 << index;
    STARTED.fetch_and(!bit, Ordering::AcqRel);
    lapic::send(index as u8, icr::INIT | icr::ASSERT);
    tsc::delay(200);
    let start = icr::STARTUP | icr::ASSERT | (AP_START_PAGE >> 12) as u32;
    lapic::send(index as u8, start);
    if !tsc::wait_until(2_000, || started(index)) {
        lapic::send(index as u8, start);
    }
    tsc::wait_for(|| started(index))
}

/// Whether CPU `index` has reached Rust.
pub fn started(index: usize) -> bool {
    index == 0 || STARTED.load(Ordering::Acquire) & 1 << index != 0
}

/// Starts every CPU of the APIC table; each runs `function` with its index and then halts.
/// Returns how many CPUs run, the calling one included.
pub fn start(function: fn(usize)) -> usize {
    prepare(function);
    1 + (1..acpi::cpus().min(MAX_CPUS))
        .filter(|index| wake(*index))
        .count()
}

#[unsafe(no_mangle)]
extern "C" fn rt_ap_boot(index: u32) -> ! {
    let index = index as usize;
    // SAFETY: this is the CPU with that index; INIT put it through here anew.
    unsafe { percpu::install(index) };
    // SAFETY: as above.
    unsafe { descriptor::load(index) };
    // SAFETY: the whole table.
    unsafe { interrupt::load_table(256) };
    lapic::enable();
    STARTED.fetch_or(1 << index, Ordering::AcqRel);
    // SAFETY: `prepare` stored a value of this type before the CPU was woken.
    let function =
        unsafe { core::mem::transmute::<usize, fn(usize)>(FUNCTION.load(Ordering::Acquire)) };
    function(index);
    loop {
        interrupt::wait();
    }
}

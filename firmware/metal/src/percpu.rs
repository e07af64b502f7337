//! Stacks of all cores, and which core this is.
//!
//! A core is found by its stack pointer, not by GS or TR: on a vCPU's core those
//! belong to the guest (assumption 4). The lowest word of each stack holds the
//! core's number, the next a canary that a full stack destroys.
//! Also called: per-CPU area, current CPU.
#![expect(
    unsafe_code,
    reason = "UNSAFETY: reads the word at the bottom of the running stack"
)]

use core::cell::UnsafeCell;
use hvcore::ids::CpuId;

/// Bytes of one core's stack; also its alignment.
pub const STACK_SIZE: usize = 64 << 10;
/// Cores the image has stacks for.
pub const MAX_CPUS: usize = abi::plan::MAX_CORES;

const CANARY: u64 = 0x5ca1_ab1e_0ddb_a115;
const PAINT: u64 = 0x7e57_57ac_7e57_57ac;

/// All stacks. Each is written by its own core only.
#[repr(C, align(65536))]
pub struct Stacks(UnsafeCell<[[u64; STACK_SIZE / 8]; MAX_CPUS]>);

// SAFETY: each stack is used by one core; the head words are written before that core runs.
unsafe impl Sync for Stacks {}

/// The stacks; the entry code takes core 0's by this symbol.
// SAFETY: the name is the image's own and defined once.
#[unsafe(no_mangle)]
pub static BULKHEAD_STACKS: Stacks = Stacks(UnsafeCell::new([[0; STACK_SIZE / 8]; MAX_CPUS]));

fn base(cpu: usize) -> *mut u64 {
    BULKHEAD_STACKS
        .0
        .get()
        .cast::<u64>()
        .wrapping_add(cpu % MAX_CPUS * (STACK_SIZE / 8))
}

/// Address just above a core's stack.
pub fn stack_top(cpu: CpuId) -> u64 {
    base(usize::from(cpu.0)).wrapping_add(STACK_SIZE / 8) as u64
}

/// Writes number and canary of a core's stack, before the core runs on it
/// (core 0: as the first thing it does).
pub fn label_stack(cpu: CpuId) {
    let at = base(usize::from(cpu.0));
    // SAFETY: the lowest two words of an own static; far below any live frame.
    unsafe { at.write_volatile(u64::from(cpu.0)) };
    // SAFETY: as above.
    unsafe { at.wrapping_add(1).write_volatile(CANARY) };
    if cpu.0 != 0 {
        for i in 2..STACK_SIZE / 8 {
            // SAFETY: the core does not run yet; the words are inside its own stack.
            unsafe { at.wrapping_add(i).write_volatile(PAINT) };
        }
    }
}

/// The core that executes this.
pub fn current() -> CpuId {
    let here = 0u8;
    let base = (&raw const here as usize & !(STACK_SIZE - 1)) as *const u64;
    // SAFETY: stacks are aligned to their size, so this is the labelled word of ours.
    CpuId(unsafe { base.read_volatile() } as u8)
}

/// The canary of a core's stack stands (or the core never ran).
pub fn is_whole(cpu: CpuId) -> bool {
    // SAFETY: reads a word of an own static.
    let canary = unsafe { base(usize::from(cpu.0)).wrapping_add(1).read_volatile() };
    canary == CANARY || canary == 0
}

/// Bytes of a core's stack never used so far, and whether its canary stands.
/// Core 0's stack is not painted, so its margin reads 0.
pub fn stack_margin(cpu: CpuId) -> (usize, bool) {
    let at = base(usize::from(cpu.0));
    // SAFETY: reads words of an own static; a racing writer only changes the count.
    let word = |i: usize| unsafe { at.wrapping_add(i).read_volatile() };
    let untouched = (2..STACK_SIZE / 8)
        .take_while(|i| word(*i) == PAINT)
        .count();
    (untouched * 8, word(1) == CANARY)
}

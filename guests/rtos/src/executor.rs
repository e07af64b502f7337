//! Embassy's raw executor on one bare CPU: pender, poll, and sleep without a gap.
//!
//! The pender only notes that there is work. The idle path looks at the note with interrupts off and
//! enables them by the instruction before HLT, so a wake-up between the look and the sleep ends the sleep.
#![expect(unsafe_code)]
// UNSAFETY: embassy's contract: `poll` is not re-entered, and the pender symbol is ours to define.

use core::sync::atomic::{AtomicBool, Ordering};
use embassy_executor::{Spawner, raw};
use rt::interrupt;
use static_cell::StaticCell;

static WORK: AtomicBool = AtomicBool::new(false);
static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();

#[unsafe(no_mangle)]
fn __pender(_context: *mut ()) {
    WORK.store(true, Ordering::Release);
}

/// Runs tasks for ever, beginning with those that `spawn` starts.
pub fn run(spawn: impl FnOnce(Spawner)) -> ! {
    let executor: &'static raw::Executor = EXECUTOR.init(raw::Executor::new(core::ptr::null_mut()));
    spawn(executor.spawner());
    loop {
        interrupt::enable();
        // SAFETY: only this loop polls, so the call is never nested.
        unsafe { executor.poll() };
        interrupt::disable();
        if !WORK.swap(false, Ordering::Acquire) {
            interrupt::wait();
        }
    }
}

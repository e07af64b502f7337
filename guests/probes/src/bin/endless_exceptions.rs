//! Exceptions without end: a CPU that never leaves the guest can be stopped.
//!
//! The undefined-instruction gate has a stack of its own, so each exception starts afresh there, and its
//! handler is an undefined instruction. Interrupts are off. Nothing here exits: only an interrupt of the
//! host ends a turn. For tests that stop this partition or watch its neighbours.
//! Also called: #UD loop, hostile guest, CVE-2015-8104, CVE-2015-5307.
//!
//! needs: cpus=1 memory=16M ends=never
#![no_std]
#![no_main]

use rt::{fault, interrupt, report};

fn endless_exceptions() {
    report!("PROBE endless_exceptions begins");
    interrupt::disable();
    // Instead of the table's own stub: a handler that is the fault itself.
    interrupt::set_raw_gate(
        fault::vector::UD,
        endless as *const () as u64,
        rt::descriptor::DOUBLE_FAULT_STACK,
    );
    endless()
}

extern "C" fn endless() {
    #[expect(unsafe_code)]
    // SAFETY: raises #UD, over and over; the guest does nothing else any more. UNSAFETY: UD2.
    unsafe {
        core::arch::asm!("ud2", options(nostack))
    }
}

rt::entry!(endless_exceptions);

//! An interrupt whose stack lies where no memory is ends the partition.
//!
//! It does not hang its core.
//! The delivery itself meets the hole: a nested fault in the middle of an event, the case whose report the
//! emulator gets wrong (`performance.md`, fourth bug). There is no right way on: the frame cannot be
//! stored. The hypervisor must neither retry for ever nor enter with an event that it cannot put in.
//! Also called: EXITINTINFO, nested page fault during event delivery, erratum virq_npf.
//!
//! needs: cpus=1 memory=16M ends=crash
#![no_std]
#![no_main]

use rt::{fault, interrupt, lapic, report};

const VECTOR: u8 = 0x60;

fn delivery_into_hole() {
    interrupt::set_handler(VECTOR, |_| lapic::eoi());
    report!("PROBE delivery_into_hole puts its stack where nothing is");
    rt::uart::drain();
    lapic::send_self(VECTOR);
    let caught = fault::expect_fault(|| {
        #[expect(unsafe_code)]
        // SAFETY: the guest ends here on purpose. UNSAFETY: a stack without memory, interrupts on.
        unsafe {
            core::arch::asm!("mov rsp, {}", "sti", "nop", "2: hlt", "jmp 2b", in(reg) 0xD000_0800u64, options(noreturn))
        }
    });
    report!("FAIL the guest went on: {caught:x?}");
}

rt::entry!(delivery_into_hole);

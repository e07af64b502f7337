//! A triple fault stops this partition, and nothing else.
//!
//! The table of gates is cut to nothing, so the next exception cannot be delivered, nor the double
//! fault after it. The line below must be the guest's last; what the hypervisor then says and does is
//! its own log's matter. Also called: shutdown.
//!
//! needs: cpus=1 memory=16M ends=crash
#![no_std]
#![no_main]

use rt::{interrupt, report};

fn triple_fault() {
    report!("PROBE triple_fault about to shut down");
    rt::uart::drain();
    #[expect(unsafe_code)]
    // SAFETY: the machine ends here on purpose. UNSAFETY: an empty table of gates.
    unsafe {
        interrupt::load_table(0)
    };
    #[expect(unsafe_code)]
    // SAFETY: as above. UNSAFETY: raises #UD with nobody to take it.
    unsafe {
        core::arch::asm!("ud2", options(nostack))
    };
    report!("FAIL the CPU went on after a triple fault");
}

rt::entry!(triple_fault);

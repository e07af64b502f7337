//! SVM is not there, nor is any instruction that was not announced.
//!
//! Also called: nested virtualisation, VMRUN, MONITOR.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: executes instructions that must fault.

use core::arch::asm;
use probes::claim;
use rt::fault::{self, Fault, vector};

macro_rules! attempt {
    ($instruction:literal) => {
        fault::expect_fault(|| {
            // SAFETY: faults; if it does not, the claim fails, and operands name harmless addresses.
            unsafe { asm!($instruction, in("rax") 0x9000u64, in("rcx") 0u64, in("rdx") 0u64, options(nostack)) }
        })
    };
}

fn is(fault: Option<Fault>, vector: u8) -> bool {
    fault.is_some_and(|fault| fault.vector == vector && fault.error == 0)
}

fn svm_instructions() {
    let svm = [
        ("VMRUN", attempt!("vmrun rax")),
        ("VMLOAD", attempt!("vmload rax")),
        ("VMSAVE", attempt!("vmsave rax")),
        ("STGI", attempt!("stgi")),
        ("CLGI", attempt!("clgi")),
        ("SKINIT", attempt!("skinit eax")),
        ("INVLPGA", attempt!("invlpga rax, ecx")),
    ];
    for (name, fault) in svm {
        claim!(is(fault, vector::UD), "{name} is undefined");
    }
    claim!(is(attempt!("monitor"), vector::UD), "MONITOR is undefined");
    claim!(is(attempt!("mwait"), vector::UD), "MWAIT is undefined");
    claim!(
        is(attempt!("vmcall"), vector::UD),
        "VMCALL, the other vendor's, is undefined"
    );
    claim!(
        is(attempt!("rdpmc"), vector::GP),
        "RDPMC has no counter to read"
    );
    claim!(
        is(attempt!("xsetbv"), vector::UD),
        "XSETBV is undefined while CR4.OSXSAVE is clear"
    );
    with_osxsave();
}

fn with_osxsave() {
    let mut control: u64;
    // SAFETY: reads a control register.
    unsafe { asm!("mov {}, cr4", out(reg) control, options(nostack)) };
    // SAFETY: OSXSAVE only allows instructions that the image does not otherwise contain.
    unsafe { asm!("mov cr4, {}", in(reg) control | 1 << 18, options(nostack)) };
    let write = |register: u32, low: u32, high: u32| {
        fault::expect_fault(|| {
            // SAFETY: faults, or enables state that nobody here uses.
            unsafe {
                asm!("xsetbv", in("ecx") register, in("eax") low, in("edx") high, options(nostack))
            }
        })
    };
    claim!(
        is(write(0, 0, 0), vector::GP),
        "XCR0 cannot lose the x87 bit"
    );
    claim!(
        is(write(0, 5, 0), vector::GP),
        "XCR0 cannot have AVX without SSE"
    );
    claim!(is(write(0, 1, 1 << 30), vector::GP), "XCR0 cannot have LWP");
    claim!(
        is(write(0, 1 << 9 | 1, 0), vector::GP),
        "XCR0 cannot have protection keys"
    );
    claim!(is(write(1, 1, 0), vector::GP), "there is no XCR1");
    claim!(
        write(0, 3, 0).is_none() && write(0, 1, 0).is_none(),
        "XCR0 takes what CPUID names"
    );
    // SAFETY: back to what it was.
    unsafe { asm!("mov cr4, {}", in(reg) control, options(nostack)) };
}

probes::probe!(svm_instructions, bulkhead);

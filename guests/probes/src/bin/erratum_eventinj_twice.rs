//! An interrupt is delivered once, however soon an exception follows it.
//!
//! QEMU's TCG forgets to forget an external interrupt that was injected as an event: when the CPU loop
//! is left before the next exception, that exception delivers the interrupt again, even with interrupts
//! off. The handler here raises exceptions and exits at once, which is where the second copy would come.
//! Passes where interrupts go in as virtual interrupts (the rule), or with the emulator's fix; a build
//! that injects them as events shows the bug here. Manual: 24593 sections 15.20 and 15.21.4.
//! Also called: EVENTINJ, double injection.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};
use probes::{claim, require};
use rt::{cpuid, fault, interrupt, lapic, smp};

const ROUNDS: u32 = 30_000;
const VECTOR: u8 = 0x60;
/// Most times that the guest opens its ears for one interrupt.
const WINDOWS: u32 = 10_000;

static TAKEN: AtomicU32 = AtomicU32::new(0);
static DEPTH: AtomicU32 = AtomicU32::new(0);
static NESTED: AtomicU32 = AtomicU32::new(0);

/// Locked access across a boundary: the emulator stops all other CPUs for it, and so leaves their loops
/// without any interrupt.
fn disturb(_: usize) {
    let mut words = [0u64; 2];
    let across = words.as_mut_ptr().cast::<u8>().wrapping_add(5);
    loop {
        #[expect(unsafe_code)]
        // SAFETY: bytes 5 to 8 of 16 that are this function's. UNSAFETY: a misaligned locked access.
        unsafe {
            core::arch::asm!("lock inc dword ptr [{}]", in(reg) across, options(nostack))
        };
        (0..20).for_each(|_| core::hint::spin_loop());
    }
}

fn undefined() {
    let caught = fault::expect_fault(|| {
        #[expect(unsafe_code)]
        // SAFETY: raises #UD under the guard. UNSAFETY: UD2.
        unsafe {
            core::arch::asm!("ud2", options(nostack))
        };
    });
    require!(caught.is_some(), "UD2 did not fault");
}

fn erratum_eventinj_twice() {
    interrupt::set_handler(VECTOR, |_| {
        if DEPTH.fetch_add(1, Ordering::Relaxed) != 0 {
            NESTED.fetch_add(1, Ordering::Relaxed);
        }
        TAKEN.fetch_add(1, Ordering::Relaxed);
        undefined();
        core::hint::black_box(cpuid::leaf(0));
        undefined();
        lapic::eoi();
        DEPTH.fetch_sub(1, Ordering::Relaxed);
    });
    smp::start(disturb);
    let (mut good, mut twice) = (0, 0);
    for round in 0..ROUNDS {
        TAKEN.store(0, Ordering::Relaxed);
        lapic::send_self(VECTOR);
        // A window may pass while the hypervisor waits out a shadow.
        let came = (0..WINDOWS).any(|_| {
            interrupt::window();
            undefined();
            TAKEN.load(Ordering::Relaxed) != 0
        });
        interrupt::window();
        undefined();
        let taken = TAKEN.load(Ordering::Relaxed);
        require!(came, "round {round}: not taken");
        good += u32::from(taken == 1);
        twice += u32::from(taken > 1);
    }
    if twice != 0 {
        rt::report!("info {twice} of {ROUNDS} interrupts came more than once");
    }
    claim!(
        good == ROUNDS,
        "{ROUNDS} interrupts followed by exceptions, each taken once"
    );
    claim!(
        NESTED.load(Ordering::Relaxed) == 0,
        "none came with interrupts off"
    );
}

probes::probe!(erratum_eventinj_twice);

//! One instruction behind STI or a load of SS runs before any interrupt.
//!
//! The interrupt's return address tells exactly where it was taken. The interesting case is an
//! instruction in the shadow that exits and is completed by software: the shadow must end with it, not
//! before and not after. Manual: 24593 sections 8.2 and 15.21.5.
//! Also called: STI shadow, MOV SS, INTERRUPT_SHADOW.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU64, Ordering};
use probes::scratch_code::{self, FIRST_PAGE};
use probes::{claim, require};
use rt::lapic::{self, Register, icr};
use rt::{fault, interrupt, mmio};

const VECTOR: u8 = 0x60;
/// A place without device or memory.
const HOLE: u64 = 0xD000_0000;
/// STI; the shadow begins behind it.
const STI: &[u8] = &[0xFB];

static TAKEN_AT: AtomicU64 = AtomicU64::new(0);

fn interrupt_shadow() {
    scratch_code::set_up();
    interrupt::set_handler(VECTOR, |frame| {
        TAKEN_AT.store(frame.rip, Ordering::Relaxed);
        lapic::eoi();
    });
    behind_sti();
    without_shadow();
    behind_stack_segment();
    repeated();
}

/// Runs `before`, then `shadowed`, then two NOPs, with RDI = `address` and RSI = `value`. Returns how
/// many bytes of `shadowed` and what follows were executed when the interrupt was taken.
fn taken_behind(before: &[u8], shadowed: &[u8], address: u64, value: u64) -> Option<i64> {
    let mut code = [0; 64];
    let mut length = 0;
    // push rbx; ...; nop; nop; cli; pop rbx; ret
    for part in [&[0x53], before, shadowed, &[0x90, 0x90, 0xFA, 0x5B, 0xC3]] {
        code[length..length + part.len()].copy_from_slice(part);
        length += part.len();
    }
    scratch_code::write(FIRST_PAGE, &code[..length]);
    TAKEN_AT.store(0, Ordering::Relaxed);
    #[expect(unsafe_code)]
    // SAFETY: the code above keeps to the calling convention. UNSAFETY: runs it.
    let ran = fault::expect_fault(|| unsafe {
        scratch_code::call(FIRST_PAGE, address, value);
    });
    require!(ran.is_none(), "the sequence faulted: {ran:?}");
    let start = FIRST_PAGE + 1 + before.len() as u64;
    let taken = TAKEN_AT.load(Ordering::Relaxed);
    (taken != 0).then(|| taken.wrapping_sub(start) as i64)
}

/// As [`taken_behind`] with the interrupt pending from the beginning.
fn pending(before: &[u8], shadowed: &[u8]) -> Option<i64> {
    lapic::send_self(VECTOR);
    taken_behind(before, shadowed, HOLE, 0)
}

fn behind_sti() {
    let cases: [(&str, &[u8], &[u8]); 9] = [
        ("a NOP", STI, &[0x90]),
        ("an IN", STI, &[0xE4, 0x80]),
        ("an OUT", STI, &[0xE6, 0x80]),
        ("a device load", STI, &[0x8B, 0x07]),
        ("a device store", STI, &[0x89, 0x37]),
        ("a WBINVD", STI, &[0x0F, 0x09]),
        ("a CPUID", &[0x31, 0xC0, 0xFB], &[0x0F, 0xA2]),
        ("an RDMSR", &[0xB9, 0x77, 0x02, 0, 0, 0xFB], &[0x0F, 0x32]),
        ("a HLT", STI, &[0xF4]),
    ];
    for (name, before, shadowed) in cases {
        let taken = pending(before, shadowed);
        require!(
            taken == Some(shadowed.len() as i64),
            "{name}: taken at {taken:?}"
        );
        claim!(
            taken == Some(shadowed.len() as i64),
            "behind STI, {name} runs before the interrupt, and no more"
        );
    }
}

fn without_shadow() {
    // push 202h; popfq
    let taken = pending(&[0x68, 0x02, 0x02, 0, 0, 0x9D], &[0x90]);
    claim!(taken == Some(0), "POPF lets the interrupt in at once");
    // sti; sti: the second one, with interrupts on, casts no shadow of its own.
    let taken = pending(STI, &[0xFB]);
    claim!(taken == Some(1), "a second STI casts no shadow");
}

/// With interrupts on: load SS, and behind it a store that sends the interrupt. It may not come before the store ends.
fn behind_stack_segment() {
    let command = icr::TO_SELF | icr::ASSERT | u32::from(VECTOR);
    let address = lapic::BASE + u64::from(Register::ICR_LOW.0);
    // mov eax, ss; sti; nop; mov ss, eax
    let before = [0x8C, 0xD0, 0xFB, 0x90, 0x8E, 0xD0];
    let taken = taken_behind(&before, &[0x89, 0x37], address, u64::from(command));
    require!(taken.is_some_and(|at| at >= 2), "taken at {taken:?}");
    interrupt::window();
    claim!(
        taken.is_some_and(|at| at >= 2),
        "behind a load of SS, a device store runs before its interrupt"
    );
}

fn repeated() {
    let good = (0..10_000)
        .filter(|_| pending(STI, &[0x8B, 0x07]) == Some(2))
        .count();
    claim!(good == 10_000, "ten thousand times over");
    claim!(
        mmio::read32(HOLE) == mmio::read32(HOLE),
        "and the device is still there"
    );
}

probes::probe!(interrupt_shadow);

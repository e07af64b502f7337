//! Events that meet are taken in the manual's order.
//!
//! A fault in a delivery is reported as such.
//! Single steps over instructions that software completes, a step and an interrupt at one boundary,
//! and gates that are absent: for an interrupt, for INT n, and for the fault that follows.
//! Manual: 24593 sections 8.2.9, 8.5 and 13.1; table 8-8. Also called: #DB, TF, EXT bit, double fault.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use probes::scratch_code::{self, FIRST_PAGE};
use probes::{claim, require};
use rt::fault::{self, vector};
use rt::{interrupt, lapic};

const VECTOR: u8 = 0x60;
const HOLE: u64 = 0xD000_0000;

/// Where the steps and interrupts were taken: offset in the code, plus 100h for the interrupt.
static LOG: [AtomicU64; 32] = [const { AtomicU64::new(0) }; 32];
static LOGGED: AtomicUsize = AtomicUsize::new(0);

fn log(entry: u64) {
    let n = LOGGED.fetch_add(1, Ordering::Relaxed);
    if let Some(slot) = LOG.get(n) {
        slot.store(entry, Ordering::Relaxed);
    }
}

fn event_priority() {
    scratch_code::set_up();
    interrupt::set_handler(VECTOR, |frame| {
        log(0x100 + frame.rip.wrapping_sub(FIRST_PAGE));
        lapic::eoi();
    });
    single_steps();
    step_and_interrupt();
    absent_gates();
    double_fault();
}

/// Runs `code` with the trap flag set by its first six bytes, and compares the log.
fn logs(what: &str, code: &[u8], expected: &[u64]) -> bool {
    LOGGED.store(0, Ordering::Relaxed);
    scratch_code::write(FIRST_PAGE, code);
    interrupt::set_handler(vector::DB, |frame| log(frame.rip.wrapping_sub(FIRST_PAGE)));
    #[expect(unsafe_code)]
    // SAFETY: the code keeps to the calling convention. UNSAFETY: runs it.
    unsafe {
        scratch_code::call(FIRST_PAGE, HOLE, 0)
    };
    interrupt::clear_handler(vector::DB);
    let count = LOGGED.load(Ordering::Relaxed);
    let same = count == expected.len()
        && expected
            .iter()
            .zip(&LOG)
            .all(|(expected, found)| *expected == found.load(Ordering::Relaxed));
    if !same {
        for found in LOG.iter().take(count) {
            require!(
                false,
                "{what}: event at {:#x}",
                found.load(Ordering::Relaxed)
            );
        }
    }
    same
}

/// push 102h; popfq (trap flag on); ...; push 2; popfq (off); ret
const ON: [u8; 6] = [0x68, 0x02, 0x01, 0, 0, 0x9D];
const OFF: [u8; 4] = [0x6A, 0x02, 0x9D, 0xC3];

fn stepped(name: &str, body: &[u8], boundaries: &[u64]) {
    let mut code = [0x90; 32];
    code[..6].copy_from_slice(&ON);
    code[6..6 + body.len()].copy_from_slice(body);
    let end = 6 + body.len();
    code[end..end + 4].copy_from_slice(&OFF);
    let mut expected = [0; 8];
    expected[..boundaries.len()].copy_from_slice(boundaries);
    // The two instructions that turn the flag off are stepped as well: PUSH is, and so is POPF.
    let off = [end as u64 + 2, end as u64 + 3];
    expected[boundaries.len()..boundaries.len() + 2].copy_from_slice(&off);
    let right = logs(name, &code[..end + 4], &expected[..boundaries.len() + 2]);
    claim!(right, "single steps stop behind {name}, once");
}

fn single_steps() {
    stepped("NOPs", &[0x90, 0x90], &[7, 8]);
    stepped("an IN", &[0xE4, 0x80, 0x90], &[8, 9]);
    stepped("a device load", &[0x8B, 0x07, 0x90], &[8, 9]);
    stepped("an RDMSR", &[0xB9, 0x77, 0x02, 0, 0, 0x0F, 0x32], &[11, 13]);
    stepped("a WBINVD", &[0x0F, 0x09], &[8]);
}

/// A trap of the instruction before goes first; the interrupt's handler then returns to the same place.
fn step_and_interrupt() {
    // push 302h; popfq; nop; push 2; popfq; ret, with an interrupt pending from the start.
    let code = [0x68, 0x02, 0x03, 0, 0, 0x9D, 0x90, 0x6A, 0x02, 0x9D, 0xC3];
    lapic::send_self(VECTOR);
    let right = logs("step and interrupt", &code, &[0x106, 7, 9, 10]);
    claim!(
        right,
        "an interrupt at the boundary is taken before the next step"
    );
}

/// The error code of a gate that does not exist: index, table bit (1), external bit (0).
///
/// The emulator puts the gate's byte offset where the index belongs and forgets the external bit, so
/// the table bit is judged and the rest is told.
fn absent_gates() {
    const ABSENT: u8 = 0x77;
    let through_table = |caught: Option<fault::Fault>| {
        let right = caught.is_some_and(|f| f.vector == vector::NP && f.error & 2 != 0);
        require!(right, "found {caught:x?}");
        right
    };
    interrupt::set_gate(ABSENT, false, 0);
    lapic::send_self(ABSENT);
    let caught = fault::expect_fault(interrupt::window);
    claim!(
        through_table(caught),
        "an interrupt through an absent gate is #NP"
    );
    rt::report!("info error code {:#x}", caught.map_or(0, |f| f.error));
    interrupt::disable();
    // On silicon the request has been accepted by then; the emulator keeps it and would deliver it again.
    let accepted = lapic::bit(lapic::Register::ISR, ABSENT);
    rt::report!("info the interrupt is in service all the same: {accepted}");
    interrupt::set_handler(ABSENT, |_| lapic::eoi());
    lapic::eoi();
    // int 77h; ret
    scratch_code::write(FIRST_PAGE, &[0xCD, ABSENT, 0xC3]);
    #[expect(unsafe_code)]
    // SAFETY: the code faults or returns. UNSAFETY: runs it.
    let caught = fault::expect_fault(|| unsafe {
        scratch_code::call(FIRST_PAGE, 0, 0);
    });
    claim!(through_table(caught), "INT through an absent gate is #NP");
    claim!(
        caught.is_some_and(|f| f.error & 1 == 0),
        "without the external bit"
    );
    claim!(
        caught.is_some_and(|f| f.rip == FIRST_PAGE),
        "and returns to the INT"
    );
    interrupt::set_gate(ABSENT, true, 0);
}

/// #GP whose own gate is absent: two contributory faults make a double fault.
fn double_fault() {
    interrupt::set_gate(vector::GP, false, 0);
    // An undefined register: #GP by the hypervisor's injection where there is one.
    let injected = fault::expect_fault(|| {
        rt::msr::read(0xC001_1FFF);
    });
    // mov [rdi], esi; ret: a non-canonical address is #GP by the CPU itself.
    scratch_code::write(FIRST_PAGE, &[0x89, 0x37, 0xC3]);
    #[expect(unsafe_code)]
    // SAFETY: faults. UNSAFETY: runs the code.
    let native = fault::expect_fault(|| unsafe {
        scratch_code::call(FIRST_PAGE, 1 << 47, 0);
    });
    interrupt::set_gate(vector::GP, true, 0);
    claim!(
        native.map(|f| (f.vector, f.error)) == Some((vector::DF, 0)),
        "two contributory faults are a double fault"
    );
    // Silicon counts an injected exception as the first of two; the emulator forgets it.
    let both = injected.map(|f| (f.vector, f.error)) == Some((vector::DF, 0));
    rt::report!("info also when the first one was injected: {both}");
}

probes::probe!(event_priority);

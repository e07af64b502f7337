//! A CPU starts with fresh x87, vector and debug state in every life.
//!
//! The state is looked at before anything touches it, then filled with patterns, and the machine is
//! reset. The next life must find nothing of it. Every life prints the same log.
//! Manual: 24593 tables 14-1 and 14-2. Also called: FXSAVE, XSAVE, XCR0, MXCSR, DR0-DR3, state leak.
//!
//! needs: cpus=2 memory=16M ends=restart
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: saves and loads x87, vector and debug state, which the image does not otherwise use.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};
use probes::{claim, require};
use rt::{cpuid, power, smp, tsc};

/// An XSAVE area: 512 bytes of legacy state, 64 of header, 256 of AVX state.
#[repr(C, align(64))]
struct Area(UnsafeCell<[u8; 832]>);

// SAFETY: each CPU uses its own area.
unsafe impl Sync for Area {}

static AREAS: [Area; 2] = [const { Area(UnsafeCell::new([0; 832])) }; 2];
/// CPUs that have been looked at, and those found clean.
static LOOKED: AtomicU32 = AtomicU32::new(0);
static CLEAN: AtomicU32 = AtomicU32::new(0);

fn fpu_state() {
    // Before the first line: what is looked at must be what the CPU came with.
    let found = look(0);
    claim!(found.extended_control == 1, "XCR0 holds x87 alone");
    claim!(
        found.debug_addresses == [0; 4],
        "the debug addresses are zero"
    );
    claim!(
        found.debug_status & 0xE00F == 0 && found.debug_control & 0xFF == 0,
        "no breakpoint is armed or met"
    );
    claim!(
        found.x87_control == 0x37F || found.x87_control == 0x40,
        "the x87 control word is that of a start"
    );
    claim!(found.vector_control == 0x1F80, "MXCSR is that of a start");
    claim!(
        found.registers_zero,
        "no register of the vector state holds anything"
    );
    let second = smp::start(|index| {
        let found = look(index);
        let clean =
            found.extended_control == 1 && found.registers_zero && found.debug_addresses == [0; 4];
        CLEAN.fetch_or(u32::from(clean) << index, Ordering::AcqRel);
        fill(index);
        LOOKED.fetch_add(1, Ordering::AcqRel);
    });
    require!(second == 2, "the second CPU does not run");
    let looked = tsc::wait_for(|| LOOKED.load(Ordering::Acquire) == 1);
    claim!(
        looked && CLEAN.load(Ordering::Acquire) == 0b10,
        "the second CPU starts clean as well"
    );
    fill(0);
    claim!(!look(0).registers_zero, "the patterns are in place");
    rt::report!("PROBE fpu_state resets");
    power::reset()
}

struct Found {
    extended_control: u64,
    debug_addresses: [u64; 4],
    debug_status: u64,
    debug_control: u64,
    x87_control: u16,
    vector_control: u32,
    registers_zero: bool,
}

/// Turns the instructions on and saves the state as it is.
fn look(index: usize) -> Found {
    let area = AREAS[index].0.get().cast::<u8>();
    let xsave = cpuid::leaf(1).ecx & 1 << 26 != 0;
    enable(xsave);
    let extended_control = if xsave { xcr0() } else { 1 };
    // SAFETY: the area is this CPU's, large enough and aligned.
    unsafe { asm!("fxsave64 [{}]", in(reg) area) };
    // SAFETY: written above; nobody else uses the area.
    let bytes = unsafe { &*AREAS[index].0.get() };
    let x87_control = u16::from_le_bytes([bytes[0], bytes[1]]);
    let vector_control = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
    let legacy_zero = bytes[32..416].iter().all(|byte| *byte == 0);
    let upper_zero = !xsave || upper_halves_zero(index);
    let [debug_status, debug_control] = debug_words();
    Found {
        extended_control,
        debug_addresses: debug_addresses(),
        debug_status,
        debug_control,
        x87_control,
        vector_control,
        registers_zero: legacy_zero && upper_zero,
    }
}

/// CR4: OSFXSR, OSXMMEXCPT, OSXSAVE.
fn enable(xsave: bool) {
    let bits = 1u64 << 9 | 1 << 10 | u64::from(xsave) << 18;
    // SAFETY: allows instructions that only this file uses.
    unsafe { asm!("mov {0}, cr4", "or {0}, {1}", "mov cr4, {0}", out(reg) _, in(reg) bits) };
    // SAFETY: as above.
    unsafe { asm!("clts") };
}

fn xcr0() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: OSXSAVE is set.
    unsafe { asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high) };
    u64::from(high) << 32 | u64::from(low)
}

fn set_xcr0(value: u32) {
    // SAFETY: OSXSAVE is set and the value is one that CPUID names.
    unsafe { asm!("xsetbv", in("ecx") 0, in("eax") value, in("edx") 0) };
}

/// Saves the AVX halves, for which XCR0 must name them; it is put back.
fn upper_halves_zero(index: usize) -> bool {
    if cpuid::subleaf(0xD, 0).eax & 4 == 0 {
        return true;
    }
    let area = AREAS[index].0.get().cast::<u8>();
    let before = xcr0() as u32;
    set_xcr0(7);
    // SAFETY: the area is this CPU's, 832 bytes suffice for x87, SSE and AVX.
    unsafe { asm!("xsave64 [{}]", in(reg) area, in("eax") 7, in("edx") 0) };
    set_xcr0(before);
    // SAFETY: written above.
    let bytes = unsafe { &*AREAS[index].0.get() };
    // A component in its initial state may not have been written: bit 2 of the header tells.
    bytes[512] & 4 == 0 || bytes[576..832].iter().all(|byte| *byte == 0)
}

/// DR6 and DR7.
fn debug_words() -> [u64; 2] {
    let (status, control);
    // SAFETY: reads debug registers.
    unsafe { asm!("mov {}, dr6", "mov {}, dr7", out(reg) status, out(reg) control) };
    [status, control]
}

fn debug_addresses() -> [u64; 4] {
    let (first, second, third, fourth);
    // SAFETY: reads debug registers.
    unsafe {
        asm!(
            "mov {}, dr0", "mov {}, dr1", "mov {}, dr2", "mov {}, dr3",
            out(reg) first, out(reg) second, out(reg) third, out(reg) fourth
        )
    };
    [first, second, third, fourth]
}

/// Fills everything with patterns, so that a leak into the next life would show.
fn fill(index: usize) {
    let area = AREAS[index].0.get();
    // SAFETY: the area is this CPU's.
    let bytes = unsafe { &mut *area };
    bytes[32..416].fill(0xA5);
    let xsave = cpuid::leaf(1).ecx & 1 << 26 != 0;
    // SAFETY: an image that FXSAVE wrote, with other register contents.
    unsafe { asm!("fxrstor64 [{}]", in(reg) area) };
    if xsave && cpuid::subleaf(0xD, 0).eax & 4 != 0 {
        set_xcr0(7);
        bytes[512..576].fill(0);
        bytes[512] = 7;
        bytes[576..832].fill(0x5A);
        // SAFETY: a well-formed area with all three components.
        unsafe { asm!("xrstor64 [{}]", in(reg) area, in("eax") 7, in("edx") 0) };
    }
    // SAFETY: breakpoint addresses without an enable bit.
    unsafe {
        asm!("mov dr0, {0}", "mov dr1, {0}", "mov dr2, {0}", "mov dr3, {0}", in(reg) 0x5A5A_5000u64)
    };
}

probes::probe!(fpu_state);

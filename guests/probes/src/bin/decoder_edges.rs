//! The instruction decoder is right where instructions are awkward.
//!
//! An intercepted instruction or a device access that crosses into a page whose frame lies elsewhere,
//! that was written a moment ago, that another CPU rewrites meanwhile, or that carries prefixes up
//! to the limit of 15 bytes: the guest must not be able to tell that
//! software read it. Addressing forms are `device_addressing`'s, other modes `code_sizes`'.
//! Manual: 24594 chapter 1; 24593 sections 15.7 to 15.9. Also called: instruction emulator, SMC.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: runs code bytes made here.

use core::sync::atomic::{AtomicU32, Ordering};
use probes::scratch_code::{self, DEVICE_PAGE, FIRST_PAGE, SECOND_PAGE};
use probes::{claim, require};
use rt::fault::{self, vector};
use rt::lapic::{self, Register};
use rt::{cpuid, smp, tsc};

/// Offset of a register that takes any byte and gives it back: the task priority.
const TPR: u64 = Register::TPR.0 as u64;
const RET: u8 = 0xC3;

fn decoder_edges() {
    scratch_code::set_up();
    scratch_code::map_device(lapic::BASE);
    crossing_intercepted();
    crossing_device_access();
    crossing_into_nothing();
    prefixes();
    self_modifying();
    rewritten_by_other_cpu();
    lapic::write(Register::TPR, 0);
}

/// Puts `code` so that `split` bytes of it stand on the first page, and a RET behind it.
fn across(code: &[u8], split: usize) -> u64 {
    scratch_code::clear();
    let at = SECOND_PAGE - split as u64;
    scratch_code::write(at, code);
    scratch_code::write(at + code.len() as u64, &[RET]);
    at
}

fn crossing_intercepted() {
    let sequences: [(&str, &[u8], usize); 6] = [
        // push rbx; xor eax, eax; cpuid; mov eax, ebx; pop rbx
        (
            "CPUID",
            &[0x53, 0x31, 0xC0, 0x0F, 0xA2, 0x89, 0xD8, 0x5B],
            4,
        ),
        // mov ecx, 0x277; rdmsr
        ("RDMSR", &[0xB9, 0x77, 0x02, 0, 0, 0x0F, 0x32], 6),
        // mov ecx, 0x277; rdmsr; wrmsr
        (
            "WRMSR",
            &[0xB9, 0x77, 0x02, 0, 0, 0x0F, 0x32, 0x0F, 0x30],
            8,
        ),
        // out 0x80, al
        ("OUT", &[0xE6, 0x80], 1),
        // xor eax, eax; in al, 0x80
        ("IN", &[0x31, 0xC0, 0xE4, 0x80], 3),
        // wbinvd
        ("WBINVD", &[0x0F, 0x09], 1),
    ];
    let vendor = u64::from(cpuid::leaf(0).ebx);
    let pat = rt::msr::read(0x277) & 0xFFFF_FFFF;
    for (name, code, split) in sequences {
        let at = across(code, split);
        // SAFETY: the sequence above, which keeps to the calling convention.
        let answer = fault::catch(|| unsafe { scratch_code::call(at, 0, 0) });
        let right = match name {
            "CPUID" => answer == Ok(vendor),
            "RDMSR" | "WRMSR" => answer.map(|value| value & 0xFFFF_FFFF) == Ok(pat),
            _ => answer.is_ok(),
        };
        claim!(right, "{name} across a page boundary acts on its own bytes");
    }
}

/// A ten-byte load, with every number of its bytes on the first page.
fn crossing_device_access() {
    // nop; mov r8d, [rdi + 4*rsi + disp32]; mov eax, r8d
    let code = [
        0x90, 0x44, 0x8B, 0x84, 0xB7, 0x80, 0, 0, 0, 0x44, 0x89, 0xC0,
    ];
    lapic::write(Register::TPR, 0x5C);
    let mut good = 0;
    for split in 1..=9 {
        let at = across(&code, split);
        // SAFETY: the sequence above.
        let value = fault::catch(|| unsafe { scratch_code::call(at, DEVICE_PAGE, 0) });
        require!(value == Ok(0x5C), "split after {split} bytes: {value:x?}");
        good += u32::from(value == Ok(0x5C));
    }
    claim!(
        good == 9,
        "a device load across a page boundary works at every split"
    );
}

fn crossing_into_nothing() {
    let at = across(&[0x0F, 0xA2], 1);
    scratch_code::second_page_present(false);
    // SAFETY: faults on the fetch of the second byte.
    let caught = fault::catch(|| unsafe { scratch_code::call(at, 0, 0) });
    scratch_code::second_page_present(true);
    let right =
        caught.is_err_and(|f| f.vector == vector::PF && f.cr2 == SECOND_PAGE && f.rip == at);
    claim!(
        right,
        "an instruction that runs into an absent page is a page fault there"
    );
}

/// CPUID behind `prefixes`, as a function that returns leaf 0's EBX.
fn prefixed(prefixes: &[u8]) -> Result<u64, fault::Fault> {
    let mut code = [0; 32];
    let mut length = 0;
    for part in [
        &[0x53, 0x31, 0xC0][..],
        prefixes,
        &[0x0F, 0xA2, 0x89, 0xD8, 0x5B, RET],
    ] {
        code[length..length + part.len()].copy_from_slice(part);
        length += part.len();
    }
    scratch_code::clear();
    scratch_code::write(FIRST_PAGE + 64, &code[..length]);
    // SAFETY: the code above, or a fault at its CPUID.
    fault::catch(|| unsafe { scratch_code::call(FIRST_PAGE + 64, 0, 0) })
}

fn prefixes() {
    let vendor = Ok(u64::from(cpuid::leaf(0).ebx));
    let ignored: [&[u8]; 7] = [
        &[0x48],
        &[0x66],
        &[0x67],
        &[0x2E],
        &[0x64, 0x66, 0x4F],
        &[0x66, 0x67, 0x2E, 0x3E, 0x65],
        // A REX that another prefix follows has no effect.
        &[0x48, 0x66],
    ];
    let good = ignored
        .into_iter()
        .filter(|prefixes| prefixed(prefixes) == vendor)
        .count();
    claim!(
        good == ignored.len(),
        "prefixes without a meaning are skipped"
    );
    claim!(
        prefixed(&[0x2E; 13]) == vendor,
        "an instruction of 15 bytes is executed"
    );
    let long = prefixed(&[0x2E; 14]);
    claim!(
        long.is_err_and(|f| f.vector == vector::GP),
        "an instruction of 16 bytes is #GP"
    );
}

/// Code that writes the next instruction, over and over: CPUID and RDMSR in turn at one place.
fn self_modifying() {
    // push rbx; mov [rip + 9], si; xor eax, eax; mov ecx, 0x277; (2 bytes); pop rbx
    let code = [
        0x53, 0x66, 0x89, 0x35, 7, 0, 0, 0, 0x31, 0xC0, 0xB9, 0x77, 0x02, 0, 0, 0x0F, 0x0B, 0x5B,
        RET,
    ];
    scratch_code::clear();
    scratch_code::write(FIRST_PAGE, &code);
    let pat = rt::msr::read(0x277) & 0xFFFF_FFFF;
    let leaf = u64::from(cpuid::leaf(0).eax);
    let mut good = 0;
    for round in 0..2000u32 {
        let (bytes, expected) = if round & 1 == 0 {
            (0xA20F, leaf)
        } else {
            (0x320F, pat)
        };
        // SAFETY: the code above, with a CPUID or an RDMSR written into it.
        let value = fault::catch(|| unsafe { scratch_code::call(FIRST_PAGE, 0, bytes) });
        good += u32::from(value.map(|value| value & 0xFFFF_FFFF) == Ok(expected));
    }
    claim!(
        good == 2000,
        "an instruction written just before it runs is the one that runs"
    );
}

static FLIPPING: AtomicU32 = AtomicU32::new(0);

/// A load and a store at one place, changed by the other CPU all the time: either may happen, nothing else.
fn rewritten_by_other_cpu() {
    // mov eax, 0x77; mov eax, [rdi] or mov [rdi], eax; ret
    scratch_code::clear();
    scratch_code::write(FIRST_PAGE, &[0xB8, 0x77, 0, 0, 0, 0x8B, 0x07, RET]);
    claim!(smp::start(flip) == 2, "the second CPU runs");
    FLIPPING.store(1, Ordering::Release);
    let (mut loads, mut stores, mut other) = (0, 0, 0);
    let end = tsc::now() + tsc::from_microseconds(500_000);
    for _ in 0..20_000 {
        lapic::write(Register::TPR, 0x22);
        // SAFETY: one of the two forms above.
        let value =
            fault::catch(|| unsafe { scratch_code::call(FIRST_PAGE, DEVICE_PAGE + TPR, 0) });
        match (value, lapic::read(Register::TPR)) {
            (Ok(0x22), 0x22) => loads += 1,
            (Ok(0x77), 0x77) => stores += 1,
            _ => other += 1,
        }
        if tsc::now() > end {
            break;
        }
    }
    FLIPPING.store(2, Ordering::Release);
    require!(
        other == 0,
        "{loads} loads, {stores} stores, {other} of neither kind"
    );
    claim!(
        other == 0 && loads + stores > 0,
        "an instruction that another CPU rewrites is one of its forms"
    );
}

fn flip(_: usize) {
    let opcode = (FIRST_PAGE + 5) as *mut u8;
    let mut form = 0x8B;
    while FLIPPING.load(Ordering::Acquire) != 2 {
        form ^= 0x8B ^ 0x89;
        // SAFETY: the opcode byte of the code page.
        unsafe { core::ptr::write_volatile(opcode, form) };
        core::hint::spin_loop();
    }
}

probes::probe!(decoder_edges);

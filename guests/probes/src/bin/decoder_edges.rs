//! The instruction decoder is right where instructions are awkward.
//!
//! An intercepted instruction or a device access that crosses into a page whose frame lies elsewhere,
//! that was written a moment ago, that another CPU rewrites meanwhile, that carries prefixes up to the
//! limit of 15 bytes, or that stands in 32-bit or 16-bit code: the guest must not be able to tell that
//! software read it.
//! Manual: 24594 chapter 1; 24593 sections 15.7 to 15.9. Also called: instruction emulator, SMC.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: runs code bytes made here, and leaves 64-bit mode for a few instructions.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, Ordering};
use probes::scratch_code::{self, DEVICE_PAGE, FIRST_PAGE, SECOND_PAGE};
use probes::{claim, device_asm, require};
use rt::descriptor::{KERNEL_CODE, KERNEL_CODE16, KERNEL_CODE32};
use rt::fault::{self, vector};
use rt::lapic::{self, Register};
use rt::{cpuid, smp, tsc};

/// Offset of a register that takes any byte and gives it back: the task priority.
const TPR: u64 = Register::TPR.0 as u64;
const RET: u8 = 0xC3;
/// A place without device or memory.
const HOLE: u64 = 0xD000_0000;

fn decoder_edges() {
    scratch_code::set_up();
    scratch_code::map_device(lapic::BASE);
    addressing();
    operands();
    crossing_intercepted();
    crossing_device_access();
    crossing_into_nothing();
    prefixes();
    self_modifying();
    other_modes();
    rewritten_by_other_cpu();
    lapic::write(Register::TPR, 0);
}

/// Runs a store form and tells whether the register holds `value` afterwards.
fn stored(name: &str, value: u32, store: impl FnOnce(u32)) -> bool {
    lapic::write(Register::TPR, 0);
    store(value);
    let found = lapic::read(Register::TPR);
    require!(found == value, "{name}: wrote {value:#x}, found {found:#x}");
    found == value
}

fn addressing() {
    let page = DEVICE_PAGE;
    let at = page + TPR;
    let mut good = [
        stored("base", 0x11, |v| device_asm!("mov [{}], {:e}", in(reg) at, in(reg) v)),
        stored("base and byte", 0x12, |v| device_asm!("mov [{} + 0x70], {:e}", in(reg) at - 0x70, in(reg) v)),
        stored("base and negative byte", 0x13, |v| device_asm!("mov [{} - 0x40], {:e}", in(reg) at + 0x40, in(reg) v)),
        stored("base and word", 0x14, |v| device_asm!("mov [{} + 0x80], {:e}", in(reg) page, in(reg) v)),
        stored("base and index", 0x15, |v| device_asm!("mov [{} + 8*{}], {:e}", in(reg) page, in(reg) TPR / 8, in(reg) v)),
        stored("base, index, byte", 0x16, |v| device_asm!("mov [{} + 4*{} + 0x40], {:e}", in(reg) page, in(reg) 0x10u64, in(reg) v)),
        stored("index alone", 0x17, |v| device_asm!("mov [2*{} + 0x80], {:e}", in(reg) page / 2, in(reg) v)),
        stored("R12", 0x18, |v| device_asm!("mov [r12], {:e}", in(reg) v, in("r12") at)),
        stored("R13", 0x19, |v| device_asm!("mov [r13], {:e}", in(reg) v, in("r13") at)),
        stored("R12 as index", 0x1A, |v| device_asm!("mov [{} + r12], {:e}", in(reg) page, in(reg) v, in("r12") TPR)),
    ]
    .into_iter()
    .filter(|good| *good)
    .count();
    good += [
        stored("RSP", 0x21, |v| {
            device_asm!("mov {s}, rsp", "mov rsp, {p}", "mov [rsp + 0x80], {v:e}", "mov rsp, {s}",
                s = out(reg) _, p = in(reg) page, v = in(reg) v)
        }),
        stored("RBP", 0x22, |v| {
            device_asm!("mov {s}, rbp", "mov rbp, {p}", "mov [rbp], {v:e}", "mov rbp, {s}",
                s = out(reg) _, p = in(reg) at, v = in(reg) v)
        }),
        stored(
            "absolute",
            0x23,
            |v| device_asm!("mov [{}], {:e}", const DEVICE_PAGE + TPR, in(reg) v),
        ),
        stored(
            "64-bit offset",
            0x24,
            |v| device_asm!(".byte 0xA3", ".quad {}", const DEVICE_PAGE + TPR, in("eax") v),
        ),
        stored(
            "address size prefix",
            0x25,
            |v| device_asm!("mov [{:e}], {:e}", in(reg) at | 0x5A << 40, in(reg) v),
        ),
        stored("FS", 0x26, |v| {
            rt::msr::write(0xC000_0100, page);
            device_asm!("mov fs:[{}], {:e}", in(reg) TPR, in(reg) v)
        }),
        stored(
            "immediate",
            0x27,
            |_| device_asm!("mov dword ptr [{}], 0x27", in(reg) at),
        ),
        stored("relative to RIP", 0x28, |v| relative_to_rip(at, v)),
    ]
    .into_iter()
    .filter(|good| *good)
    .count();
    claim!(
        good == 18,
        "every addressing form reaches the register that it names"
    );
}

fn relative_to_rip(at: u64, value: u32) {
    let displacement = at.wrapping_sub(FIRST_PAGE + 8) as i32;
    let mut code = [0x89, 0xF8, 0x89, 0x05, 0, 0, 0, 0, RET]; // mov eax, edi; mov [rip + d], eax; ret
    code[4..8].copy_from_slice(&displacement.to_le_bytes());
    scratch_code::write(FIRST_PAGE, &code);
    // SAFETY: the code above.
    unsafe { scratch_code::call(FIRST_PAGE, u64::from(value), 0) };
}

/// Where the value goes: sizes, extensions, high bytes, flags.
fn operands() {
    const ONES: u64 = 0x1111_1111_1111_1111;
    let hole = HOLE;
    let (zero, sign, high, cleared, word): (u64, u64, u64, u64, u64);
    device_asm!("movzx {:e}, byte ptr [{}]", out(reg) zero, in(reg) hole);
    device_asm!("movsx {}, byte ptr [{}]", out(reg) sign, in(reg) hole);
    device_asm!("mov ah, [{}]", in(reg) hole, inout("rax") ONES => high);
    device_asm!("mov eax, [{}]", in(reg) hole, inout("rax") ONES => cleared);
    device_asm!("mov ax, [{}]", in(reg) hole, inout("rax") ONES => word);
    claim!(zero == 0xFF, "a zero-extending load clears the rest");
    claim!(sign == u64::MAX, "a sign-extending load copies the sign");
    claim!(
        high == 0x1111_1111_1111_FF11,
        "a load into AH changes that byte alone"
    );
    claim!(
        cleared == 0xFFFF_FFFF,
        "a 32-bit load clears the upper half"
    );
    claim!(
        word == 0x1111_1111_1111_FFFF,
        "a 16-bit load keeps the upper bits"
    );
    let at = DEVICE_PAGE + TPR;
    lapic::write(Register::TPR, 0xA5);
    let before: u32;
    let zero_flag: u8;
    device_asm!("xchg {:e}, [{}]", inout(reg) 0x3Cu32 => before, in(reg) at);
    device_asm!("cmp dword ptr [{}], 0x3C", "sete {}", in(reg) at, out(reg_byte) zero_flag);
    claim!(
        before == 0xA5 && zero_flag == 1,
        "an exchange gives the old value and leaves the new one"
    );
    device_asm!("or dword ptr [{}], 0x43", in(reg) at);
    claim!(
        lapic::read(Register::TPR) == 0x7F,
        "a read-modify-write combines and stores"
    );
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
    // Silicon raises #UD before any intercept; the emulator executes the CPUID.
    let locked = prefixed(&[0xF0]);
    rt::report!(
        "info LOCK before CPUID is #UD: {}",
        locked.is_err_and(|f| f.vector == vector::UD)
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

// Leaves 64-bit mode for a segment of another size, executes exits there, and comes back.
// other_mode(selector, entry) -> sum of what was read
global_asm!(
    "other_mode:",
    "push rbx",
    "push rdi",
    "push rsi",
    "retfq",
    ".code32",
    "code32:",
    "xor eax, eax",
    "cpuid",
    "mov esi, ebx",
    "mov ebx, [0xFEE00080]",
    "add esi, ebx",
    "mov ecx, 0x277",
    "rdmsr",
    "add esi, eax",
    "out 0x80, al",
    "xor eax, eax",
    "in al, 0x80",
    "add esi, eax",
    ".byte 0xEA", // jmp far, 32-bit offset
    ".long code64_again",
    ".word {code}",
    ".code16",
    "code16:",
    "xor eax, eax",
    "cpuid",
    "mov esi, ebx",
    "mov edi, 0xFEE00080",
    "mov ebx, dword ptr [edi]",
    "add esi, ebx",
    "mov ecx, 0x277",
    "rdmsr",
    "add esi, eax",
    "out 0x80, al",
    "xor eax, eax",
    "in al, 0x80",
    "add esi, eax",
    ".byte 0x66, 0xEA",
    ".long code64_again",
    ".word {code}",
    "code16_end:",
    ".code64",
    "code64_again:",
    "mov eax, esi",
    "pop rbx",
    "ret",
    code = const KERNEL_CODE,
);

unsafe extern "C" {
    fn other_mode(selector: u64, entry: u64) -> u32;
    static code32: u8;
    static code16: u8;
    static code16_end: u8;
}

/// Where 16-bit code runs: within the first 64 KiB.
const LOW_PAGE: u64 = 0x9000;

fn other_modes() {
    lapic::write(Register::TPR, 0x21);
    let expected = cpuid::leaf(0)
        .ebx
        .wrapping_add(0x21)
        .wrapping_add(rt::msr::read(0x277) as u32)
        .wrapping_add(u32::from(rt::port::read8(0x80)));
    let length = &raw const code16_end as usize - &raw const code16 as usize;
    // SAFETY: free low memory.
    unsafe { core::ptr::copy_nonoverlapping(&raw const code16, LOW_PAGE as *mut u8, length) };
    // SAFETY: the routine above, whose segment is a 32-bit one.
    let found = unsafe { other_mode(u64::from(KERNEL_CODE32), &raw const code32 as u64) };
    claim!(found == expected, "32-bit code gives the same answers");
    // SAFETY: the routine above, whose segment is a 16-bit one.
    let found = unsafe { other_mode(u64::from(KERNEL_CODE16), LOW_PAGE) };
    claim!(found == expected, "16-bit code gives the same answers");
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

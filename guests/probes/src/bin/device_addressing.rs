//! A device access reaches its register in every addressing form and size.
//!
//! Stores go to the task priority register through a mapping of the APIC page, so that instruction-relative
//! forms reach it too; loads come from a place where nobody answers, whose ones show every extension.
//! Manual: 24594 section 1.4, ModRM and SIB. Also called: MMIO emulation, effective address.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use probes::scratch_code::{self, DEVICE_PAGE, FIRST_PAGE};
use probes::{claim, device_asm, require};
use rt::lapic::{self, Register};

/// Offset of a register that takes any byte and gives it back: the task priority.
const TPR: u64 = Register::TPR.0 as u64;
/// A place without device or memory.
const HOLE: u64 = 0xD000_0000;
const RET: u8 = 0xC3;

fn device_addressing() {
    scratch_code::set_up();
    scratch_code::map_device(lapic::BASE);
    addressing();
    operands();
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
    #[expect(unsafe_code)]
    // SAFETY: the code above. UNSAFETY: runs it.
    unsafe {
        scratch_code::call(FIRST_PAGE, u64::from(value), 0)
    };
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

probes::probe!(device_addressing);

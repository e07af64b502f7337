//! Where nobody answers, reads give ones, writes are lost, flags are right.
//!
//! Owns PLT-43: every width, read-modify-write, compare-and-exchange, bit and string instructions, and
//! the edges of pages and of memory. Also called: unmapped MMIO, master abort, bad MMIO.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use probes::{claim, device_asm, require};
use rt::mmio;

/// Places without a device: the hole's middle, where a PC has an HPET, beside the two APICs, the end.
const NOWHERE: [u64; 6] = [
    0xD000_0000,
    0xE123_4560,
    0xFED0_0000,
    0xFEC0_1000,
    0xFEE0_1000,
    0xFFFF_FFF0,
];
const HOLE: u64 = 0xD000_0000;

fn mmio_hole() {
    widths();
    page_edge();
    read_modify_write();
    exchange();
    bits();
    strings();
    end_of_memory();
}

fn widths() {
    let mut good = 0;
    for at in NOWHERE {
        mmio::write8(at, 0);
        mmio::write16(at, 0);
        mmio::write32(at, 0);
        mmio::write64(at, 0);
        let read = (
            mmio::read8(at),
            mmio::read16(at),
            mmio::read32(at),
            mmio::read64(at),
        );
        let ones = read == (u8::MAX, u16::MAX, u32::MAX, u64::MAX);
        require!(ones, "{at:#x} reads {read:x?}");
        good += u32::from(ones);
    }
    claim!(
        good == NOWHERE.len() as u32,
        "reads of 1, 2, 4 and 8 bytes give ones, writes are lost"
    );
}

fn page_edge() {
    let (word, long): (u32, u64);
    device_asm!("mov {:e}, [{}]", out(reg) word, in(reg) HOLE + 0xFFE);
    device_asm!("mov {}, [{}]", out(reg) long, in(reg) HOLE + 0xFFB);
    device_asm!("mov [{}], {}", in(reg) HOLE + 0xFFD, in(reg) 0u64);
    claim!(
        word == u32::MAX && long == u64::MAX,
        "an access across a page boundary gives ones"
    );
}

/// The five flags that arithmetic sets: CF, PF, ZF, SF, OF (AF left out: logic leaves it undefined).
const FLAGS: u64 = 1 | 1 << 2 | 1 << 6 | 1 << 7 | 1 << 11;
const CARRY: u64 = 1;
const PARITY: u64 = 1 << 2;
const ZERO: u64 = 1 << 6;
const SIGN: u64 = 1 << 7;

macro_rules! flags_of {
    ($instruction:literal) => {{
        let flags: u64;
        device_asm!(
            $instruction, "pushfq", "pop {flags}",
            in("rdi") HOLE, in("rsi") 1u64, flags = lateout(reg) flags
        );
        flags & FLAGS
    }};
}

fn read_modify_write() {
    let results = [
        (
            "add",
            flags_of!("add dword ptr [rdi], esi"),
            CARRY | PARITY | ZERO,
        ),
        ("sub", flags_of!("sub dword ptr [rdi], esi"), SIGN),
        ("and", flags_of!("and dword ptr [rdi], esi"), 0),
        ("or", flags_of!("or qword ptr [rdi], rsi"), PARITY | SIGN),
        ("xor", flags_of!("xor byte ptr [rdi], sil"), SIGN),
        ("cmp", flags_of!("cmp dword ptr [rdi], esi"), SIGN),
        ("test", flags_of!("test word ptr [rdi], si"), 0),
        ("inc", flags_of!("clc; inc dword ptr [rdi]"), PARITY | ZERO),
        ("dec", flags_of!("stc; dec dword ptr [rdi]"), CARRY | SIGN),
        ("neg", flags_of!("neg dword ptr [rdi]"), CARRY),
        (
            "adc",
            flags_of!("stc; adc dword ptr [rdi], 0"),
            CARRY | PARITY | ZERO,
        ),
        ("sbb", flags_of!("stc; sbb dword ptr [rdi], 0"), SIGN),
        (
            "lock add",
            flags_of!("lock add dword ptr [rdi], esi"),
            CARRY | PARITY | ZERO,
        ),
    ];
    let mut good = 0;
    for (name, flags, expected) in results {
        require!(
            flags == expected,
            "{name}: flags {flags:#x}, expected {expected:#x}"
        );
        good += usize::from(flags == expected);
    }
    claim!(
        good == results.len(),
        "arithmetic on it sets the flags of arithmetic on ones"
    );
    let sum: u64;
    device_asm!("add {}, [{}]", inout(reg) 2u64 => sum, in(reg) HOLE);
    claim!(sum == 1, "arithmetic into a register takes ones as operand");
}

fn exchange() {
    let (old, added): (u64, u64);
    let mut compared: u64;
    let mut equal: u8;
    device_asm!("xchg {}, [{}]", inout(reg) 5u64 => old, in(reg) HOLE);
    claim!(old == u64::MAX, "XCHG gives ones");
    device_asm!("lock xadd [{}], {:e}", in(reg) HOLE, inout(reg) 5u64 => added);
    claim!(added == 0xFFFF_FFFF, "XADD gives ones");
    device_asm!(
        "lock cmpxchg [{}], {:e}", "sete {}",
        in(reg) HOLE, in(reg) 1u64, lateout(reg_byte) equal, inout("rax") 7u64 => compared
    );
    claim!(
        equal == 0 && compared == 0xFFFF_FFFF,
        "CMPXCHG finds ones where it was told 7"
    );
    device_asm!(
        "lock cmpxchg [{}], {:e}", "sete {}",
        in(reg) HOLE, in(reg) 1u64, lateout(reg_byte) equal, inout("rax") 0xFFFF_FFFFu64 => compared
    );
    claim!(
        equal == 1 && compared == 0xFFFF_FFFF,
        "CMPXCHG finds ones where it was told ones"
    );
}

fn bits() {
    let (tested, reset, complemented): (u8, u8, u8);
    device_asm!("bt dword ptr [{}], 5", "setc {}", in(reg) HOLE, lateout(reg_byte) tested);
    device_asm!("btr dword ptr [{}], 31", "setc {}", in(reg) HOLE, lateout(reg_byte) reset);
    device_asm!("lock btc dword ptr [{}], 0", "setc {}", in(reg) HOLE, lateout(reg_byte) complemented);
    claim!([tested, reset, complemented] == [1; 3], "every bit is set");
}

fn strings() {
    let mut buffer = [0u64; 8];
    let base = (&raw mut buffer).cast::<u8>();
    let mut left: u64;
    let (from, to): (u64, *mut u8);
    device_asm!(
        "rep movsd",
        inout("rcx") 6u64 => left, inout("rsi") HOLE => from, inout("rdi") base.wrapping_add(8) => to
    );
    let filled = buffer[1..4] == [u64::MAX; 3] && buffer[0] == 0 && buffer[4] == 0;
    let moved = left == 0 && from == HOLE + 24 && to == base.wrapping_add(32);
    claim!(
        filled && moved,
        "REP MOVSD from it fills just the bytes asked for with ones"
    );
    let from: *const u8;
    let mut to: u64;
    device_asm!(
        "rep movsb",
        inout("rcx") 13u64 => left, inout("rsi") base.cast_const() => from, inout("rdi") HOLE + 0xFF8 => to
    );
    let moved = left == 0 && from == base.cast_const().wrapping_add(13) && to == HOLE + 0x1005;
    claim!(moved, "REP MOVSB to it crosses a page and counts right");
    device_asm!("std", "rep stosq", "cld", inout("rcx") 5u64 => left, inout("rdi") HOLE + 64 => to, in("rax") 0u64);
    claim!(
        left == 0 && to == HOLE + 24,
        "REP STOSQ runs downwards with the direction flag"
    );
    let loaded: u64;
    device_asm!("lodsw", inout("rsi") HOLE => _, inout("rax") 0x1111_1111_1111_1111u64 => loaded);
    claim!(
        loaded == 0x1111_1111_1111_FFFF,
        "LODSW loads ones into AX alone"
    );
    device_asm!("rep stosd", inout("rcx") 0u64 => left, inout("rdi") HOLE => to, in("rax") 0u64);
    claim!(left == 0 && to == HOLE, "a count of zero moves nothing");
}

/// The first bytes behind the partition's memory.
fn end_of_memory() {
    let upper = rt::multiboot::information().map_or(0, |i| i.mem_upper);
    let end = (u64::from(upper) + 1024) << 10;
    let (behind, last): (u64, u64);
    device_asm!("mov {}, [{}]", out(reg) behind, in(reg) end);
    device_asm!("mov {}, [{}]", out(reg) last, in(reg) end - 8);
    claim!(
        behind == u64::MAX,
        "the first bytes behind the memory read as ones"
    );
    claim!(last != u64::MAX, "the last bytes of the memory do not");
}

probes::probe!(mmio_hole, bulkhead);

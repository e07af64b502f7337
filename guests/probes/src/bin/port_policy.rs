//! Every class of port answers by the table.
//!
//! The UART, the sleep and reset registers, or nobody.
//! Owns the claims of PLT-42: unclaimed ports read as ones in every width and swallow writes, also
//! with string instructions, and a string access moves just the bytes it should.
//! Manual: 24592 section 3.8. Also called: PIO, INS, OUTS.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use core::arch::asm;
use probes::{claim, require};
use rt::{fault, port, uart};

/// Ports of what this machine has not: PICs, PIT, keyboard, CMOS, PCI, other UARTs, VGA, delays, ends.
const NOBODY: [u16; 34] = [
    0x00, 0x20, 0x21, 0xA0, 0xA1, 0x40, 0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x92, 0xED,
    0x2F8, 0x2FF, 0x3E8, 0x2E8, 0x3B0, 0x3C0, 0x3DF, 0x3F0, 0x3F7, 0x400, 0x4D0, 0x4D1, 0xCF8,
    0xCFC, 0xCFE, 0x1000, 0xB000, 0xFFFE, 0xFFFF,
];

fn port_policy() {
    nobody();
    wide_at_the_end();
    uart_registers();
    platform_registers();
    strings();
    unprivileged();
}

fn nobody() {
    let mut silent = 0;
    for at in NOBODY {
        port::write8(at, 0x00);
        let byte = port::read8(at);
        require!(byte == 0xFF, "port {at:#x} reads {byte:#x}");
        silent += u32::from(byte == 0xFF);
    }
    claim!(
        silent == NOBODY.len() as u32,
        "unclaimed ports read as ones and swallow writes"
    );
    // PCI's first probe: the address register must not remember what was written to it.
    port::write32(0xCF8, 0x8000_0000);
    claim!(
        port::read32(0xCF8) == u32::MAX,
        "there is no PCI configuration mechanism"
    );
    port::write16(0x80, 0x1234);
    claim!(
        port::read16(0x20) == 0xFFFF,
        "two bytes at once read as ones"
    );
}

/// The last port with a width that reaches beyond it.
fn wide_at_the_end() {
    let read = fault::catch(|| (port::read16(0xFFFF), port::read32(0xFFFD)));
    claim!(
        read == Ok((0xFFFF, u32::MAX)),
        "accesses across the end of the port space read as ones"
    );
}

fn uart_registers() {
    for value in [0x00, 0x5A, 0xA5, 0xFF] {
        uart::write(uart::register::SCRATCH, value);
        require!(
            uart::read(uart::register::SCRATCH) == value,
            "scratch loses {value:#x}"
        );
    }
    claim!(
        uart::read(uart::register::SCRATCH) == 0xFF,
        "the UART's scratch register holds its byte"
    );
    claim!(
        uart::read(uart::register::IIR) & 0xC0 == 0xC0,
        "the UART shows that its FIFOs are on"
    );
    let wide = port::read16(uart::BASE + uart::register::SCRATCH);
    claim!(
        wide & 0xFF == 0xFF,
        "a wide read has the register in its low byte"
    );
}

fn platform_registers() {
    // Neither sleep enable nor reset bit: nothing may happen.
    port::write8(rt::power::SLEEP_CONTROL, 5 << 2);
    port::write8(rt::power::RESET_CONTROL, 2);
    claim!(
        true,
        "sleep control and reset do nothing without their enable bits"
    );
}

#[expect(unsafe_code)]
fn strings() {
    let mut bytes = [0u8; 16];
    let (left, end): (u64, *mut u8);
    let start: *mut u8 = (&raw mut bytes).cast::<u8>().wrapping_add(4);
    // SAFETY: eight bytes from offset 4 of a local array of 16. UNSAFETY: INS and OUTS.
    unsafe {
        asm!("rep insb", inout("rcx") 8u64 => left, inout("rdi") start => end, in("dx") 0x80u16)
    };
    let right = bytes[4..12] == [0xFF; 8] && bytes[..4] == [0; 4] && bytes[12..] == [0; 4];
    claim!(
        right && left == 0 && end == start.wrapping_add(8),
        "REP INSB fills just what was asked for"
    );
    // SAFETY: as above, with the direction flag, which is cleared again.
    unsafe {
        asm!("std", "rep insw", "cld", inout("rcx") 2u64 => _, inout("rdi") start => _, in("dx") 0x80u16)
    };
    claim!(
        bytes[2..6] == [0xFF; 4] && bytes[..2] == [0; 2],
        "REP INSW runs downwards with the direction flag"
    );
    let text = *b"string\r\n";
    let (left, end): (u64, *const u8);
    // SAFETY: reads eight bytes of a local array.
    unsafe {
        asm!("rep outsb", inout("rcx") 8u64 => left, inout("rsi") text.as_ptr() => end, in("dx") uart::BASE)
    };
    uart::drain();
    claim!(
        left == 0 && end == text.as_ptr().wrapping_add(8),
        "REP OUTSB sends just what was asked for"
    );
    let untouched: u64;
    // SAFETY: no byte is transferred.
    unsafe {
        asm!("rep insb", inout("rcx") 0u64 => untouched, inout("rdi") start => _, in("dx") 0x80u16)
    };
    claim!(
        untouched == 0 && bytes[12] == 0,
        "a count of zero transfers nothing"
    );
}

/// At CPL 3 with IOPL 0 and no I/O map, a port access is #GP before any port is asked.
fn unprivileged() {
    let ended = probes::user_mode::run(
        probes::user_mode::Code::PortWrite,
        u32::from(rt::power::RESET_CONTROL),
    );
    claim!(
        ended.vector == fault::vector::GP,
        "user code may not touch a port"
    );
}

probes::probe!(port_policy, bulkhead);

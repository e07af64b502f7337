//! ROMs of a few dozen bytes: reset vector, a greeting on COM1, one way to end.
//!
//! Owns: their machine code, 16-bit real mode, made by hand.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::path::{Path, PathBuf};

/// What the ROM says on COM1.
pub const GREETING: &[u8] = b"hello from the reset vector\r\n";

/// Waits for a byte on COM1 and sends it back.
pub const ECHO: &[u8] = &[
    0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, 0xba, 0xf8, 0x03, 0xec, 0xee,
];
/// Halts for ever.
pub const HANG: &[u8] = &[0xfa, 0xf4, 0xeb, 0xfc];
/// An empty interrupt table and a breakpoint: fault, double fault, shutdown.
pub const TRIPLE_FAULT: &[u8] = &[0x2e, 0x0f, 0x01, 0x1e, 0xf0, 0x0f, 0xcc];

/// Writes `value` to the exit device.
pub fn end_with(value: u8) -> Vec<u8> {
    [&[0xba, 0xf4, 0x00, 0xb0, value, 0xee][..], HANG].concat()
}

/// Makes a ROM that greets and then does `end`.
pub fn rom(folder: &Path, end: &[u8]) -> PathBuf {
    // mov dx, 3f8h; mov si, 1000h; l: cs lodsb; test al, al; jz +3; out dx, al; jmp l
    let print = [
        0xba, 0xf8, 0x03, 0xbe, 0x00, 0x10, 0x2e, 0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf7,
    ];
    let mut rom = vec![0u8; 0x10000];
    rom[..print.len()].copy_from_slice(&print);
    rom[print.len()..print.len() + end.len()].copy_from_slice(end);
    rom[0x1000..0x1000 + GREETING.len()].copy_from_slice(GREETING);
    rom[0xfff0..0xfff3].copy_from_slice(&[0xe9, 0x0d, 0x00]);
    let path = folder.join("test.rom");
    std::fs::write(&path, rom).expect("ROM");
    path
}

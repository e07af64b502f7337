//! The first program of the measured Linux guest: it reads the TSC and restarts.
//!
//! Owns: an ELF of some 250 bytes and the initramfs around it. RDTSC is its very first
//! instruction, so what it prints is the moment at which the kernel was done. Machine code
//! by hand, because the cross toolchain of a Linux program would be one more
//! thing to install for twenty-five instructions.
//! Under a process number other than 1 it only prints and leaves, so that it can be
//! tried on any Linux.

use crate::initramfs::newc::Archive;

/// What it prints, before the number.
pub const SAYS: &str = "bulkhead: first program at TSC ";
/// Decimal digits of a 64-bit number; those not needed stay zero.
const DIGITS: usize = 20;

/// Where it is linked, headers included.
const BASE: u64 = 0x40_0000;
const ELF_HEADER: u64 = 64;
const PROGRAM_HEADER: u64 = 56;

/// An initramfs, not compressed, of this program alone.
pub fn initramfs() -> Vec<u8> {
    let mut archive = Archive::default();
    archive.directory("dev");
    archive.character_device("dev/console", 5, 1);
    archive.file("init", 0o755, &elf());
    archive.finish()
}

/// The number in what it printed, when the whole line is there.
pub fn tsc(output: &str) -> Option<u64> {
    let (_, rest) = output.split_once(SAYS)?;
    rest.get(..DIGITS)?.parse().ok()
}

/// The program as a static ELF.
pub fn elf() -> Vec<u8> {
    let headers = ELF_HEADER + PROGRAM_HEADER;
    let mut body = code();
    body.extend(text());
    let length = headers + body.len() as u64;

    let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // An executable for x86-64, version 1.
    halves(&mut out, &[2, 62, 1, 0]);
    // Entry, program headers, no section headers.
    longs(&mut out, &[BASE + headers, ELF_HEADER, 0]);
    // Flags (32 bits), sizes of the headers, one program header.
    let sizes = [0, 0, ELF_HEADER as u16, PROGRAM_HEADER as u16, 1, 0, 0, 0];
    halves(&mut out, &sizes);
    // A loaded segment, readable, writable, executable: it writes its own text.
    halves(&mut out, &[1, 0, 7, 0]);
    longs(&mut out, &[0, BASE, BASE, length, length, 0x1000]);
    out.extend(body);
    out
}

fn halves(out: &mut Vec<u8>, values: &[u16]) {
    values
        .iter()
        .for_each(|value| out.extend(value.to_le_bytes()));
}

fn longs(out: &mut Vec<u8>, values: &[u64]) {
    values
        .iter()
        .for_each(|value| out.extend(value.to_le_bytes()));
}

fn text() -> Vec<u8> {
    format!("{SAYS}{:0DIGITS$}\n", 0).into_bytes()
}

/// What the two address loads are relative to: offsets of the instructions behind them.
const AFTER_FIRST_LEA: usize = 16;
const AFTER_SECOND_LEA: usize = 56;

fn code() -> Vec<u8> {
    let written = text().len();
    let fixed = CODE.iter().map(|line| line.len()).sum::<usize>();
    let mut out = CODE.concat();
    let digits_end = fixed + written - 1;
    let mut patch = |at: usize, value: usize| {
        if let Some(place) = out.get_mut(at..at + 4) {
            place.copy_from_slice(&(value as u32).to_le_bytes());
        }
    };
    patch(AFTER_FIRST_LEA - 4, digits_end - AFTER_FIRST_LEA);
    patch(AFTER_SECOND_LEA - 4, fixed - AFTER_SECOND_LEA);
    patch(AFTER_SECOND_LEA + 1, written);
    out
}

/// One instruction a line.
const CODE: &[&[u8]] = &[
    b"\x0f\x31",             // rdtsc
    b"\x48\xc1\xe2\x20",     // shl rdx, 32
    b"\x48\x09\xd0",         // or rax, rdx
    b"\x48\x8d\x35\0\0\0\0", // lea rsi, [behind the last digit]
    b"\xb9\x0a\0\0\0",       // mov ecx, 10
    b"\x31\xd2",             // digit: xor edx, edx
    b"\x48\xf7\xf1",         // div rcx
    b"\x80\xc2\x30",         // add dl, '0'
    b"\x48\xff\xce",         // dec rsi
    b"\x88\x16",             // mov [rsi], dl
    b"\x48\x85\xc0",         // test rax, rax
    b"\x75\xee",             // jnz digit
    b"\xb8\x01\0\0\0",       // mov eax, 1 (write)
    b"\xbf\x01\0\0\0",       // mov edi, 1
    b"\x48\x8d\x35\0\0\0\0", // lea rsi, [text]
    b"\xba\0\0\0\0",         // mov edx, length
    b"\x0f\x05",             // syscall
    b"\xb8\x10\0\0\0",       // mov eax, 16 (ioctl)
    b"\xbf\x01\0\0\0",       // mov edi, 1
    b"\xbe\x09\x54\0\0",     // mov esi, TCSBRK
    b"\xba\x01\0\0\0",       // mov edx, 1: wait until all is sent
    b"\x0f\x05",             // syscall
    b"\xb8\x27\0\0\0",       // mov eax, 39 (getpid)
    b"\x0f\x05",             // syscall
    b"\x83\xf8\x01",         // cmp eax, 1
    b"\x75\x16",             // jne leave
    b"\xb8\xa9\0\0\0",       // mov eax, 169 (reboot)
    b"\xbf\xad\xde\xe1\xfe", // mov edi, LINUX_REBOOT_MAGIC1
    b"\xbe\x69\x19\x12\x28", // mov esi, LINUX_REBOOT_MAGIC2
    b"\xba\x67\x45\x23\x01", // mov edx, LINUX_REBOOT_CMD_RESTART
    b"\x0f\x05",             // syscall
    b"\x31\xff",             // leave: xor edi, edi
    b"\xb8\x3c\0\0\0",       // mov eax, 60 (exit)
    b"\x0f\x05",             // syscall
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    fn printed(program: &std::path::Path) -> u64 {
        let output = Command::new(program).output().expect("it starts");
        assert!(output.status.success());
        tsc(&String::from_utf8_lossy(&output.stdout)).expect("one line with a number")
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_program_prints_a_counter_that_runs_and_leaves() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("first");
        std::fs::write(&program, elf()).expect("written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, mode).expect("executable");
        let (first, second) = (printed(&program), printed(&program));
        assert!(second > first, "{first} {second}");
    }

    #[test]
    fn half_a_line_is_no_number() {
        let line = format!("noise\r\n{SAYS}00000000001576800001\r\n");
        assert_eq!(tsc(&line), Some(1_576_800_001));
        assert_eq!(tsc(&line[..line.len() - 3]), None);
    }
}

//! The QEMU command line of board `qemu_q35`.
//!
//! Owns: every flag of it. The machine gets nothing by default, the flash image as
//! its only firmware, two 16550s, and the port by which firmware ends the emulator.

use std::path::PathBuf;
use std::process::Command;

/// Program of Debian package `qemu-system-x86`.
pub const PROGRAM: &str = "qemu-system-x86_64";
/// The package.
pub const PACKAGE: &str = "qemu-system-x86";

/// What the machine should be.
#[derive(Clone, Debug)]
pub struct MachineSpec {
    /// Flash image.
    pub rom: PathBuf,
    /// Hardware threads.
    pub cpus: u32,
    /// Threads of one core.
    pub threads_per_core: u32,
    /// RAM in bytes.
    pub memory: u64,
    /// One emulated tick an instruction, so that runs repeat.
    pub icount: bool,
    /// Further arguments, last on the line.
    pub more: Vec<String>,
}

/// Adds the machine to `command`; the serial lines are the open files `console` and `log`.
pub fn arguments(command: &mut Command, spec: &MachineSpec, console: i32, log: i32) {
    let threads = spec.threads_per_core.max(1);
    command
        .args(["-M", "q35", "-cpu", "EPYC,+svm,+npt", "-accel", "tcg"])
        .args(["-smp", &format!("{},threads={threads}", spec.cpus)])
        .args(["-m", &format!("{}K", spec.memory >> 10)])
        .args(["-nodefaults", "-display", "none", "-no-reboot"])
        .arg("-bios")
        .arg(&spec.rom)
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
        .args([
            "-chardev",
            &format!("socket,id=console,fd={console}"),
            "-serial",
            "chardev:console",
        ])
        .args([
            "-chardev",
            &format!("socket,id=log,fd={log}"),
            "-serial",
            "chardev:log",
        ]);
    if spec.icount {
        // Same seed and same clock: a run repeats bit for bit.
        command.args([
            "-icount",
            "shift=0,sleep=off",
            "-seed",
            "1",
            "-rtc",
            "clock=vm,base=2026-01-01",
        ]);
    }
    command.args(&spec.more);
}

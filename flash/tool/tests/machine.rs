//! The machine's end, judged from outside, with ROMs of a few dozen bytes.
//!
//! They need QEMU, hence the suite runs them, not plain `cargo test`.

mod tiny_rom;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tiny_rom::{ECHO, GREETING, HANG, TRIPLE_FAULT, end_with, rom};

fn command(rom: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bulkhead"));
    command
        .args([
            "run",
            "--cpus",
            "1",
            "--memory",
            "64M",
            "--timeout",
            "60",
            "--rom",
        ])
        .arg(rom)
        .args(more);
    command
}

fn run(end: &[u8], more: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("folder");
    let mut command = command(&rom(folder.path(), end), more);
    command
        .stdin(Stdio::null())
        .output()
        .expect("the command starts")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

#[test]
#[ignore = "needs QEMU: run by the suite"]
fn the_ordered_power_off_is_good_and_everything_was_printed() {
    let output = run(&end_with(0x10), &[]);
    assert_eq!(
        code(&output),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.stdout, GREETING);
}

#[test]
#[ignore = "needs QEMU: run by the suite"]
fn a_triple_fault_is_a_failure_although_qemu_says_zero() {
    let output = run(TRIPLE_FAULT, &[]);
    assert_eq!(code(&output), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("triple fault"));
    assert_eq!(
        code(&run(&end_with(0x11), &[])),
        Some(1),
        "another exit code"
    );
}

#[test]
#[ignore = "needs QEMU: run by the suite"]
fn a_hang_ends_with_the_time_out() {
    assert_eq!(
        code(&run(HANG, &["--timeout", "1"])),
        Some(2),
        "given twice"
    );
    let folder = tempfile::tempdir().expect("folder");
    let rom = rom(folder.path(), HANG);
    let output = Command::new(env!("CARGO_BIN_EXE_bulkhead"))
        .args(["run", "--timeout", "1", "--rom"])
        .arg(rom)
        .output()
        .expect("starts");
    assert_eq!(code(&output), Some(124));
}

#[test]
#[ignore = "needs QEMU: run by the suite"]
fn a_machine_that_qemu_refuses_is_the_tools_failure() {
    let output = run(HANG, &["--qemu-arg=-device", "--qemu-arg=no-such-device"]);
    assert_eq!(code(&output), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-device"));
}

/// A headless machine whose console greets.
struct Headless {
    child: Child,
    console: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

fn headless(end: &[u8]) -> Headless {
    let folder = tempfile::tempdir().expect("folder");
    let (console, log) = (folder.path().join("con"), folder.path().join("log"));
    let rom = rom(folder.path(), end);
    let sockets = [
        "--headless",
        "--console",
        console.to_str().expect("UTF-8"),
        "--log",
        log.to_str().expect("UTF-8"),
    ];
    let child = command(&rom, &sockets)
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    Headless {
        child,
        console,
        _folder: folder,
    }
}

fn connect(path: &Path) -> UnixStream {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => {
                stream
                    .set_read_timeout(Some(Duration::from_secs(30)))
                    .expect("time-out");
                return stream;
            }
            Err(error) => assert!(Instant::now() < deadline, "nobody listens: {error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn greeting(client: &mut UnixStream) {
    let mut said = vec![0; GREETING.len()];
    client.read_exact(&mut said).expect("the greeting");
    assert_eq!(said, GREETING);
}

#[test]
#[ignore = "needs QEMU: run by the suite"]
fn headless_clients_in_turn_hear_all_and_can_answer() {
    let mut machine = headless(&[ECHO, &end_with(0x10)].concat());
    greeting(&mut connect(&machine.console));
    let mut second = connect(&machine.console);
    greeting(&mut second);
    second.write_all(b"k").expect("writes");
    let mut rest = Vec::new();
    second.read_to_end(&mut rest).expect("the end");
    assert_eq!(rest, b"k");
    assert_eq!(machine.child.wait().expect("ends").code(), Some(0));
    assert!(!machine.console.exists(), "the socket is cleared away");
}

/// The QEMU that `parent` started.
fn qemu_of(parent: u32) -> Option<String> {
    let children =
        std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next().map(str::to_owned)
}

fn gone(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

#[test]
#[ignore = "needs QEMU: run by the suite"]
fn qemu_dies_with_the_command_however_that_ends() {
    for (signal, expected) in [("TERM", Some(130)), ("INT", Some(130)), ("KILL", None)] {
        let mut machine = headless(HANG);
        greeting(&mut connect(&machine.console));
        let qemu = qemu_of(machine.child.id()).expect("a child");
        let killed = Command::new("kill")
            .args([&format!("-{signal}"), &machine.child.id().to_string()])
            .status();
        assert!(killed.expect("kill").success());
        assert_eq!(
            machine.child.wait().expect("ends").code(),
            expected,
            "{signal}"
        );
        let deadline = Instant::now() + Duration::from_secs(20);
        while !gone(&qemu) {
            assert!(Instant::now() < deadline, "QEMU outlived {signal}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

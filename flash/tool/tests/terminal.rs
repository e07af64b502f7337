//! The user's side of a run: raw mode, escape key, the terminal afterwards.
//!
//! Owns: a pseudo-terminal that plays the user. Needs QEMU, hence the suite runs it.

mod tiny_rom;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tiny_rom::{ECHO, GREETING, HANG, end_with, rom};

struct User {
    keyboard: File,
    screen: std::sync::mpsc::Receiver<Vec<u8>>,
    seen: Vec<u8>,
    terminal: File,
    child: Child,
    _folder: tempfile::TempDir,
}

fn user(end: &[u8]) -> User {
    let folder = tempfile::tempdir().expect("folder");
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("pseudo-terminal");
    grantpt(&ours).expect("grant");
    unlockpt(&ours).expect("unlock");
    let name = ptsname(&ours, Vec::new())
        .expect("name")
        .into_string()
        .expect("UTF-8");
    let terminal = File::options()
        .read(true)
        .write(true)
        .open(name)
        .expect("terminal");
    let child = Command::new(env!("CARGO_BIN_EXE_bulkhead"))
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
        .arg(rom(folder.path(), end))
        .stdin(terminal.try_clone().expect("clone"))
        .stdout(terminal.try_clone().expect("clone"))
        .stderr(terminal.try_clone().expect("clone"))
        .spawn()
        .expect("starts");
    let keyboard = File::from(ours);
    let (send, screen) = std::sync::mpsc::channel();
    let mut from = keyboard.try_clone().expect("clone");
    std::thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if send.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    User {
        keyboard,
        screen,
        seen: Vec::new(),
        terminal,
        child,
        _folder: folder,
    }
}

impl User {
    /// Waits until the screen shows `text` behind what was waited for before.
    fn sees(&mut self, text: &[u8]) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(at) = self
                .seen
                .windows(text.len())
                .position(|window| window == text)
            {
                self.seen.drain(..at + text.len());
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(more) => self.seen.extend(more),
                Err(_) => panic!(
                    "not seen; the screen has {:?}",
                    String::from_utf8_lossy(&self.seen)
                ),
            }
        }
    }

    fn types(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).expect("types");
    }

    fn is_raw(&self) -> bool {
        let modes = tcgetattr(&self.terminal).expect("settings").local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().expect("ends").code()
    }
}

#[test]
#[ignore = "needs QEMU: run by the suite"]
fn ctrl_a_x_leaves_and_the_terminal_is_as_before() {
    let mut user = user(HANG);
    assert!(!user.is_raw());
    user.sees(GREETING);
    assert!(user.is_raw());
    user.types(b"\x01?");
    user.sees(b"Ctrl-A x");
    user.types(b"\x01x");
    user.sees(b"Stopped");
    assert_eq!(user.exit_code(), Some(0));
    assert!(!user.is_raw());
}

#[test]
#[ignore = "needs QEMU: run by the suite"]
fn ctrl_c_reaches_the_machine_and_ends_nothing() {
    let mut user = user(&[ECHO, ECHO, &end_with(0x10)].concat());
    user.sees(GREETING);
    user.types(b"\x03");
    user.sees(b"\x03");
    user.types(b"\x01\x01");
    user.sees(b"\x01");
    user.sees(b"powered off in order");
    assert_eq!(user.exit_code(), Some(0));
}

#[test]
#[ignore = "needs QEMU: run by the suite"]
fn a_kill_by_signal_still_restores_the_terminal() {
    let mut user = user(HANG);
    user.sees(GREETING);
    let id = user.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .expect("kill")
            .success()
    );
    assert_eq!(user.exit_code(), Some(130));
    assert!(!user.is_raw());
}

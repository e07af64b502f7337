//! Starting QEMU so that it cannot outlive the command.
//!
//! Owns: the child and its two serial lines. The lines are socket pairs, so nothing
//! appears in the file system and the first byte is not lost. `setpriv` (of
//! util-linux, essential on Debian) makes the kernel kill QEMU when we die, even by
//! SIGKILL; on a machine without it, only orderly ends are covered.

use super::qemu::{self, MachineSpec};
use crate::failure::Failure;
use crate::program;
use anyhow::Context;
use rustix::io::{FdFlags, fcntl_setfd};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

/// Most that is kept of what QEMU prints.
const KEPT: u64 = 64 << 10;

/// A running QEMU.
#[derive(Debug)]
pub struct Qemu {
    child: Child,
    said: Option<JoinHandle<Vec<u8>>>,
}

/// The machine's ends of the serial lines.
#[derive(Debug)]
pub struct SerialLines {
    /// COM1, for people.
    pub console: UnixStream,
    /// COM2, for log frames.
    pub log: UnixStream,
}

impl Qemu {
    /// Starts the machine. To be called on a thread that lives as long as the machine should.
    pub fn start(spec: &MachineSpec) -> Result<(Self, SerialLines), Failure> {
        let program = program::require(qemu::PROGRAM, qemu::PACKAGE)?;
        let mut command = match program::find("setpriv") {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        let (console, theirs) = line()?;
        let (log, their_log) = line()?;
        qemu::arguments(
            &mut command,
            spec,
            theirs.as_raw_fd(),
            their_log.as_raw_fd(),
        );
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start QEMU")?;
        let said = child.stderr.take().map(|pipe| {
            std::thread::spawn(move || {
                let mut kept = Vec::new();
                // Reading on past the limit keeps QEMU from blocking on a full pipe.
                let mut pipe = pipe;
                let _ = (&mut pipe).take(KEPT).read_to_end(&mut kept);
                let _ = std::io::copy(&mut pipe, &mut std::io::sink());
                kept
            })
        });
        Ok((Self { child, said }, SerialLines { console, log }))
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it now and reaps it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What it printed on its own account. Only after it ended.
    pub fn said(&mut self) -> String {
        let kept = self
            .said
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        String::from_utf8_lossy(&kept).trim().to_owned()
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A pair whose second end a child inherits under the same number.
fn line() -> anyhow::Result<(UnixStream, UnixStream)> {
    let (ours, theirs) = UnixStream::pair().context("making a serial line")?;
    fcntl_setfd(&theirs, FdFlags::empty()).context("handing over a serial line")?;
    Ok((ours, theirs))
}

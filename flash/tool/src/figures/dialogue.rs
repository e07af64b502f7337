//! A machine driven through its console: wait for a text, type a line.
//!
//! Owns: the running machine, everything that its console said, and the patience with
//! it. The emulator is slow and may share its host, hence minutes, not seconds.

use crate::console::hub::Hub;
use crate::failure::Failure;
use crate::machine::process::Qemu;
use crate::machine::qemu::MachineSpec;
use anyhow::Context;
use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Longest wait for one text.
const PATIENCE: Duration = Duration::from_secs(600);
/// Leaves the guest's console for the shell.
const LEAVE: &[u8] = b"\x1d";
const PROMPT: &str = "bulkhead> ";

/// A machine and what it said.
#[derive(Debug)]
pub struct Dialogue {
    // Dropped first, which ends the lines.
    _machine: Qemu,
    console: Hub,
    arriving: Receiver<Vec<u8>>,
    said: String,
}

impl Dialogue {
    /// Starts the machine. To be called on a thread that lives as long as the machine should.
    pub fn start(spec: &MachineSpec) -> Result<Self, Failure> {
        let (console, log) = (Hub::new(), Hub::new());
        let (machine, lines) = Qemu::start(spec)?;
        let (sender, arriving) = channel();
        console.copy_to(Pieces(sender));
        console.connect(lines.console).context("console line")?;
        // Read and forgotten: a full line would hold the machine up.
        log.connect(lines.log).context("log line")?;
        Ok(Self {
            _machine: machine,
            console,
            arriving,
            said: String::new(),
        })
    }

    /// Waits until `text` was said behind `from`; everything said behind `from`.
    ///
    /// # Errors
    /// The machine ended, or patience did, with the last lines of the console.
    pub fn wait_for(&mut self, text: &str, from: usize) -> Result<&str, Failure> {
        let deadline = Instant::now() + PATIENCE;
        while !self.since(from).contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.arriving.recv_timeout(left) {
                Ok(bytes) => self.said.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => return Err(self.silent(text, "time ran out")),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.silent(text, "the machine ended"));
                }
            }
        }
        Ok(self.since(from))
    }

    /// Waits until the shell of a machine that attaches no guest is there.
    pub fn wait_for_shell(&mut self) -> Result<(), Failure> {
        self.wait_for(PROMPT, 0).map(|_| ())
    }

    /// Leaves the console of a guest, which must be there, for the shell.
    pub fn enter_shell(&mut self) -> Result<(), Failure> {
        let from = self.said.len();
        self.console.send(LEAVE);
        self.wait_for(PROMPT, from).map(|_| ())
    }

    /// Types a line into the shell; the answer as soon as it contains `last`.
    pub fn ask(&mut self, line: &str, last: &str) -> Result<String, Failure> {
        let from = self.said.len();
        self.console.send(line.as_bytes());
        self.console.send(b"\r");
        self.wait_for(last, from)?;
        let until = from + self.since(from).find(last).unwrap_or(0);
        // The rest of that line, and the prompt behind it.
        self.wait_for(PROMPT, until).map(|_| ())?;
        Ok(self.since(from).to_owned())
    }

    fn since(&self, from: usize) -> &str {
        self.said.get(from..).unwrap_or("")
    }

    fn silent(&self, text: &str, why: &str) -> Failure {
        let tail: Vec<_> = self.said.lines().rev().take(8).collect();
        let tail: Vec<_> = tail.into_iter().rev().collect();
        Failure::machine(format!(
            "{why} before the console said `{text}`; its last lines:\n{}",
            tail.join("\n")
        ))
    }
}

/// What a hub writes, as messages.
struct Pieces(Sender<Vec<u8>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let gone = |_| std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        self.0.send(bytes.to_vec()).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

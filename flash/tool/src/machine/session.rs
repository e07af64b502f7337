//! One run of the machine, from power-on to verdict.
//!
//! Owns: waiting for whatever ends it: QEMU itself, a signal, the time-out or the quit
//! key, and leaving nothing behind: QEMU killed, terminal restored, sockets gone,
//! what the machine said last delivered.

use super::outcome;
use super::process::Qemu;
use super::qemu::MachineSpec;
use crate::console::hub::Hub;
use crate::console::server::Server;
use crate::console::terminal::{Terminal, TerminalEvent};
use crate::failure::Failure;
use crate::progress;
use anyhow::Context;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Longest wait for slow readers after the machine ended.
const DELIVERY: Duration = Duration::from_secs(2);

/// How the serial lines are shown.
#[derive(Clone, Debug, Default)]
pub struct Wiring {
    /// No terminal: consoles through sockets only.
    pub headless: bool,
    /// Unix socket for COM1.
    pub console: Option<PathBuf>,
    /// Unix socket for COM2.
    pub log: Option<PathBuf>,
    /// File that receives the raw bytes of COM2.
    pub record: Option<PathBuf>,
    /// Seconds until the run counts as failed.
    pub timeout: Option<u64>,
}

enum Event {
    Signal(i32),
    Quit,
}

/// Runs the machine to its end. Must be called on the main thread.
pub fn run(spec: &MachineSpec, wiring: &Wiring) -> Result<(), Failure> {
    let (events, arrived) = channel();
    // Before anything that would have to be undone, so that no signal finds us without a handler.
    forward_signals(events.clone())?;
    let (console, log) = (Hub::new(), Hub::new());
    let mut servers = Vec::new();
    for (path, hub) in [(&wiring.console, &console), (&wiring.log, &log)] {
        if let Some(path) = path {
            servers.push(Server::listen(path, hub)?);
        }
    }
    if let Some(path) = &wiring.record {
        log.record(path)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let (mut qemu, lines) = Qemu::start(spec)?;
    console.connect(lines.console).context("console line")?;
    log.connect(lines.log).context("log line")?;
    let terminal = match wiring.headless {
        true => None,
        false => Some(attach_terminal(&console, events)?),
    };
    let verdict = wait(&mut qemu, &arrived, wiring.timeout);
    qemu.kill();
    let deadline = Instant::now() + DELIVERY;
    console.finish(deadline);
    log.finish(deadline);
    drop(terminal);
    drop(servers);
    report(verdict)
}

fn forward_signals(events: Sender<Event>) -> Result<(), Failure> {
    let mut signals =
        Signals::new([SIGCHLD, SIGINT, SIGTERM, SIGHUP]).context("signal handlers")?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if events.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn attach_terminal(console: &Hub, events: Sender<Event>) -> Result<Terminal, Failure> {
    let notify = move |event| match event {
        TerminalEvent::Quit => events.send(Event::Quit).is_ok(),
    };
    Terminal::attach(console, notify)
}

enum Verdict {
    Ended(Result<(), Failure>),
    Quit,
}

fn wait(qemu: &mut Qemu, arrived: &Receiver<Event>, timeout: Option<u64>) -> Verdict {
    let deadline = timeout.map(|seconds| (seconds, Instant::now() + Duration::from_secs(seconds)));
    loop {
        if let Some(status) = qemu.ended() {
            return Verdict::Ended(outcome::judge(status, &qemu.said()));
        }
        let event = match deadline {
            None => arrived.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some((_, at)) => arrived.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        match (event, deadline) {
            (Ok(Event::Signal(SIGCHLD)), _) => {}
            (Ok(Event::Signal(_)), _) => return Verdict::Ended(Err(Failure::Interrupted)),
            (Ok(Event::Quit), _) => return Verdict::Quit,
            (Err(RecvTimeoutError::Timeout), Some((seconds, _))) => {
                return Verdict::Ended(Err(Failure::TimedOut(seconds)));
            }
            (Err(_), _) => return Verdict::Ended(Err(Failure::tool("the signal thread is gone"))),
        }
    }
}

fn report(verdict: Verdict) -> Result<(), Failure> {
    match verdict {
        Verdict::Ended(Ok(())) => {
            progress::stage("Finished", "the machine was powered off in order")
        }
        Verdict::Ended(failed) => return failed,
        Verdict::Quit => progress::stage("Stopped", "by Ctrl-A x; the machine was cut off"),
    }
    Ok(())
}

//! One command of the suite: run, logged, counted, and ended if it hangs.
//!
//! Owns: the child's process group, so that a time-out or Ctrl-C ends cargo and all it
//! started.

use super::count::Count;
use super::parts::StepLine;
use crate::cargo_build;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest time of one command.
pub const LIMIT: Duration = Duration::from_secs(40 * 60);
const LOOK: Duration = Duration::from_millis(50);

/// How a step ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its tests.
    pub count: Count,
    /// Why it was ended, when it did not end by itself.
    pub cut: Option<&'static str>,
}

/// Runs a step with its output appended to `log`.
pub fn run(
    step: &StepLine,
    workspace: &Workspace,
    log: &Path,
    stop: &AtomicBool,
) -> Result<Outcome> {
    let before = std::fs::metadata(log).map_or(0, |data| data.len());
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("opening `{}`", log.display()))?;
    let settings: String = step
        .environment
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\" "))
        .collect();
    writeln!(file, "$ {settings}{}", step.command).context("writing the log")?;
    let mut child = spawn(step, workspace, &file)?;
    let (status, cut) = wait(&mut child, stop)?;
    let text = std::fs::read(log).context("reading the log")?;
    let ours = text.get(usize::try_from(before)?..).unwrap_or_default();
    let count = step.counting.count(
        &String::from_utf8_lossy(ours),
        status.success() && cut.is_none(),
    );
    Ok(Outcome { count, cut })
}

fn spawn(step: &StepLine, workspace: &Workspace, log: &File) -> Result<Child> {
    let mut words = step.command.split_whitespace();
    let program = words.next().context("an empty command")?;
    let own = std::env::var_os("CARGO")
        .filter(|_| program == "cargo" && !step.command.starts_with("cargo +"));
    let mut command = Command::new(own.unwrap_or_else(|| program.into()));
    command
        .args(words)
        .current_dir(workspace.root.join(step.folder))
        .envs(step.environment.iter().copied());
    cargo_build::forget_outer_cargo(&mut command);
    if step.command.starts_with("cargo +") {
        for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTDOC"] {
            command.env_remove(name);
        }
    }
    command
        .env("CARGO_TERM_COLOR", "never")
        .env("TERM", "dumb")
        .stdin(Stdio::null())
        .process_group(0);
    command
        .stdout(log.try_clone().context("log")?)
        .stderr(log.try_clone().context("log")?);
    command
        .spawn()
        .with_context(|| format!("cannot start `{}`", step.command))
}

fn wait(child: &mut Child, stop: &AtomicBool) -> Result<(ExitStatus, Option<&'static str>)> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("waiting")? {
            return Ok((status, None));
        }
        let cut = match (stop.load(Ordering::Relaxed), began.elapsed() > LIMIT) {
            (true, _) => "interrupted",
            (false, true) => "took longer than 40 minutes",
            (false, false) => {
                std::thread::sleep(LOOK);
                continue;
            }
        };
        if let Some(group) = Pid::from_raw(child.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        return Ok((child.wait().context("waiting")?, Some(cut)));
    }
}

//! Goes through the parts and tells what happens.
//!
//! Owns: the order, the lines the user sees meanwhile, and the tail of a failed part's
//! log. A failed part does not keep the others from running.

use super::count::Count;
use super::needs::Provision;
use super::parts::Part;
use super::step;
use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{program, progress};
use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Lines shown of a failed part.
const TAIL: usize = 40;

/// A part that ran.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The part.
    pub part: &'static Part,
    /// Its tests.
    pub count: Count,
    /// Its time.
    pub took: Duration,
    /// What went wrong beside tests.
    pub note: Option<String>,
    /// Its output.
    pub log: PathBuf,
}

/// Runs `parts` in order.
pub fn run(parts: &[&'static Part], workspace: &Workspace) -> Result<Vec<Finished>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("signal handlers")?;
    }
    let folder = workspace.target.join("suite");
    std::fs::create_dir_all(&folder).context("making the log folder")?;
    let mut finished = Vec::new();
    for part in parts {
        let done = run_part(part, workspace, &folder, &stop);
        tell(&done);
        finished.push(done);
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
    }
    Ok(finished)
}

fn run_part(
    part: &'static Part,
    workspace: &Workspace,
    folder: &Path,
    stop: &AtomicBool,
) -> Finished {
    let log = folder.join(format!("{}.log", part.name));
    let _ = std::fs::remove_file(&log);
    let began = Instant::now();
    let bar = progress::spinner("Running", format!("{:8} {}", part.name, part.shows));
    let (count, note) = match steps(part, workspace, &log, stop) {
        Ok(result) => result,
        Err(failure) => (
            Count {
                passed: 0,
                failed: 1,
            },
            Some(failure.to_string()),
        ),
    };
    bar.finish_and_clear();
    Finished {
        part,
        count,
        took: began.elapsed(),
        note,
        log,
    }
}

fn steps(
    part: &Part,
    workspace: &Workspace,
    log: &Path,
    stop: &AtomicBool,
) -> Result<(Count, Option<String>), Failure> {
    let mut sum = Count::default();
    for need in part.needs {
        if let Provision::Without(why) = need.provide(workspace)? {
            return Ok((sum, Some(format!("SKIPPED: {why}"))));
        }
    }
    for line in part.steps {
        let outcome = step::run(line, workspace, log, stop)?;
        sum += outcome.count;
        if let Some(cut) = outcome.cut {
            return Ok((sum, Some(format!("`{}` {cut}", line.command))));
        }
    }
    Ok((sum, None))
}

fn tell(done: &Finished) {
    let Count { passed, failed } = done.count;
    let seconds = done.took.as_secs_f64();
    if let (0, 0, Some(note)) = (passed, failed, &done.note) {
        return progress::warn(format!("{:8} {note}", done.part.name));
    }
    if failed == 0 {
        return progress::stage(
            "Passed",
            format!("{:8} {passed:5} tests {seconds:8.1} s", done.part.name),
        );
    }
    progress::warn(format!(
        "{:8} {failed} of {} failed {seconds:8.1} s",
        done.part.name,
        passed + failed
    ));
    if let Some(note) = &done.note {
        eprintln!("    {note}");
    }
    let text = std::fs::read(&done.log).unwrap_or_default();
    eprintln!(
        "{}\n    (all of it: {})",
        program::tail(&text, TAIL),
        done.log.display()
    );
}

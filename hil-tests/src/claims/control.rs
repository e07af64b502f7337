//! The control shell answers, in words for people and in rows for programs.
//!
//! Owns: what an operator sees of a machine whose guests do nothing unusual.

use crate::boot::Boot;
use crate::plan_text::{PartitionText, PlanText};
use crate::scene::Scene;
use crate::session::{ESCAPE_KEY, State};
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};

/// Bytes typed to a guest that reads none: more than its FIFO and the waiting places hold, so that
/// the key that leaves it comes last.
const TYPED_IN_VAIN: usize = 200;

/// The scenes.
pub fn scenes() -> Vec<Scene> {
    let plan = PlanText::new()
        .with(PartitionText::guest("beat", &[1], "rtos"))
        .with(PartitionText::guest("idle", &[2], "hello").key("start", "manual"));
    let scene = Scene::of("control", Boot::of(plan, 4))
        .claim("help_names_every_command", help)
        .claim("ps_says_what_runs_and_why_the_rest_does_not", ps)
        .claim("every_report_has_rows_for_programs", reports)
        .claim("cores_are_shown_with_what_they_are_for", cores)
        .claim("a_mistyped_word_is_answered_with_the_right_one", mistyped)
        .claim("the_log_keeps_what_the_boot_said", log)
        .claim("keys_that_a_guest_never_reads_are_counted", unread);
    vec![scene]
}

fn help(stage: &mut Stage<'_>) -> Result<()> {
    let answer = stage.session()?.shell("help")?;
    for command in [
        "help", "ps", "stats", "console", "start", "stop", "restart", "log", "mem", "cpus",
        "features", "epitaph", "reboot",
    ] {
        let line = |line: &str| line.trim_start().starts_with(command);
        ensure!(answer.lines().any(line), "no `{command}` in\n{answer}");
    }
    Ok(())
}

fn ps(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    session.started("beat")?;
    let rows = session.rows("ps")?;
    let of = |name: &str| {
        let found = rows
            .iter()
            .find(|row| row["schema"] == "bulkhead/partition/1" && row["partition"] == name);
        found.with_context(|| format!("no row of {name} in {rows:?}"))
    };
    ensure!(of("beat")?["state"] == "running", "{rows:?}");
    ensure!(of("idle")?["state"] == "stopped", "{rows:?}");
    ensure!(of("idle")?["why"] == "not started yet", "{rows:?}");
    let mut vcpus = rows.iter().filter(|row| row["schema"] == "bulkhead/vcpu/1");
    let vcpu = vcpus
        .find(|row| row["partition"] == "beat")
        .context("no row of its vCPU")?;
    let path = vcpu["path"].as_str().unwrap_or_default();
    let reason = vcpu["reason"].as_str().unwrap_or_default();
    ensure!(path == "AVIC" || !reason.is_empty(), "no reason in {vcpu}");
    Ok(())
}

fn reports(stage: &mut Stage<'_>) -> Result<()> {
    for (command, schema) in [
        ("ps", "bulkhead/partition/1"),
        ("stats beat", "bulkhead/counter/1"),
        ("mem", "bulkhead/memory/1"),
        ("cpus", "bulkhead/cpu/1"),
        ("features", "bulkhead/feature/1"),
    ] {
        let rows = stage.session()?.rows(command)?;
        let known = rows.iter().any(|row| row["schema"] == schema);
        ensure!(known, "`{command} json` gives {rows:?}");
        let table = stage.session()?.shell(command)?;
        ensure!(table.lines().count() > 1, "`{command}` gives\n{table}");
    }
    Ok(())
}

fn cores(stage: &mut Stage<'_>) -> Result<()> {
    let rows = stage.session()?.rows("cpus")?;
    let roles: Vec<_> = rows.iter().map(|row| row["role"].as_str()).collect();
    let wanted = ["housekeeping", "beat vCPU 0", "idle vCPU 0", "free"];
    ensure!(roles == wanted.map(Some), "{rows:?}");
    ensure!(rows.iter().all(|row| row["state"] == "ready"), "{rows:?}");
    Ok(())
}

fn mistyped(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let answer = session.shell("sttas")?;
    ensure!(answer.contains("did you mean stats?"), "{answer}");
    let answer = session.shell("stop bert")?;
    ensure!(answer.contains("only: beat, idle"), "{answer}");
    let answer = session.shell("start")?;
    ensure!(answer.contains("which partition?"), "{answer}");
    Ok(())
}

fn log(stage: &mut Stage<'_>) -> Result<()> {
    let answer = stage.session()?.shell("log")?;
    ensure!(answer.contains("housekeeping"), "{answer}");
    ensure!(answer.contains("partition beat runs"), "{answer}");
    Ok(())
}

fn unread(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    session.bring_to(State::GuestConsole("beat"))?;
    session.console.send(&[b'x'; TYPED_IN_VAIN])?;
    session.console.send(&[ESCAPE_KEY])?;
    let wait = session.patience.answer();
    session.console.expect("the guest did not read ", wait)?;
    let count = session.console.expect(" bytes you typed", wait)?;
    session.note_left()?;
    // The FIFO of its UART took some, which is as good as read.
    let count: usize = count.parse().context("a number of bytes")?;
    ensure!((1..TYPED_IN_VAIN).contains(&count), "{count} bytes");
    Ok(())
}

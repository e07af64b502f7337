//! Partitions are stopped, started, restarted and die, and the others go on.
//!
//! Owns: the operator's commands on lives, the restart policies of a plan, epitaphs.
//! Also called: lifecycle, crash, restart limit, epitaph.

use crate::boot::Boot;
use crate::plan_text::{PartitionText, PlanText};
use crate::scene::Scene;
use crate::session::Session;
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Rounds of stop, start and restart, unless `BULKHEAD_SOAK` says otherwise.
const ROUNDS: u32 = 100;

/// The scenes.
pub fn scenes() -> Vec<Scene> {
    let manual = |name: &str, core: u32, program: &str| {
        PartitionText::guest(name, &[core], program).key("start", "manual")
    };
    let plan = PlanText::new()
        .with(PartitionText::guest("watch", &[1], "rtos"))
        .with(PartitionText::guest("small", &[2], "rtos"))
        .with(
            manual("crasher", 3, "triple_fault")
                .key("on-crash", "restart")
                .number("restart-limit", 2),
        )
        .with(manual("mortal", 4, "triple_fault"))
        .with(manual("ender", 5, "hello"));
    let scene = Scene::of("lives", Boot::of(plan, 6))
        .claim("stop_start_and_restart_a_hundred_times", again_and_again)
        .claim(
            "what_runs_is_not_started_and_what_rests_not_stopped",
            refusals,
        )
        .claim("a_crash_is_restarted_up_to_the_plan_s_limit", crash_limit)
        .claim("an_epitaph_says_who_died_and_why", epitaph)
        .claim("a_crash_without_a_policy_stays_dead", stays_dead)
        .claim("a_guest_that_switches_itself_off_rests", rests)
        .claim("the_neighbour_never_noticed", neighbour);
    vec![scene]
}

fn row(session: &mut Session, name: &str) -> Result<Value> {
    let rows = session.rows("ps")?;
    let mut found = rows
        .into_iter()
        .filter(|row| row["schema"] == "bulkhead/partition/1" && row["partition"] == name);
    found.next().with_context(|| format!("no row of {name}"))
}

fn again_and_again(stage: &mut Stage<'_>) -> Result<()> {
    let rounds = std::env::var("BULKHEAD_SOAK").ok();
    let rounds = rounds.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let session = stage.session()?;
    // Its first start is no restart, and an order that came before it would make another one first.
    session.started("small")?;
    for round in 0..rounds {
        let place = || format!("round {round}");
        let stopped = "rests: stopped from the console";
        session
            .order("stop", "small", stopped)
            .with_context(place)?;
        session
            .order("start", "small", "runs")
            .with_context(place)?;
        session
            .order("restart", "small", "runs")
            .with_context(place)?;
    }
    let row = row(session, "small")?;
    ensure!(row["state"] == "running", "{row}");
    ensure!(row["restarts"] == 2 * rounds, "{row}");
    Ok(())
}

fn refusals(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let answer = session.shell("start small")?;
    ensure!(answer.contains("it is running already"), "{answer}");
    let answer = session.shell("stop ender")?;
    ensure!(answer.contains("it is not running"), "{answer}");
    let answer = session.shell("epitaph watch")?;
    ensure!(answer.contains("it has not died"), "{answer}");
    // What was stopped says what it was doing, which tells a guest that hangs.
    let answer = session.shell("epitaph small")?;
    let why = "why       it was stopped from the console while it ran";
    ensure!(answer.contains(why), "{answer}");
    Ok(())
}

fn crash_limit(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let wait = session.patience.answer();
    session.order("start", "crasher", "runs")?;
    for restart in ["restart 1 of 2", "restart 2 of 2"] {
        let words = "crashed: the guest's CPU shut down after a triple fault; ";
        let notice = format!("{words}{restart}");
        session.notice("crasher", &notice, wait)?;
    }
    let died = "died: the guest's CPU shut down after a triple fault";
    session.notice("crasher", died, wait)?;
    let row = row(session, "crasher")?;
    ensure!(row["state"] == "dead" && row["restarts"] == 2, "{row}");
    Ok(())
}

fn epitaph(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let answer = session.shell("epitaph crasher")?;
    for words in [
        "partition crasher died on vCPU 0, core 3",
        "restarted 2 times before",
        "why       the guest's CPU shut down after a triple fault",
        "code at rip 0f 0b",
        "exits before, the newest last:",
    ] {
        ensure!(answer.contains(words), "no `{words}` in\n{answer}");
    }
    Ok(())
}

fn stays_dead(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let died = "died: the guest's CPU shut down after a triple fault";
    session.order("start", "mortal", died)?;
    let row = row(session, "mortal")?;
    ensure!(row["state"] == "dead" && row["restarts"] == 0, "{row}");
    // What died may be started again by hand.
    session.order("start", "mortal", died)
}

fn rests(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    session.order("start", "ender", "rests: the guest switched itself off")?;
    let row = row(session, "ender")?;
    ensure!(row["state"] == "stopped", "{row}");
    Ok(())
}

fn neighbour(stage: &mut Stage<'_>) -> Result<()> {
    let row = row(stage.session()?, "watch")?;
    ensure!(row["state"] == "running" && row["restarts"] == 0, "{row}");
    Ok(())
}

//! A hostile guest leaves its neighbour's counters as they are on a quiet machine.
//!
//! Owns: the comparison. The neighbour is a guest that does the same operations in every
//! life and then switches itself off; every counter of its vCPU has to be the same beside
//! a hostile one as without. Kinds of exit are compared, never times.
//! Also called: isolation, noisy neighbour, freedom from interference.

use crate::boot::Boot;
use crate::plan_text::{PartitionText, PlanText};
use crate::scene::Scene;
use crate::session::{Session, State};
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;

/// A guest that does the same in every life: it reads and writes MSRs and takes their faults.
const NEIGHBOUR: &str = "msr_policy";
/// Guests that do what they can, and the CPUs and command line each gets.
const HOSTILE: [(&str, usize, &str); 4] = [
    ("hostile_loop", 2, "rounds=0 seed=7"),
    ("endless_exceptions", 1, ""),
    ("ipi_storm", 2, ""),
    ("triple_fault", 1, ""),
];
/// Cores of a hostile guest; the neighbour has core 1, the real-time guest core 2.
const CORES: [u32; 2] = [3, 4];

/// The scenes: one boot for each hostile guest.
pub fn scenes() -> Vec<Scene> {
    HOSTILE
        .iter()
        .map(|(program, cpus, line)| scene(program, *cpus, line))
        .collect()
}

fn scene(program: &'static str, cpus: usize, line: &str) -> Scene {
    let mut hostile = PartitionText::guest("hostile", &CORES[..cpus], program)
        .key("start", "manual")
        .key("on-crash", "restart")
        .key("on-poweroff", "restart")
        .number("restart-limit", 0);
    if !line.is_empty() {
        hostile = hostile.key("cmdline", line);
    }
    let plan = PlanText::new()
        .with(PartitionText::guest("neighbour", &[1], NEIGHBOUR).key("start", "manual"))
        .with(
            PartitionText::guest("periods", &[2], "rtos")
                .key("start", "manual")
                .key("cmdline", "periods=500"),
        )
        .with(hostile);
    Scene::of(format!("beside_{program}"), Boot::of(plan, 5))
        .claim(
            "a_neighbour_s_counters_are_those_of_a_quiet_machine",
            counters,
        )
        .claim("a_real_time_neighbour_does_all_its_periods", periods)
}

fn counters(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let quiet = one_life(session)?;
    session.order("start", "hostile", "runs")?;
    let disturbed = one_life(session)?;
    let exits: u64 = quiet.values().sum();
    ensure!(exits > 100, "the neighbour did next to nothing: {quiet:?}");
    ensure!(quiet == disturbed, "quiet {quiet:?}\nthen  {disturbed:?}");
    Ok(())
}

/// Starts the neighbour, waits for its end, and gives its counters.
fn one_life(session: &mut Session) -> Result<BTreeMap<String, u64>> {
    session.order("start", "neighbour", "rests: the guest switched itself off")?;
    let rows = session.rows("stats neighbour")?;
    let counters = rows.iter().map(|row| {
        let name = row["counter"].as_str().context("no name")?;
        Ok((name.to_owned(), row["count"].as_u64().context("no count")?))
    });
    counters.collect()
}

fn periods(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let state = session.rows("ps")?;
    let runs = |row: &serde_json::Value| row["partition"] == "hostile" && row["state"] != "dead";
    ensure!(
        state.iter().any(runs),
        "the hostile guest is gone: {state:?}"
    );
    session.order("start", "periods", "runs")?;
    session.bring_to(State::GuestConsole("periods"))?;
    let wait = session.patience.linux();
    session.console.expect("rtos done periods=500 ", wait)?;
    Ok(())
}

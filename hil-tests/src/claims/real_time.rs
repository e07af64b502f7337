//! A real-time guest does its periods while stock Linux boots beside it.
//!
//! Owns: that both get their cores. How late a period is depends on the rig and is
//! reported by the guest, not judged here.

use crate::boot::Boot;
use crate::image;
use crate::plan_text::{PartitionText, PlanText};
use crate::scene::Scene;
use crate::stage::Stage;
use anyhow::{Context, Result, anyhow};
use guest_image::expected_log;

/// The scenes.
pub fn scenes() -> Vec<Scene> {
    let linux = PartitionText::linux("linux", &[1, 2], "6.1-cloud");
    let rtos = PartitionText::guest("rtos", &[3], "rtos").key("cmdline", "periods=2500");
    let plan = PlanText::new().with(linux).with(rtos).attach("rtos");
    let scene = Scene::of("real_time", Boot::of(plan, 4));
    vec![scene.claim("all_periods_are_done_while_linux_boots", periods)]
}

fn periods(stage: &mut Stage<'_>) -> Result<()> {
    let session = stage.session()?;
    let wait = session.patience.linux();
    session.console.expect("RTOS ok", wait)?;
    let path = image::checkout()?.join("guests/rtos/rtos.out");
    let expected = std::fs::read_to_string(path).context("the expected log")?;
    let everything = session.console.everything();
    let own: Vec<_> = everything
        .lines()
        .skip_while(|line| !line.starts_with("rtos period"))
        .filter(|line| line.starts_with("rtos ") || line.starts_with("RTOS "))
        .collect();
    expected_log::compare(&expected, &own.join("\n"))
        .map_err(|difference| anyhow!("the guest's log differs: {difference:?}"))
}

//! Stock Debian kernels boot, see their CPUs, and live through what guests do to theirs.
//!
//! Owns: the Linux boots. The kernels are Debian's own files, unchanged.
//! Also called: unmodified guest, SMP guest, CPU hotplug.

use crate::boot::Boot;
use crate::linux_prompt::READY;
use crate::plan_text::{PartitionText, PlanText};
use crate::scene::Scene;
use crate::stage::Stage;
use anyhow::{Result, ensure};

/// The scenes.
pub fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for (version, release) in [("6.1", "6.1."), ("6.12-cloud", "6.12."), ("6.12", "6.12.")] {
        let name = format!("linux_{}", version.replace(['.', '-'], "_"));
        let scene = Scene::of(name, alone(&[1, 2], version));
        scenes.push(scene.claim("it_boots_and_sees_two_cpus", move |stage| {
            announces_itself(stage, release, 2)
        }));
    }
    for cpus in [1, 4] {
        let cores: Vec<u32> = (1..=cpus).collect();
        let scene = Scene::of(format!("linux_on_{cpus}"), alone(&cores, "6.1-cloud"));
        scenes.push(scene.claim("it_boots_and_sees_its_cpus", move |stage| {
            announces_itself(stage, "6.1.", cpus)
        }));
    }
    scenes
}

/// One Linux guest on `cores`, and no CPU more than that takes.
fn alone(cores: &[u32], version: &str) -> Boot {
    let cpus = cores.iter().max().map_or(1, |core| core + 1);
    let linux = PartitionText::linux("linux", cores, version);
    Boot::of(PlanText::new().with(linux).attach("linux"), cpus)
}

/// The kernel ran the first program, with that release and so many CPUs.
fn announces_itself(stage: &mut Stage<'_>, release: &str, cpus: u32) -> Result<()> {
    let session = stage.session()?;
    let wait = session.patience.linux();
    session.console.expect(READY, wait)?;
    let said = session.console.expect(" MiB", wait)?;
    ensure!(said.starts_with(release), "the kernel is {said}");
    ensure!(said.contains(&format!(", {cpus} CPUs,")), "it sees {said}");
    Ok(())
}

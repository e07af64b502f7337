//! Every scene in the order of the run: what is quick to fail comes first.
//!
//! Owns: the list.

use crate::claims;
use crate::scene::Scene;
use anyhow::Result;

/// All scenes.
pub fn scenes() -> Result<Vec<Scene>> {
    let mut scenes = Vec::new();
    scenes.extend(claims::entry::scenes());
    scenes.extend(claims::refusals::scenes());
    scenes.extend(claims::headless::scenes());
    scenes.extend(claims::control::scenes());
    scenes.extend(claims::lives::scenes());
    scenes.extend(claims::neighbours::scenes());
    scenes.extend(claims::probes::scenes()?);
    scenes.extend(claims::real_time::scenes());
    scenes.extend(claims::linux::scenes());
    Ok(scenes)
}

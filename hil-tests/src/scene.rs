//! Claims that stand together, because one boot can show them all.
//!
//! Owns: the lists, and running one claim of them. A machine is kept from claim to
//! claim of its scene and dropped with the last of them that is run, whichever that is.
//! A claim that fails takes the machine with it: the next one gets a fresh one.

use crate::boot::Boot;
use crate::rig::{Feature, Rig};
use crate::stage::{Kept, Stage};
use anyhow::Result;
use libtest_mimic::{Completion, Failed, Trial};
use std::sync::{Arc, Mutex};

type Check = Box<dyn Fn(&mut Stage<'_>) -> Result<()> + Send + Sync>;

/// A claim about a machine.
pub struct Claim {
    name: String,
    needs: Vec<Feature>,
    check: Check,
}

/// Claims with a boot in common, in the order in which they are run.
pub struct Scene {
    name: String,
    boot: Option<Boot>,
    claims: Vec<Claim>,
}

impl Scene {
    /// Claims that all use the machine of `boot`.
    pub fn of(name: impl Into<String>, boot: Boot) -> Self {
        Self {
            name: name.into(),
            boot: Some(boot),
            claims: Vec::new(),
        }
    }

    /// Claims that each boot what they want.
    pub fn apart(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            boot: None,
            claims: Vec::new(),
        }
    }

    /// Adds a claim.
    pub fn claim(
        self,
        name: &str,
        check: impl Fn(&mut Stage<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.claim_with(name, &[], check)
    }

    /// Adds a claim that needs more of the rig than the boot tells.
    pub fn claim_with(
        mut self,
        name: &str,
        needs: &[Feature],
        check: impl Fn(&mut Stage<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        let cpus = self
            .boot
            .as_ref()
            .map(|boot| Feature::Cpus(boot.shape.cpus));
        let shape = self.boot.as_ref().and_then(Boot::needs);
        self.claims.push(Claim {
            name: name.into(),
            needs: needs.iter().copied().chain(cpus).chain(shape).collect(),
            check: Box::new(check),
        });
        self
    }

    /// One trial for each claim.
    pub fn trials(self, rig: &Arc<dyn Rig>) -> Vec<Trial> {
        let kept = Arc::new(Mutex::new(Kept::new(self.name.clone(), self.boot)));
        let mut trials = Vec::new();
        for claim in self.claims {
            let (rig, kept) = (rig.clone(), kept.clone());
            let (title, kind) = (
                format!("{}::{}", self.name, claim.name),
                rig.name().to_owned(),
            );
            let trial = Trial::ignorable_test(title, move || run(&claim, rig.as_ref(), &kept));
            trials.push(trial.with_kind(kind));
        }
        trials
    }
}

fn run(claim: &Claim, rig: &dyn Rig, kept: &Mutex<Kept>) -> Result<Completion, Failed> {
    if let Some(missing) = claim.needs.iter().find(|need| !rig.has(**need)) {
        return Ok(Completion::ignored_with(format!(
            "the rig has no {missing}"
        )));
    }
    // After a panic the machine is in an unknown state, which `end` of a failure deals with.
    let mut kept = kept.lock().unwrap_or_else(|poisoned| {
        let mut kept = poisoned.into_inner();
        kept.end();
        kept
    });
    let outcome = (claim.check)(&mut Stage::new(rig, &mut kept, &claim.name));
    let report = outcome.as_ref().err().map(|error| {
        let words = kept.last_words();
        Failed::from(format!("{error:#}\n{words}"))
    });
    if report.is_some() || !kept.is_shared() {
        kept.end();
    }
    report.map_or(Ok(Completion::Completed), Err)
}

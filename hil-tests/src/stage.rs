//! Where a claim finds its machine.
//!
//! Owns: the machine of a scene between its claims, and the names of the records that
//! machines leave: the scene's, with a number behind it for every further boot.

use crate::boot::Boot;
use crate::patience::Patience;
use crate::rig::Rig;
use crate::session::Session;
use anyhow::{Context, Result};

/// What is kept between the claims of a scene.
pub struct Kept {
    scene: String,
    boot: Option<Boot>,
    session: Option<Session>,
    /// Machines switched on so far.
    boots: u32,
}

impl Kept {
    /// Nothing was booted yet.
    pub fn new(scene: String, boot: Option<Boot>) -> Self {
        Self {
            scene,
            boot,
            session: None,
            boots: 0,
        }
    }

    /// Whether the claims share a boot.
    pub fn is_shared(&self) -> bool {
        self.boot.is_some()
    }

    /// Switches the machine off.
    pub fn end(&mut self) {
        self.session = None;
    }

    /// The end of what the machine said, for a report.
    pub fn last_words(&self) -> String {
        self.session
            .as_ref()
            .map_or_else(String::new, Session::last_words)
    }
}

/// What a claim gets.
pub struct Stage<'a> {
    rig: &'a dyn Rig,
    kept: &'a mut Kept,
    claim: &'a str,
}

impl<'a> Stage<'a> {
    /// For one claim.
    pub fn new(rig: &'a dyn Rig, kept: &'a mut Kept, claim: &'a str) -> Self {
        Self { rig, kept, claim }
    }

    /// The machine of the scene, booted by whichever claim comes first.
    pub fn session(&mut self) -> Result<&mut Session> {
        if self.kept.session.is_none() {
            let boot = self.kept.boot.clone().context("the scene has no boot")?;
            let name = self.kept.scene.clone();
            self.start(&name, &boot)?;
        }
        self.kept.session.as_mut().context("no machine")
    }

    /// A machine for this claim alone; the one before it is switched off.
    pub fn boot(&mut self, boot: &Boot) -> Result<&mut Session> {
        let name = format!("{}.{}", self.kept.scene, self.claim);
        self.start(&name, boot)?;
        self.booted()
    }

    /// The machine that [`Self::boot`] gave.
    pub fn booted(&mut self) -> Result<&mut Session> {
        self.kept.session.as_mut().context("no machine")
    }

    /// How long to wait on this rig.
    pub fn patience(&self) -> Patience {
        self.rig.patience()
    }

    fn start(&mut self, name: &str, boot: &Boot) -> Result<()> {
        self.kept.end();
        self.kept.boots += 1;
        let name = match self.kept.boots {
            1 => name.to_owned(),
            count => format!("{name}-{count}"),
        };
        self.kept.session = Some(Session::begin(self.rig, &name, boot)?);
        Ok(())
    }
}

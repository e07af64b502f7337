//! What is booted: flash contents, and the machine they are for.
//!
//! Owns: the description only; [`crate::image`] makes the file, a rig the machine.

use crate::damage::Damage;
use crate::plan_text::PlanText;
use crate::rig::Feature;
use bulkhead::rom::cbfstool::Compression;

/// A boot.
#[derive(Clone, Debug)]
pub struct Boot {
    /// What is in flash.
    pub plan: PlanText,
    /// How the payload is compressed there.
    pub compression: Compression,
    /// What is done to the image before it is flashed.
    pub damage: Option<Damage>,
    /// The machine.
    pub shape: Shape,
}

/// What the machine has to be; a rig that cannot be it has not the features for the test.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Hardware threads.
    pub cpus: u32,
    /// RAM, in the spelling of the host command.
    pub memory: &'static str,
    /// Further arguments of the emulator.
    pub qemu: Vec<String>,
}

impl Boot {
    /// `plan` on so many CPUs with 2 GiB.
    pub fn of(plan: PlanText, cpus: u32) -> Self {
        let shape = Shape {
            cpus,
            memory: "2G",
            qemu: Vec::new(),
        };
        Self {
            plan,
            compression: Compression::Lzma,
            damage: None,
            shape,
        }
    }

    /// With so much RAM.
    pub fn memory(mut self, memory: &'static str) -> Self {
        self.shape.memory = memory;
        self
    }

    /// With further arguments for the emulator.
    pub fn qemu(mut self, arguments: &[&str]) -> Self {
        let owned = arguments.iter().map(|argument| argument.to_string());
        self.shape.qemu.extend(owned);
        self
    }

    /// With the payload compressed so.
    pub fn compressed(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// With a damaged image.
    pub fn damaged(mut self, damage: Damage) -> Self {
        self.damage = Some(damage);
        self
    }

    /// What a rig must have for it, beyond what every rig has.
    pub fn needs(&self) -> Option<Feature> {
        let plain = self.shape.qemu.is_empty() && self.shape.memory == "2G";
        (!plain).then_some(Feature::AnyMachine)
    }
}

//! A place: one board on a bench, described by a TOML file.
//!
//! Owns: the grammar of the file. Power and flash are commands, not drivers: every
//! laboratory has its own relays and programmers, and a shell line reaches them all.
//! `{image}` in a flash command stands for the file to be flashed. See
//! `places/EXAMPLE.toml`.
//! Also called: rig file, hardware map, inventory.

use crate::rig::Feature;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::PathBuf;

/// A board on a bench.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// The board's name in plans.
    pub board: String,
    /// CPUs of the board.
    pub cpus: u32,
    /// The human console.
    pub console: Port,
    /// The line of log frames, if the board has a second UART.
    pub log: Option<Port>,
    /// Its supply.
    pub power: Power,
    /// Its flash chip.
    pub flash: Flash,
    /// Stretches every wait.
    #[serde(default = "one")]
    pub patience: f64,
}

/// A serial port.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Port {
    /// Device file; one below /dev/serial/by-id stays the same after replugging.
    pub port: PathBuf,
    /// Bits a second.
    #[serde(default = "usual_baud")]
    pub baud: u32,
}

/// Commands that switch the board.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Power {
    /// Switches it on.
    pub on: String,
    /// Switches it off.
    pub off: String,
    /// How long it has to stay off before it is switched on, in milliseconds.
    #[serde(default)]
    pub rest_ms: u64,
}

/// Commands that write its flash, run while the board is off.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Flash {
    /// The board's own coreboot ROM, into which everything is packed.
    pub base: PathBuf,
    /// Before writing, such as giving the chip to the programmer.
    #[serde(default)]
    pub before: Vec<String>,
    /// Writes `{image}`.
    pub write: String,
    /// After writing, also when it failed.
    #[serde(default)]
    pub after: Vec<String>,
}

impl Place {
    /// Reads a place file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self> {
        let place: Self = toml::from_str(text).context("the place file")?;
        ensure!(
            place.flash.write.contains("{image}"),
            "the place file: `flash.write` has no {{image}} in it"
        );
        ensure!(
            place.patience.is_finite() && place.patience > 0.0,
            "the place file: `patience` is not a positive number"
        );
        Ok(place)
    }

    /// Whether the board has the feature.
    pub fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::Cpus(count) => count <= self.cpus,
            Feature::AnyMachine | Feature::ExitCode => false,
        }
    }
}

fn one() -> f64 {
    1.0
}

fn usual_baud() -> u32 {
    115_200
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../places/EXAMPLE.toml");

    #[test]
    fn the_example_is_a_place() {
        let place = Place::parse(EXAMPLE).expect("well formed");
        assert_eq!(place.console.baud, 115_200);
        assert!(place.log.is_none(), "the example board has one UART");
        assert!(place.has(Feature::Cpus(4)) && !place.has(Feature::Cpus(5)));
        assert!(!place.has(Feature::AnyMachine), "a board is what it is");
    }

    #[test]
    fn a_key_that_is_not_known_is_refused() {
        let text = EXAMPLE.replace("rest-ms", "rest-s");
        let error = format!("{:#}", Place::parse(&text).expect_err("refused"));
        assert!(error.contains("rest-s"), "{error}");
    }

    #[test]
    fn a_flash_command_without_the_image_is_refused() {
        let text = EXAMPLE.replace("{image}", "image.rom");
        assert!(Place::parse(&text).is_err());
    }
}

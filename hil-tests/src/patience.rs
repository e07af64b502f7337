//! How long to wait before something counts as not happening.
//!
//! Owns: the named waits and the factor by which a rig stretches them. They bound a
//! test that has failed; a test that passes never notices them.

use std::time::Duration;

/// Waits for a rig of some speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    factor: f64,
}

impl Patience {
    /// Waits stretched by `factor`; 1.0 is an emulator on two busy cores.
    pub fn scaled(factor: f64) -> Self {
        Self { factor }
    }

    fn seconds(self, seconds: u64) -> Duration {
        Duration::from_secs(seconds).mul_f64(self.factor)
    }

    /// From power-on to a line of our own firmware.
    pub fn firmware(self) -> Duration {
        self.seconds(60)
    }

    /// For an answer of the control shell or of a guest's shell.
    pub fn answer(self) -> Duration {
        self.seconds(60)
    }

    /// From a guest's start to the prompt of stock Linux, and for what takes as long.
    pub fn linux(self) -> Duration {
        self.seconds(240)
    }

    /// For a bare-metal guest that counts to a hundred thousand.
    pub fn long_probe(self) -> Duration {
        self.seconds(900)
    }

    /// Through which something that must not happen is watched for.
    pub fn quiet(self) -> Duration {
        self.seconds(3)
    }
}

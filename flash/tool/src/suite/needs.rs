//! What a part of the suite needs on the machine before it can run.
//!
//! Owns: from a need to its provision. All come from the same registries as the build
//! itself; a need that cannot be met fails the part and says what to do.

use crate::failure::Failure;
use crate::image::source::DebianKernel;
use crate::setup::programs::{self, Program};
use crate::setup::{kernels, rust_target};
use crate::workspace::Workspace;
use crate::{program, progress};
use anyhow::Context;
use std::process::Command;

/// How a need was met.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Provision {
    /// It is there.
    There,
    /// It cannot be had here, and the part that wants it may be left out, said aloud.
    Without(String),
}

/// One need.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// Rust's bare-metal target.
    RustTarget,
    /// QEMU, coreboot's tools, busybox.
    Programs,
    /// The four Debian kernels.
    Kernels,
    /// A C++ compiler, for libFuzzer.
    CxxCompiler,
    /// Miri, which lives on the nightly toolchain.
    Miri,
}

const CXX: Program = Program {
    name: "c++",
    package: "g++",
    oldest: None,
};

impl Need {
    /// Provides it, or says what is missing.
    ///
    /// Miri alone may be absent: a nightly toolchain is not to be had everywhere, and loom
    /// and shuttle run the same models.
    pub fn provide(self, workspace: &Workspace) -> Result<Provision, Failure> {
        match (self, self.install(workspace)) {
            (Self::Miri, Err(failure)) => Ok(Provision::Without(failure.to_string())),
            (_, result) => result.map(|()| Provision::There),
        }
    }

    fn install(self, workspace: &Workspace) -> Result<(), Failure> {
        match self {
            Self::RustTarget => rust_target::ensure(),
            Self::Programs => programs::ensure(programs::ALL),
            Self::Kernels => DebianKernel::ALL
                .into_iter()
                .try_for_each(|kernel| kernels::obtain(workspace, kernel).map(|_| ())),
            Self::CxxCompiler => programs::ensure(&[CXX]),
            Self::Miri => miri(),
        }
    }
}

fn miri() -> Result<(), Failure> {
    let there = Command::new("cargo")
        .args(["+nightly", "miri", "--version"])
        .output();
    if there.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    progress::stage("Installing", "Miri on the nightly toolchain");
    let line = [
        "toolchain",
        "install",
        "nightly",
        "--profile",
        "minimal",
        "-c",
        "miri",
        "-c",
        "rust-src",
    ];
    program::run(Command::new("rustup").args(line))
        .with_context(|| format!("by hand: rustup {}", line.join(" ")))?;
    Ok(())
}

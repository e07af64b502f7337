//! Calls to `cbfstool` and `fmaptool`.
//!
//! Owns: their argument lists. Exit codes alone are judged: cbfstool prints alarming
//! LZMA messages when a segment does not shrink and still does the right thing.

use crate::failure::Failure;
use crate::program;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian package of both programs.
pub const PACKAGE: &str = "coreboot-utils";

/// How a payload's segments are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Compression {
    /// Stored as they are.
    None,
    /// Unpacked in no time; the payload stays well under its 256 KiB.
    #[default]
    Lz4,
    /// A third smaller, and slow to unpack.
    Lzma,
}

impl Compression {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "LZ4",
            Self::Lzma => "LZMA",
        }
    }
}

/// `cbfstool`, working on one ROM file.
#[derive(Debug)]
pub struct Cbfstool {
    program: PathBuf,
    rom: PathBuf,
}

impl Cbfstool {
    /// For the ROM at `rom`.
    pub fn on(rom: &Path) -> Result<Self, Failure> {
        Ok(Self {
            program: program::require("cbfstool", PACKAGE)?,
            rom: rom.to_owned(),
        })
    }

    /// Makes the ROM from the flash map that `fmaptool` wrote.
    pub fn create(&self, fmap: &Path) -> Result<(), Failure> {
        self.call(|command| command.arg("create").arg("-M").arg(fmap))
    }

    /// Fills a raw region with a file of its length.
    pub fn write(&self, region: &str, file: &Path) -> Result<(), Failure> {
        self.call(|command| command.args(["write", "-r", region, "-f"]).arg(file))
    }

    /// Adds an ELF as `fallback/payload`.
    pub fn add_payload(&self, elf: &Path, compression: Compression) -> Result<(), Failure> {
        let name = super::pack::PAYLOAD;
        self.call(|command| {
            command
                .args(["add-payload", "-n", name, "-c", compression.word(), "-f"])
                .arg(elf)
        })
    }

    /// Adds a file, uncompressed, its data on a 4 KiB boundary of the flash.
    pub fn add_raw(&self, name: &str, file: &Path) -> Result<(), Failure> {
        self.call(|command| {
            command
                .args(["add", "-t", "raw", "-a", "4096", "-n", name, "-f"])
                .arg(file)
        })
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> Result<(), Failure> {
        self.call(|command| command.args(["remove", "-n", name]))
    }

    fn call(&self, arguments: impl FnOnce(&mut Command) -> &mut Command) -> Result<(), Failure> {
        let mut command = Command::new(&self.program);
        arguments(command.arg(&self.rom));
        program::run(&mut command)?;
        Ok(())
    }
}

/// Compiles a layout (`.fmd`) into a binary flash map.
pub fn fmap(layout: &Path, out: &Path) -> Result<(), Failure> {
    let program = program::require("fmaptool", PACKAGE)?;
    program::run(Command::new(program).arg(layout).arg(out))?;
    Ok(())
}

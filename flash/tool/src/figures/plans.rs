//! The measured machines: their plans, packed.
//!
//! Owns: the three plans. They are made here and not kept as files because one names
//! an initramfs that is made here too.

use super::first_program;
use crate::command::pack::Job;
use crate::failure::Failure;
use crate::plan::load::BoardChoice;
use crate::rom::cbfstool::Compression;
use crate::size::MIB;
use crate::workspace::Workspace;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// Guest RAM of the Linux guest, as in KVM's measurement.
pub const LINUX_MEMORY: u64 = 256 * MIB;
/// Guest RAM of the idle machine: enough that its nested tables are a fair sample.
pub const IDLE_MEMORY: u64 = 256 * MIB;
/// RAM of every measured machine.
pub const HOST_MEMORY: u64 = 768 * MIB;

/// Which machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The guest that times its own exits.
    Bench,
    /// Stock Debian up to its first program.
    Linux,
    /// A guest that stays, to look at the hypervisor itself.
    Idle,
}

impl Subject {
    fn name(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            Self::Linux => "linux",
            Self::Idle => "idle",
        }
    }

    fn plan(self, initramfs: &Path) -> String {
        let guest = match self {
            Self::Bench => "memory = \"16 MiB\"\nkind = \"multiboot\"\nimage = \"guest:bench\"\n\
                 cmdline = \"iterations=1000\"\n"
                .to_owned(),
            Self::Linux => format!(
                "memory = \"{} MiB\"\nkind = \"linux\"\nimage = \"debian:6.1-cloud\"\n\
                 initrd = {:?}\ncmdline = \"console=ttyS0 quiet panic=-1\"\n\
                 on-reboot = \"stop\"\n",
                LINUX_MEMORY / MIB,
                initramfs.display().to_string(),
            ),
            Self::Idle => format!(
                "memory = \"{} MiB\"\nkind = \"multiboot\"\nimage = \"guest:rtos\"\n",
                IDLE_MEMORY / MIB,
            ),
        };
        let name = self.name();
        let attach = match self {
            Self::Bench | Self::Linux => format!("attach = \"{name}\"\n"),
            // The console begins in the shell, whether or not there is a core for the guest.
            Self::Idle => String::new(),
        };
        format!(
            "board = \"qemu_q35\"\n{attach}\n[[partition]]\nname = \"{name}\"\n\
             cores = [1]\n{guest}"
        )
    }

    /// Packs it and returns the flash image.
    pub fn pack(self, workspace: &Workspace, compression: Compression) -> Result<PathBuf, Failure> {
        let folder = workspace.products().join("figures");
        std::fs::create_dir_all(&folder).context("making the folder of the figures")?;
        let initramfs = folder.join("first-program.cpio");
        std::fs::write(&initramfs, first_program::initramfs()).context("writing the initramfs")?;
        let plan = folder.join(format!("{}.toml", self.name()));
        std::fs::write(&plan, self.plan(&initramfs)).context("writing a plan")?;
        let output = folder.join(format!("{}.rom", self.name()));
        let job = Job {
            plan: &plan,
            choice: &BoardChoice::default(),
            rom: None,
            payload: None,
            compression,
            output: &output,
        };
        job.run()?;
        Ok(output)
    }
}

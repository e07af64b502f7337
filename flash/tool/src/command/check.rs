//! `bulkhead check`: explain every mistake of a plan.

use crate::failure::{Failure, help_end};
use crate::image::store::ImageStore;
use crate::plan::load::{BoardChoice, Checked, PlanFile};
use crate::plan::render;
use crate::workspace::Workspace;
use crate::{progress, size};
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Explain every mistake of a plan, each with its line and what to write instead.
#[derive(Args, Debug)]
#[command(after_help = help_end(EXAMPLES), after_long_help = format!("{}\n\n{KEYS}", help_end(EXAMPLES)))]
pub struct Check {
    /// The plan, a TOML file.
    plan: PathBuf,
    #[command(flatten)]
    board: BoardArgs,
    /// Print one JSON object (schema bulkhead.check/1) on standard output.
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
cargo bulkhead check flash/tool/plans/demo.toml
cargo bulkhead check my.toml --board pcengines_apu2 --memory 2G
cargo bulkhead check my.toml --json";

const KEYS: &str = "\
A plan:
  board = \"qemu_q35\"            # or pcengines_apu2, amd_bilby
  attach = \"linux\"              # console shown at start
  allow-smt-sharing = false     # threads of one core in two partitions
  errata-off = []               # experiments only: work-arounds to leave out

  [[partition]]
  name = \"linux\"                # letters, digits, - and _
  cores = [1, 2]                # core 0 keeps the house
  memory = \"512 MiB\"            # multiples of 2 MiB
  kind = \"linux\"                # linux, multiboot, flat
  image = \"debian:6.1-cloud\"    # a file, debian:VERSION, guest:NAME
  initrd = \"initramfs:shell\"    # linux only
  cmdline = \"console=ttyS0\"
  modules = [{ file = \"data.bin\", cmdline = \"data\" }]   # multiboot only
  load-address = 0x100000       # flat only
  entry-address = 0x100000      # flat only
  start = \"auto\"                # auto, manual
  on-crash = \"stop\"             # stop, restart
  on-reboot = \"restart\"
  on-poweroff = \"stop\"
  restart-limit = 3             # after crashes; 0: no limit";

/// The board's options, shared by several commands.
#[derive(Args, Debug, Clone, Default)]
pub struct BoardArgs {
    /// Board to check against, instead of the plan's.
    #[arg(long, value_name = "NAME")]
    pub board: Option<String>,
    /// Cores of the board, when it has fewer than the most it can have.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub cpus: Option<u32>,
    /// Hardware threads of one core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2))]
    pub threads_per_core: Option<u32>,
    /// RAM of the board, for example 2G.
    #[arg(long, value_name = "SIZE", value_parser = size::parse_argument)]
    pub memory: Option<u64>,
}

impl BoardArgs {
    /// As the plan checker wants it.
    pub fn choice(&self) -> BoardChoice {
        BoardChoice {
            name: self.board.clone(),
            cpus: self.cpus,
            threads_per_core: self.threads_per_core,
            memory: self.memory,
        }
    }
}

/// Checks a plan and prints its mistakes, if any, on standard error.
pub fn checked(
    file: &PlanFile,
    choice: &BoardChoice,
    store: &ImageStore,
) -> Result<Checked, Failure> {
    file.check(choice, &|source| store.locate(source))
        .map_err(|mistakes| {
            let coloured =
                std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            eprint!(
                "{}",
                render::text(
                    &mistakes,
                    &file.path.display().to_string(),
                    &file.text,
                    coloured
                )
            );
            Failure::Explained
        })
}

impl Check {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let file = PlanFile::open(&self.plan)?;
        let store = ImageStore::new(Workspace::find().ok());
        let choice = self.board.choice();
        if self.json {
            let result = file.check(&choice, &|source| store.locate(source));
            let mistakes = result.as_ref().err().map_or(&[][..], Vec::as_slice);
            println!(
                "{}",
                render::json(mistakes, &self.plan.display().to_string(), &file.text)
            );
            return result.map(|_| ()).map_err(|_| Failure::Explained);
        }
        let checked = checked(&file, &choice, &store)?;
        let count = checked.draft.partitions.len();
        let plural = if count == 1 { "" } else { "s" };
        progress::stage(
            "Checked",
            format!(
                "{}: {count} partition{plural} on {}, no mistake",
                self.plan.display(),
                checked.board.name
            ),
        );
        Ok(())
    }
}

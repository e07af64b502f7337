//! `bulkhead run`: pack and boot in QEMU with the console attached.

use super::check::BoardArgs;
use super::pack::Job;
use crate::failure::{Failure, help_end};
use crate::machine::qemu::MachineSpec;
use crate::machine::session::{self, Wiring};
use crate::plan::load::{BoardChoice, Checked};
use crate::progress;
use crate::rom::cbfstool::Compression;
use crate::setup::programs::{self, QEMU};
use crate::size::{self, MIB};
use crate::workspace::Workspace;
use clap::Args;
use std::path::PathBuf;

/// Pack a plan and boot it in QEMU with the console on this terminal.
///
/// Ctrl-A x leaves, Ctrl-A ? lists the keys; all other keys, Ctrl-C too, go to the
/// machine. With --headless the console (COM1) and the log (COM2) are Unix sockets that
/// listen before the machine starts: raw bytes both ways, a late client first gets the last
/// 64 KiB, several clients may come at once or in turn.
#[derive(Args, Debug)]
#[command(after_help = help_end(EXAMPLES))]
pub struct Run {
    /// Plan to pack and boot.
    #[arg(long, conflicts_with_all = ["rom", "demo"])]
    plan: Option<PathBuf>,
    /// Flash image to boot as it is.
    #[arg(long, conflicts_with_all = ["demo", "payload"])]
    rom: Option<PathBuf>,
    /// Boot the demo; its image stays at target/bulkhead/demo.rom.
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    board: BoardArgs,
    /// Give up after this many seconds, with exit code 124.
    #[arg(long, value_name = "S")]
    timeout: Option<u64>,
    /// No terminal; see --console and --log.
    #[arg(long)]
    headless: bool,
    /// Socket of the console, COM1.
    #[arg(long, value_name = "SOCKET")]
    console: Option<PathBuf>,
    /// Socket of the log, COM2.
    #[arg(long, value_name = "SOCKET")]
    log: Option<PathBuf>,
    /// A payload ELF to pack instead of building one.
    #[arg(long, value_name = "ELF")]
    payload: Option<PathBuf>,
    /// Count instructions instead of time, so that runs repeat exactly.
    #[arg(long)]
    icount: bool,
    /// One more argument for QEMU; may be repeated.
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    qemu_arg: Vec<String>,
}

const EXAMPLES: &str = "\
cargo bulkhead run --demo
cargo bulkhead run --plan my.toml --cpus 4 --memory 2G
cargo bulkhead run --rom out.rom --timeout 60
cargo bulkhead run --plan my.toml --headless --console /tmp/con --log /tmp/log";

/// Machine for a ROM of unknown contents.
const DEFAULT_CPUS: u32 = 4;
const DEFAULT_MEMORY: u64 = 2 << 30;
/// Most that QEMU puts in one piece below the PCI hole.
const LOW_MEMORY: u64 = 2 << 30;

impl Run {
    /// Runs it. Must be called on the main thread.
    pub fn run(self) -> Result<(), Failure> {
        programs::ensure(&[QEMU])?;
        let (rom, cpus, memory, threads) = match &self.rom {
            Some(rom) if !rom.is_file() => {
                return Err(Failure::usage(format!(
                    "there is no ROM `{}`",
                    rom.display()
                )));
            }
            Some(rom) => (rom.clone(), DEFAULT_CPUS, DEFAULT_MEMORY, 1),
            None => self.packed()?,
        };
        let spec = MachineSpec {
            rom,
            cpus: self.board.cpus.unwrap_or(cpus),
            threads_per_core: self.board.threads_per_core.unwrap_or(threads),
            memory: self.board.memory.unwrap_or(memory),
            icount: self.icount,
            more: self.qemu_arg.clone(),
        };
        progress::stage(
            "Booting",
            format!(
                "{} CPUs, {}{}",
                spec.cpus,
                size::human(spec.memory),
                self.keys_hint()
            ),
        );
        session::run(&spec, &self.wiring())
    }

    fn keys_hint(&self) -> &'static str {
        if self.headless {
            ""
        } else {
            " (Ctrl-A x leaves, Ctrl-A ? helps)"
        }
    }

    fn packed(&self) -> Result<(PathBuf, u32, u64, u32), Failure> {
        let workspace = Workspace::find()?;
        let (plan, output) = match (&self.plan, self.demo) {
            (Some(plan), _) => (plan.clone(), workspace.products().join("run.rom")),
            (None, true) => (workspace.demo_plan(), workspace.products().join("demo.rom")),
            (None, false) => {
                return Err(Failure::usage(
                    "say what to boot: --plan PLAN, --rom ROM or --demo",
                ));
            }
        };
        let choice = BoardChoice {
            name: self.board.board.clone(),
            ..self.board.choice()
        };
        let job = Job {
            plan: &plan,
            choice: &choice,
            rom: None,
            payload: self.payload.as_deref(),
            compression: Compression::default(),
            output: &output,
        };
        let checked = job.run()?;
        if !checked.board.emulated {
            return Err(Failure::usage(format!(
                "QEMU is no {}; use `bulkhead pack`, or `run --board qemu_q35`",
                checked.board.name
            )));
        }
        let (cpus, memory) = needs(&checked);
        Ok((output, cpus, memory, checked.board.threads_per_core))
    }

    fn wiring(&self) -> Wiring {
        let products = Workspace::find().map(|workspace| workspace.products()).ok();
        Wiring {
            headless: self.headless,
            console: self.console.clone(),
            log: self.log.clone(),
            record: products
                .filter(|_| !self.headless)
                .map(|folder| folder.join("log.bin")),
            timeout: self.timeout,
        }
    }
}

/// Cores and RAM that a plan needs, with what the host and the PCI hole take.
fn needs(checked: &Checked) -> (u32, u64) {
    let partitions = &checked.draft.partitions;
    let cores = partitions
        .iter()
        .filter_map(|partition| partition.cores.as_ref())
        .flat_map(|list| list.get_ref());
    let cpus = cores
        .map(|core| core.get_ref() + 1)
        .max()
        .unwrap_or(1)
        .max(2);
    let memory: u64 = partitions
        .iter()
        .filter_map(|partition| partition.memory.as_ref())
        .map(|bytes| *bytes.get_ref())
        .sum();
    // Nested page tables and other bookkeeping grow with guest memory: 4.5 MiB per GiB, and a margin.
    let sum = memory + memory / 64 + checked.board.reserved + 128 * MIB;
    let rounded = sum.next_multiple_of(256 * MIB).max(512 * MIB);
    let split = if rounded > LOW_MEMORY { LOW_MEMORY } else { 0 };
    (cpus, (rounded + split).min(checked.board.memory))
}

//! `bulkhead pack`: payload, plan and images into a flash image.

use super::check::{BoardArgs, checked};
use crate::failure::{Failure, help_end};
use crate::image::store::ImageStore;
use crate::plan::load::{BoardChoice, Checked, PlanFile};
use crate::rom::cbfstool::Compression;
use crate::rom::{blank, pack};
use crate::setup::programs::{self, CBFSTOOL, FMAPTOOL};
use crate::setup::rust_target;
use crate::workspace::Workspace;
use crate::{cargo_build, progress, size};
use clap::Args;
use std::path::{Path, PathBuf};

/// Pack payload, plan and images into a flash image.
///
/// With --rom they are added to a coreboot ROM (a payload that is there already is
/// replaced; the given file stays as it is). Without, the result is a 16 MiB image for
/// QEMU around our own boot block. An ELF that a board would refuse is refused here.
#[derive(Args, Debug)]
#[command(after_help = help_end(EXAMPLES))]
pub struct Pack {
    /// The plan.
    #[arg(long)]
    plan: PathBuf,
    /// An existing coreboot ROM.
    #[arg(long)]
    rom: Option<PathBuf>,
    /// Where the result goes.
    #[arg(short, long)]
    output: PathBuf,
    /// Compression of the payload's segments.
    #[arg(long, value_enum, default_value_t)]
    compression: Compression,
    /// A payload ELF to pack instead of building one.
    #[arg(long, value_name = "ELF")]
    payload: Option<PathBuf>,
    #[command(flatten)]
    board: BoardArgs,
}

const EXAMPLES: &str = "\
cargo bulkhead pack --rom coreboot.rom --plan my.toml -o out.rom
cargo bulkhead pack --plan my.toml -o qemu.rom --compression none";

/// What to pack, for `pack` and `run`.
#[derive(Debug)]
pub struct Job<'a> {
    /// The plan.
    pub plan: &'a Path,
    /// What the command line says of the board.
    pub choice: &'a BoardChoice,
    /// ROM to add to, or our own blank one.
    pub rom: Option<&'a Path>,
    /// Payload ELF, or the one of this checkout.
    pub payload: Option<&'a Path>,
    /// Compression of the payload.
    pub compression: Compression,
    /// The result.
    pub output: &'a Path,
}

impl Job<'_> {
    /// Checks, builds, fetches and packs.
    pub fn run(&self) -> Result<Checked, Failure> {
        let workspace = Workspace::find().ok();
        let store = ImageStore::new(workspace.clone());
        let file = PlanFile::open(self.plan)?;
        // Before anything is built or fetched, and again when the images are there.
        let first = checked(&file, self.choice, &store)?;
        programs::ensure(&[CBFSTOOL, FMAPTOOL])?;
        let compiled = file.compile(&first)?;
        let images = compiled
            .images
            .iter()
            .map(|image| store.obtain(&image.source))
            .collect::<Result<Vec<_>, _>>()?;
        let checked = checked(&file, self.choice, &store)?;
        let payload = match self.payload {
            Some(path) => path.to_owned(),
            None => cargo_build::hypervisor(needed(&workspace)?)?,
        };
        let base = match self.rom {
            Some(path) => path.to_owned(),
            None => blank::make(needed(&workspace)?)?,
        };
        let contents = pack::Contents {
            payload: &payload,
            compression: self.compression,
            plan: &compiled,
            images: &images,
        };
        pack::pack(&base, &contents, self.output)?;
        let length = self.output.metadata().map_or(0, |data| data.len());
        progress::stage(
            "Packed",
            format!("{} ({})", self.output.display(), size::human(length)),
        );
        Ok(checked)
    }
}

fn needed(workspace: &Option<Workspace>) -> Result<&Workspace, Failure> {
    rust_target::ensure()?;
    workspace.as_ref().ok_or_else(|| {
        Failure::tool("building the payload needs a Bulkhead checkout; or give --payload and --rom")
    })
}

impl Pack {
    /// Runs it.
    pub fn run(self) -> Result<(), Failure> {
        let job = Job {
            plan: &self.plan,
            choice: &self.board.choice(),
            rom: self.rom.as_deref(),
            payload: self.payload.as_deref(),
            compression: self.compression,
            output: &self.output,
        };
        job.run().map(|_| ())
    }
}

//! From a plan to the file that goes into flash.
//!
//! Owns: packing for the catalogue. Payload, boot block and guests are built once for a
//! whole run, since every claim is about the same firmware; images then differ only in
//! what is packed around it.

use crate::boot::Boot;
use crate::rig::Board;
use anyhow::{Context, Result, anyhow, bail};
use bulkhead::cargo_build;
use bulkhead::failure::Failure;
use bulkhead::image::source::ImageSource;
use bulkhead::image::store::ImageStore;
use bulkhead::plan::load::{BoardChoice, PlanFile};
use bulkhead::plan::render;
use bulkhead::rom::{blank, pack};
use bulkhead::setup::programs;
use bulkhead::workspace::Workspace;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

/// What is built once.
struct Products {
    workspace: Workspace,
    payload: PathBuf,
    blank: PathBuf,
}

/// The ELF that every image of this run carries, with all its symbols.
pub fn payload() -> Result<PathBuf> {
    Ok(products()?.payload.clone())
}

/// The folder of everything that machines said, made when it is not there.
pub fn records() -> Result<PathBuf> {
    let workspace = Workspace::find().map_err(unsorted)?;
    let folder = workspace.target.join("hil");
    std::fs::create_dir_all(&folder).context("making target/hil")?;
    Ok(folder)
}

/// The checkout's top folder.
pub fn checkout() -> Result<PathBuf> {
    Ok(Workspace::find().map_err(unsorted)?.root)
}

/// Packs `boot` for `board` as `target/hil/NAME.rom`.
pub fn make(name: &str, boot: &Boot, board: &Board) -> Result<PathBuf> {
    let products = products()?;
    let folder = records()?;
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, boot.plan.for_board(&board.name)).context("writing the plan")?;
    let file = PlanFile::open(&path).map_err(unsorted)?;
    let store = ImageStore::new(Some(products.workspace.clone()));
    // The whole board: a machine that has less is the payload's business, and some test's.
    let choice = BoardChoice::default();
    let checked = match file.check(&choice, &|source| store.locate(source)) {
        Ok(checked) => checked,
        Err(mistakes) => bail!(
            "the test's own plan is wrong:\n{}",
            render::text(&mistakes, name, &file.text, false)
        ),
    };
    let compiled = file.compile(&checked).map_err(unsorted)?;
    let images = compiled
        .images
        .iter()
        .map(|image| obtain(&store, &image.source))
        .collect::<Result<Vec<_>>>()?;
    let contents = pack::Contents {
        payload: &products.payload,
        compression: boot.compression,
        plan: &compiled,
        images: &images,
    };
    let rom = folder.join(format!("{name}.rom"));
    let base = board.rom.as_ref().unwrap_or(&products.blank);
    pack::pack(base, &contents, &rom).map_err(unsorted)?;
    if let Some(damage) = boot.damage {
        let mut bytes = std::fs::read(&rom).context("reading the image")?;
        damage.apply(&mut bytes)?;
        std::fs::write(&rom, bytes).context("writing the damaged image")?;
    }
    Ok(rom)
}

/// The text of a failure of the host command's library.
pub fn unsorted(failure: Failure) -> anyhow::Error {
    anyhow!("{failure:#}")
}

fn products() -> Result<&'static Products> {
    static PRODUCTS: OnceLock<Result<Products, String>> = OnceLock::new();
    let made = PRODUCTS.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    made.as_ref().map_err(|text| anyhow!("{text}"))
}

fn build() -> Result<Products> {
    let workspace = Workspace::find().map_err(unsorted)?;
    programs::ensure(programs::ALL).map_err(unsorted)?;
    let payload = cargo_build::hypervisor(&workspace).map_err(unsorted)?;
    let blank = blank::make(&workspace).map_err(unsorted)?;
    Ok(Products {
        workspace,
        payload,
        blank,
    })
}

/// Each image once: cargo and the package archive are asked only the first time.
fn obtain(store: &ImageStore, source: &ImageSource) -> Result<PathBuf> {
    static OBTAINED: Mutex<BTreeMap<ImageSource, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut obtained = OBTAINED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(path) = obtained.get(source) {
        return Ok(path.clone());
    }
    let path = store.obtain(source).map_err(unsorted)?;
    obtained.insert(source.clone(), path.clone());
    Ok(path)
}

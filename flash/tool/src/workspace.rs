//! Where things lie: the source tree, the target folder and the cache.
//!
//! Owns: every path the command invents. Under `cargo run` the tree is the one
//! cargo names; a copied binary looks upward from the working folder, so it
//! also works from inside `firmware/`. Packing a given ELF into a given ROM
//! needs no tree at all, hence the lookup happens on first use.

use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// The folders of one checkout.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Top of the source tree.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// What `setup` downloads: `$BULKHEAD_CACHE`, or `target/cache`.
    pub cache: PathBuf,
}

impl Workspace {
    /// Finds the checkout that the command runs in.
    pub fn find() -> Result<Self, Failure> {
        let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => std::env::current_dir().map_err(anyhow::Error::from)?,
        };
        let root = start
            .ancestors()
            .find(|folder| is_root(folder))
            .ok_or_else(|| {
                Failure::tool("not inside a Bulkhead checkout; change into one and try again")
            })?;
        Ok(Self::at(root))
    }

    /// The checkout at `root`, with the environment's overrides.
    pub fn at(root: &Path) -> Self {
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        let cache = match std::env::var_os("BULKHEAD_CACHE") {
            Some(folder) => root.join(folder),
            None => target.join("cache"),
        };
        Self {
            root: root.to_owned(),
            target,
            cache,
        }
    }

    /// Folder of what the command makes: payload, images, logs.
    pub fn products(&self) -> PathBuf {
        self.target.join("bulkhead")
    }

    /// The unstripped ELF of the hypervisor, kept for log decoding.
    pub fn payload_elf(&self) -> PathBuf {
        self.products().join("payload.elf")
    }

    /// The plan of the demo.
    pub fn demo_plan(&self) -> PathBuf {
        self.root.join("flash/tool/plans/demo.toml")
    }
}

fn is_root(folder: &Path) -> bool {
    folder.join("firmware/abi").is_dir() && folder.join("Cargo.toml").is_file()
}

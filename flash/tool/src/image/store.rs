//! Finding or making the file behind an image reference.
//!
//! Owns: where each kind of image lies on the host. `locate` only looks, for checks;
//! `obtain` builds or fetches, for packing.

use super::source::ImageSource;
use crate::failure::Failure;
use crate::workspace::Workspace;
use crate::{cargo_build, initramfs, setup};
use std::path::PathBuf;

/// Images of one checkout; without one only plain files are found.
#[derive(Clone, Debug)]
pub struct ImageStore {
    workspace: Option<Workspace>,
}

impl ImageStore {
    /// For a checkout, or for plain files alone.
    pub fn new(workspace: Option<Workspace>) -> Self {
        Self { workspace }
    }

    /// The file, when it is there.
    pub fn locate(&self, source: &ImageSource) -> Option<PathBuf> {
        let path = match (source, &self.workspace) {
            (ImageSource::File(path), _) => path.clone(),
            (_, None) => return None,
            (ImageSource::Debian(kernel), Some(workspace)) => {
                setup::kernels::path(workspace, *kernel)
            }
            (ImageSource::InitramfsShell, Some(workspace)) => initramfs::shell::path(workspace),
            (ImageSource::Guest(name), Some(workspace)) => cargo_build::guest_path(workspace, name),
        };
        path.is_file().then_some(path)
    }

    /// The file, built or fetched when needed.
    pub fn obtain(&self, source: &ImageSource) -> Result<PathBuf, Failure> {
        if let ImageSource::File(path) = source {
            return Ok(path.clone());
        }
        let Some(workspace) = &self.workspace else {
            return Err(Failure::tool(format!(
                "`{source}` can only be made inside a Bulkhead checkout"
            )));
        };
        match source {
            ImageSource::File(path) => Ok(path.clone()),
            ImageSource::Debian(kernel) => setup::kernels::obtain(workspace, *kernel),
            ImageSource::InitramfsShell => initramfs::shell::obtain(workspace),
            ImageSource::Guest(name) => cargo_build::guest(workspace, name),
        }
    }
}

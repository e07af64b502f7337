//! The value of `image`, `initrd` and `file` in a plan.
//!
//! Owns: the reference grammar: a path, `debian:RELEASE`, `initramfs:shell`
//! or `guest:NAME`; and the name an image gets in CBFS.

use std::path::{Path, PathBuf};

/// A Debian kernel that `setup` can fetch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum DebianKernel {
    /// bookworm, all drivers.
    V6_1,
    /// bookworm, drivers of virtual machines only.
    V6_1Cloud,
    /// bookworm-backports, all drivers.
    V6_12,
    /// bookworm-backports, drivers of virtual machines only.
    V6_12Cloud,
}

impl DebianKernel {
    /// All four.
    pub const ALL: [Self; 4] = [Self::V6_1, Self::V6_1Cloud, Self::V6_12, Self::V6_12Cloud];

    /// The word behind `debian:`.
    pub fn word(self) -> &'static str {
        match self {
            Self::V6_1 => "6.1",
            Self::V6_1Cloud => "6.1-cloud",
            Self::V6_12 => "6.12",
            Self::V6_12Cloud => "6.12-cloud",
        }
    }

    /// The Debian package that always depends on the newest build.
    pub fn metapackage(self) -> &'static str {
        match self {
            Self::V6_1 | Self::V6_12 => "linux-image-amd64",
            Self::V6_1Cloud | Self::V6_12Cloud => "linux-image-cloud-amd64",
        }
    }

    /// The Debian suite it comes from.
    pub fn suite(self) -> &'static str {
        match self {
            Self::V6_1 | Self::V6_1Cloud => "bookworm",
            Self::V6_12 | Self::V6_12Cloud => "bookworm-backports",
        }
    }
}

/// Where an image comes from.
#[derive(Clone, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum ImageSource {
    /// A file; relative paths start at the plan's folder.
    File(PathBuf),
    /// A Debian kernel of the cache.
    Debian(DebianKernel),
    /// The initramfs with a shell that the command makes itself.
    InitramfsShell,
    /// A bare-metal guest of this checkout, built on demand.
    Guest(String),
}

impl ImageSource {
    /// Reads a reference.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("write a path, or a reference such as \"debian:6.1-cloud\"".into());
        }
        let Some((scheme, rest)) = text.split_once(':') else {
            return Ok(Self::File(text.into()));
        };
        match scheme {
            "debian" => DebianKernel::ALL
                .into_iter()
                .find(|kernel| kernel.word() == rest)
                .map(Self::Debian)
                .ok_or_else(|| format!("the kernels are: {}", DebianKernel::ALL.map(|k| format!("debian:{}", k.word())).join(", "))),
            "initramfs" if rest == "shell" => Ok(Self::InitramfsShell),
            "initramfs" => Err("write \"initramfs:shell\"".into()),
            "guest" if is_plain(rest) => Ok(Self::Guest(rest.into())),
            "guest" => Err("write \"guest:NAME\" with the name of a program under guests/".into()),
            _ if text.contains('/') => Ok(Self::File(text.into())),
            _ => Err("the references are debian:, initramfs: and guest:; a path with a colon needs a ./ before it".into()),
        }
    }

    /// The same source with a relative path made relative to `folder`.
    pub fn below(&self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            other => other.clone(),
        }
    }

    /// A name for CBFS listings; not yet unique.
    pub fn cbfs_stem(&self) -> String {
        match self {
            Self::File(path) => path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            Self::Debian(kernel) => format!("debian-{}", kernel.word()),
            Self::InitramfsShell => "initramfs-shell".into(),
            Self::Guest(name) => format!("guest-{name}"),
        }
    }
}

impl std::fmt::Display for ImageSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Debian(kernel) => write!(f, "debian:{}", kernel.word()),
            Self::InitramfsShell => write!(f, "initramfs:shell"),
            Self::Guest(name) => write!(f, "guest:{name}"),
        }
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_print_as_they_were_written() {
        for text in [
            "debian:6.12-cloud",
            "initramfs:shell",
            "guest:hello",
            "images/vmlinuz",
            "./a:b",
        ] {
            assert_eq!(
                ImageSource::parse(text).map(|s| s.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn an_unknown_kernel_lists_the_known_ones() {
        assert!(
            ImageSource::parse("debian:7.0")
                .unwrap_err()
                .contains("debian:6.12-cloud")
        );
        assert!(ImageSource::parse("docker:x").is_err());
        assert!(ImageSource::parse("guest:../x").is_err());
    }
}

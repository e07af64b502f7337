//! A private apt root: packages of any Debian suite without touching the system.
//!
//! Owns: the option list that points apt's state, cache and sources at our cache folder.
//! One root a suite, so that a name means one version. apt checks signatures and
//! digests as it always does.

use super::sources::{self, Mirror};
use crate::failure::Failure;
use crate::{program, progress};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// apt for one suite.
#[derive(Debug)]
pub struct PrivateApt {
    root: PathBuf,
    suite: String,
}

/// What the archive says of a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Bytes of the .deb.
    pub size: u64,
    /// Names it depends on.
    pub depends: Vec<String>,
}

impl PrivateApt {
    /// Prepares the root of `suite` under `cache` and fetches its package list.
    pub fn update(cache: &Path, suite: &str) -> Result<Self, Failure> {
        let mirror = sources::mirror(Path::new("/etc/apt")).ok_or_else(|| {
            Failure::tool(
                "no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d; kernels come from there. \
                 Name a kernel file in the plan (`image = \"path/to/vmlinuz\"`) to do without",
            )
        })?;
        let apt = Self {
            root: cache.join("apt").join(suite),
            suite: suite.into(),
        };
        apt.prepare(&mirror)?;
        let bar = progress::spinner("Fetching", format!("package list of {suite}"));
        let done = program::run(apt.apt("apt-get").arg("update"));
        bar.finish_and_clear();
        done.with_context(|| format!("the package list of {suite} cannot be fetched"))?;
        Ok(apt)
    }

    fn prepare(&self, mirror: &Mirror) -> anyhow::Result<()> {
        for folder in [
            "sources",
            "lists/partial",
            "cache/archives/partial",
            "download",
        ] {
            std::fs::create_dir_all(self.root.join(folder))
                .with_context(|| format!("making the cache `{}`", self.root.display()))?;
        }
        std::fs::write(
            self.root.join("sources/debian.sources"),
            mirror.stanza(&self.suite),
        )
        .context("private apt sources")
    }

    fn apt(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        let path = |part: &str| self.root.join(part).display().to_string();
        let options = [
            ("Dir::Etc::sourcelist", "/dev/null".into()),
            ("Dir::Etc::sourceparts", path("sources")),
            ("Dir::Etc::preferences", "/dev/null".into()),
            ("Dir::Etc::preferencesparts", "/dev/null".into()),
            ("Dir::State::lists", path("lists")),
            ("Dir::State::status", "/dev/null".into()),
            ("Dir::Cache", path("cache")),
            ("APT::Architecture", "amd64".into()),
            ("APT::Architectures", "amd64".into()),
            ("APT::Sandbox::User", "root".into()),
            ("Acquire::Languages", "none".into()),
            (
                "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled",
                "false".into(),
            ),
        ];
        for (key, value) in options {
            command.arg("-o").arg(format!("{key}={value}"));
        }
        command
            .env("LC_ALL", "C")
            .current_dir(self.root.join("download"));
        command
    }

    /// Looks a package up.
    pub fn show(&self, name: &str) -> Result<Package, Failure> {
        let output = program::run(
            self.apt("apt-cache")
                .args(["show", "--no-all-versions", name]),
        )?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let missing = || Failure::tool(format!("{} has no package `{name}`", self.suite));
        parse_package(&text).ok_or_else(missing)
    }

    /// Downloads a package and returns the .deb; the caller removes it.
    pub fn download(&self, package: &Package) -> Result<PathBuf, Failure> {
        let folder = self.root.join("download");
        for stale in debs(&folder) {
            let _ = std::fs::remove_file(stale);
        }
        let exact = format!("{}={}", package.name, package.version);
        let mut child = self
            .apt("apt-get")
            .args(["download", &exact])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start apt-get")?;
        let bar = progress::bytes("Fetching", package.name.clone(), package.size);
        while child.try_wait().context("waiting for apt-get")?.is_none() {
            std::thread::sleep(Duration::from_millis(150));
            let length = debs(&folder)
                .first()
                .and_then(|file| file.metadata().ok())
                .map_or(0, |data| data.len());
            bar.set_position(length);
        }
        bar.finish_and_clear();
        let output = child.wait_with_output().context("waiting for apt-get")?;
        let deb = debs(&folder)
            .into_iter()
            .next()
            .filter(|_| output.status.success());
        deb.ok_or_else(|| {
            Failure::tool(format!(
                "`{exact}` cannot be fetched:\n{}",
                program::tail(&output.stderr, 8)
            ))
        })
    }
}

fn debs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .collect()
}

fn parse_package(text: &str) -> Option<Package> {
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let depends = field("Depends:").unwrap_or_default().split(',');
    Some(Package {
        name: field("Package:")?.into(),
        version: field("Version:")?.into(),
        size: field("Size:")?.parse().ok()?,
        depends: depends
            .filter_map(|entry| entry.split_whitespace().next())
            .map(str::to_owned)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metapackage_names_the_package_behind_it() {
        let text = "Package: linux-image-amd64\nVersion: 6.1.1-1\nDepends: linux-image-6.1.0-5-amd64 (= 6.1.1-1)\nSize: 1500\n";
        let package = parse_package(text).expect("complete");
        assert_eq!(package.depends, ["linux-image-6.1.0-5-amd64"]);
        assert_eq!(parse_package("Package: x\n"), None);
    }
}

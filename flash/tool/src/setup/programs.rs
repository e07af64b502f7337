//! The Debian packages that the command calls.
//!
//! Owns: the list of programs with their packages and oldest versions, and their
//! installation. Root gets them installed; anybody else gets the line to run as root.

use crate::failure::Failure;
use crate::{program, progress};
use anyhow::Context;
use std::path::PathBuf;
use std::process::Command;

/// One program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its file name.
    pub name: &'static str,
    /// Debian package.
    pub package: &'static str,
    /// Oldest major and minor version that works, where that matters.
    pub oldest: Option<(u32, u32)>,
}

/// QEMU: before 7.2 its nested paging does not carry a guest Linux.
pub const QEMU: Program = Program {
    name: "qemu-system-x86_64",
    package: "qemu-system-x86",
    oldest: Some((7, 2)),
};
/// Flash images; the versions of coreboot-utils cannot be asked for.
pub const CBFSTOOL: Program = Program {
    name: "cbfstool",
    package: "coreboot-utils",
    oldest: None,
};
/// Flash maps.
pub const FMAPTOOL: Program = Program {
    name: "fmaptool",
    package: "coreboot-utils",
    oldest: None,
};
/// The user land of the initramfs; must be the static build.
pub const BUSYBOX: Program = Program {
    name: "busybox",
    package: "busybox-static",
    oldest: Some((1, 30)),
};

/// All of them.
pub const ALL: &[Program] = &[QEMU, CBFSTOOL, FMAPTOOL, BUSYBOX];

impl Program {
    /// The program's file, when it is installed.
    pub fn path(&self) -> Option<PathBuf> {
        let path = program::find(self.name)?;
        let usable = self.name != BUSYBOX.name || is_static(&path);
        usable.then_some(path)
    }

    /// Its version, where it can be asked for.
    pub fn version(&self) -> Option<(u32, u32)> {
        let argument = if self.name == BUSYBOX.name {
            "--help"
        } else {
            "--version"
        };
        let output = Command::new(self.path()?).arg(argument).output().ok()?;
        version_in(&String::from_utf8_lossy(
            &[output.stdout, output.stderr].concat(),
        ))
    }

    /// Refuses a version that is too old.
    pub fn check_version(&self) -> Result<(), Failure> {
        let (Some(oldest), Some(found)) = (self.oldest, self.version()) else {
            return Ok(());
        };
        if found >= oldest {
            return Ok(());
        }
        let text = |(major, minor): (u32, u32)| format!("{major}.{minor}");
        Err(Failure::tool(format!(
            "`{}` is version {}, {} or newer is needed",
            self.name,
            text(found),
            text(oldest)
        )))
    }
}

/// Makes sure that `programs` are there, installing what is missing when we are root.
pub fn ensure(programs: &[Program]) -> Result<(), Failure> {
    let mut missing: Vec<_> = programs
        .iter()
        .filter(|program| program.path().is_none())
        .map(|program| program.package)
        .collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!(
        "apt-get install --no-install-recommends {}",
        missing.join(" ")
    );
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::tool(format!(
            "missing: {}. Run this as root, then try again:\n    {line}",
            missing.join(", ")
        )));
    }
    progress::stage("Installing", missing.join(", "));
    let apt = |arguments: &[&str]| {
        program::run(
            Command::new("apt-get")
                .env("DEBIAN_FRONTEND", "noninteractive")
                .args(arguments),
        )
    };
    apt(&["-q", "update"]).context("the package lists cannot be fetched")?;
    let install = [
        &["-q", "-y", "install", "--no-install-recommends"][..],
        &missing,
    ]
    .concat();
    apt(&install).with_context(|| format!("cannot install; by hand: {line}"))?;
    match programs.iter().find(|program| program.path().is_none()) {
        Some(absent) => Err(Failure::tool(format!(
            "`{}` is still missing after `{line}`",
            absent.name
        ))),
        None => Ok(()),
    }
}

/// Whether an ELF needs no interpreter; the plain `busybox` package is dynamic.
fn is_static(path: &std::path::Path) -> bool {
    use object::read::elf::{FileHeader, ProgramHeader};
    let Ok(file) = std::fs::read(path) else {
        return false;
    };
    let parsed = object::elf::FileHeader64::<object::Endianness>::parse(&*file);
    let segments = parsed.and_then(|header| {
        Ok((
            header.endian()?,
            header.program_headers(header.endian()?, &*file)?,
        ))
    });
    segments.is_ok_and(|(endian, list)| {
        list.iter()
            .all(|segment| segment.p_type(endian) != object::elf::PT_INTERP)
    })
}

/// The first `N.N` in a text.
fn version_in(text: &str) -> Option<(u32, u32)> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .find_map(|word| {
            let mut parts = word.split('.');
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        assert_eq!(
            version_in("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)"),
            Some((7, 2))
        );
        assert_eq!(
            version_in("BusyBox v1.35.0 (Debian 1:1.35.0-4) multi-call binary"),
            Some((1, 35))
        );
        assert_eq!(version_in("no number"), None);
    }
}

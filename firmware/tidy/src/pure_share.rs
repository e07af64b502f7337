//! The pure share: how much of the firmware cannot hold unsafe code at all.

use crate::size;
use crate::tree::SourceFile;

/// Crates of the image that forbid unsafe code.
const PURE: [&str; 4] = [
    "firmware/hvcore/src/",
    "firmware/svm/src/",
    "firmware/abi/src/",
    "board/src/",
];
/// Crates of the image that do not.
const IMPURE: [&str; 2] = ["firmware/metal/src/", "firmware/hypervisor/src/"];

/// Lines of the image, without tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Share {
    /// In crates that forbid unsafe code.
    pub pure: usize,
    /// In all crates of the image.
    pub all: usize,
}

impl Share {
    /// At least two thirds are pure.
    pub fn holds(self) -> bool {
        self.pure * 3 >= self.all * 2
    }
}

/// Counts both.
pub fn measure(files: &[SourceFile]) -> Share {
    let count = |crates: &[&str]| {
        let ours = files.iter().filter(|file| {
            file.is_rust() && crates.iter().any(|folder| file.path.starts_with(folder))
        });
        ours.map(size::lines).sum()
    };
    let pure: usize = count(&PURE);
    Share {
        pure,
        all: pure + count(&IMPURE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_two_thirds_is_caught() {
        let files = |pure| {
            [
                SourceFile::sample("firmware/hvcore/src/a.rs", &"x\n".repeat(pure)),
                SourceFile::sample("firmware/metal/src/b.rs", &"x\n".repeat(50)),
            ]
        };
        assert!(!measure(&files(99)).holds());
        assert!(measure(&files(100)).holds());
    }
}

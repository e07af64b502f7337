//! The tree: which files there are, and how a finding is written down.
//!
//! Build products and the version store are left out by name, since no other
//! folder of the workspace is generated.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// One file of the tree, read as text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path from the workspace root, with forward slashes.
    pub path: String,
    /// Its text; bytes that are not UTF-8 are replaced.
    pub text: String,
}

impl SourceFile {
    /// A file that exists only in a test.
    pub fn sample(path: &str, text: &str) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    /// Whether this is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether this is test code by its place or name.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.starts_with("hil-tests/")
    }

    /// A finding at a line, counted from 1.
    pub fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }
}

/// A rule broken somewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Path from the workspace root.
    pub path: String,
    /// Line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// The workspace root, above this crate.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every text file of the tree, in order of path.
pub fn files() -> Vec<SourceFile> {
    let (root, mut found) = (root(), Vec::new());
    collect(&root, &root, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<SourceFile>) {
    let entries = fs::read_dir(folder).expect("the folder was just listed");
    for entry in entries.map(|entry| entry.expect("readable entry")) {
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().expect("file type").is_symlink() {
            continue;
        }
        if path.is_dir() {
            if name != "target" && name != ".git" {
                collect(root, &path, found);
            }
        } else if is_text(&path) && name != ".git" {
            let relative = path.strip_prefix(root).expect("below the root");
            let bytes = fs::read(&path).expect("readable file");
            found.push(SourceFile {
                path: relative.to_string_lossy().replace('\\', "/"),
                text: String::from_utf8_lossy(&bytes).into_owned(),
            });
        }
    }
}

fn is_text(path: &Path) -> bool {
    const KINDS: [&str; 12] = [
        "rs", "toml", "md", "S", "ld", "out", "sh", "asl", "fmd", "json", "txt", "config",
    ];
    let kind = path.extension().and_then(|kind| kind.to_str());
    kind.is_none_or(|kind| KINDS.contains(&kind))
}

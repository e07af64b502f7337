//! Names: files say what they hold, tests say what they claim.

use crate::code;
use crate::tree::{Finding, SourceFile};

/// Names that hold anything and so say nothing.
const EMPTY_NAMES: [&str; 7] = [
    "util", "utils", "misc", "common", "helper", "helpers", "types",
];

/// A file or folder with a name that says nothing.
pub fn check_path(file: &SourceFile) -> Option<Finding> {
    let parts = file
        .path
        .split('/')
        .map(|part| part.split('.').next().unwrap_or(part));
    let empty = parts.into_iter().find(|part| EMPTY_NAMES.contains(part))?;
    Some(file.finding(1, format!("`{empty}` says nothing about what is in it")))
}

/// Tests whose name begins with `test_` instead of being a claim.
pub fn check_tests(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() {
        return Vec::new();
    }
    let blank = code::blanked(&file.text);
    let mut after_attribute = false;
    let mut found = Vec::new();
    for (at, line) in blank.lines().enumerate() {
        after_attribute |= line.contains("#[test]");
        if let Some((_, name)) = line.split_once("fn ") {
            let is_prefixed = name.starts_with(concat!("test", "_"));
            if after_attribute && is_prefixed {
                found.push(file.finding(at + 1, "a test name is a claim, without a prefix"));
            }
            after_attribute = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_holds_anything_is_caught() {
        for path in [
            "a/src/util.rs",
            "a/helpers/b.rs",
            "types.rs",
            "a/common/mod.rs",
        ] {
            assert!(
                check_path(&SourceFile::sample(path, "")).is_some(),
                "{path}"
            );
        }
        assert!(check_path(&SourceFile::sample("a/src/utility_bill.rs", "")).is_none());
    }

    #[test]
    fn a_test_prefix_is_caught_only_on_tests() {
        let text = concat!("#[test]\nfn test", "_it() {}\nfn test", "_rig() {}\n");
        let found = check_tests(&SourceFile::sample("a.rs", text));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 2);
    }
}

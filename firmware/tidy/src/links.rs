//! Links of our own documents lead somewhere.

use crate::tree::{Finding, SourceFile};

/// Relative links of a document whose target `exists` does not know. It is asked
/// for paths from the workspace root.
pub fn check(file: &SourceFile, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    if !file.path.ends_with(".md") {
        return Vec::new();
    }
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for link in line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            if !exists(&resolved(folder, target)) {
                found.push(file.finding(at + 1, format!("`{target}` does not exist")));
            }
        }
    }
    found
}

fn resolved(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_link_is_caught() {
        let text = "[a](src/a.rs) [b](../b.rs#L1) [c](https://example.org) [d](src/d.rs)";
        let file = SourceFile::sample("firmware/x/README.md", text);
        let found = check(&file, |path| {
            ["firmware/x/src/a.rs", "firmware/b.rs"].contains(&path)
        });
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("src/d.rs"));
    }
}

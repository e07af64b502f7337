//! Every Rust file opens with a header whose first line fits a listing.

use crate::tree::{Finding, SourceFile};

/// Longest subtitle, in characters: under 80.
const SUBTITLE: usize = 79;

/// Files without a header, or with a subtitle that is too long.
pub fn check(file: &SourceFile) -> Option<Finding> {
    if !file.is_rust() {
        return None;
    }
    let first = file.text.lines().next().unwrap_or_default();
    match first.strip_prefix("//! ") {
        None => Some(file.finding(1, "no `//!` header")),
        Some(subtitle) if subtitle.chars().count() > SUBTITLE => {
            Some(file.finding(1, "the subtitle has 80 characters or more"))
        }
        Some("Skeleton.") => Some(file.finding(1, "the header says nothing")),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> bool {
        check(&SourceFile::sample("a.rs", text)).is_some()
    }

    #[test]
    fn a_missing_or_long_header_is_caught() {
        assert!(refused("fn main() {}"));
        assert!(refused(""));
        assert!(refused("//! Skeleton.\n"));
        assert!(refused(&format!("//! {}\n", "x".repeat(80))));
        assert!(!refused(&format!("//! {}\n", "x".repeat(79))));
    }
}

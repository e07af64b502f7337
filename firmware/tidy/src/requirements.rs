//! Requirements: each is shown by a test, or says why it does not apply.
//!
//! The list is `firmware/design/requirements-trace.md`, one table row each:
//! `| ID | what it asks | - |` must be carried by a test, written exactly so in
//! its doc comment; anything else in the third column is the reason why no test
//! of this release carries it; `waiting: FOR WHAT` accepts one. An identifier in
//! the tree that the list does not have is a mistake too.

use crate::code;
use crate::tree::{Finding, SourceFile};
use std::collections::{BTreeMap, BTreeSet};

/// The list, from the workspace root.
pub const LIST: &str = "firmware/design/requirements-trace.md";

const FAMILIES: [&str; 10] = [
    "R000", "R001", "R002", "R003", "R004", "KICK", "MMU", "PLT", "APF", "AVIC",
];
const SHORT_FAMILIES: [&str; 2] = ["H", "J"];

/// Begins the reason of a row whose test is on its way.
pub const WAITING: &str = "waiting: ";

/// One row of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requirement {
    /// Its line in the list, from 1.
    pub line: usize,
    /// Why no test carries it; `None` when one must.
    pub reason: Option<String>,
}

/// The rows of the list by identifier; the findings are malformed rows.
pub fn parse(list: &SourceFile) -> (BTreeMap<String, Requirement>, Vec<Finding>) {
    let (mut rows, mut found) = (BTreeMap::new(), Vec::new());
    for (at, line) in list.text.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let &["", id, meaning, reason, ""] = &cells[..] else {
            continue;
        };
        if identifiers(id).next().is_none() {
            continue;
        }
        let reason = (reason != "-").then(|| reason.to_string());
        let too_short = meaning.len() < 12 || reason.as_ref().is_some_and(|why| why.len() < 12);
        if too_short {
            found.push(list.finding(at + 1, format!("{id}: a meaning and a reason, in words")));
        }
        let row = Requirement {
            line: at + 1,
            reason,
        };
        if rows.insert(id.to_string(), row).is_some() {
            found.push(list.finding(at + 1, format!("{id} is listed twice")));
        }
    }
    (rows, found)
}

/// Rows that no test carries and no reason excuses, and identifiers of the tree
/// that no row explains.
pub fn check(list: &SourceFile, files: &[SourceFile]) -> Vec<Finding> {
    let (rows, mut found) = parse(list);
    let mut carried = BTreeSet::new();
    for file in files
        .iter()
        .filter(|file| file.path != LIST && !file.path.starts_with("firmware/tidy/src/"))
    {
        let proofs = proof_lines(file);
        for (at, line) in file.text.lines().enumerate() {
            for id in identifiers(line) {
                if !rows.contains_key(id) {
                    found.push(file.finding(at + 1, format!("{id} is not in the list")));
                } else if proofs.get(at).copied().unwrap_or(false) {
                    carried.insert(id.to_string());
                }
            }
        }
    }
    for (id, row) in &rows {
        match (&row.reason, carried.contains(id)) {
            (None, false) => {
                found.push(list.finding(row.line, format!("{id}: no test carries it")))
            }
            (Some(why), true) if !why.starts_with(WAITING) => {
                found.push(list.finding(
                    row.line,
                    format!("{id}: a test carries it, drop the reason"),
                ));
            }
            (None, true) | (Some(_), _) => {}
        }
    }
    found
}

/// For each line, whether an identifier there is carried by something that can
/// fail: a test, a probe, or a proof at compile time.
fn proof_lines(file: &SourceFile) -> Vec<bool> {
    let count = file.text.lines().count();
    if !file.is_rust() {
        return vec![false; count];
    }
    let everywhere = file.is_test()
        || file.path.starts_with("guests/probes/src/")
        || file.path.contains("/src/suite");
    if everywhere {
        return vec![true; count];
    }
    let mut marks = code::test_lines(&code::blanked(&file.text));
    let lines: Vec<&str> = file.text.lines().collect();
    for at in 0..lines.len() {
        if lines[at].trim_start().starts_with("const _: () =") {
            let comment = lines[..at]
                .iter()
                .rev()
                .take_while(|line| line.trim_start().starts_with("//"));
            let from = at - comment.count();
            marks[from..=at].fill(true);
        }
    }
    marks
}

/// Requirement identifiers in a line: a family, a dash, two digits.
pub fn identifiers(line: &str) -> impl Iterator<Item = &str> {
    let families = FAMILIES.iter().chain(&SHORT_FAMILIES);
    families.flat_map(move |family| {
        line.match_indices(family).filter_map(move |(at, _)| {
            let end = at + family.len() + 3;
            let id = line.get(at..end)?;
            let digits = id.get(family.len()..)?.strip_prefix('-')?;
            let bytes = line.as_bytes();
            let whole = !at
                .checked_sub(1)
                .is_some_and(|before| code::is_word(bytes[before]))
                && !bytes.get(end).is_some_and(|&b| code::is_word(b));
            (whole && digits.bytes().all(|b| b.is_ascii_digit())).then_some(id)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "| ID | asks | excuse |\n|---|---|---|\n\
        | PLT-08 | xAPIC only is offered | - |\n\
        | AVIC-11 | the doorbell is rung in the guest | needs AVIC, a later release |\n";

    fn findings(path: &str, text: &str) -> Vec<String> {
        let list = SourceFile::sample(LIST, ROWS);
        let file = SourceFile::sample(path, text);
        check(&list, &[list.clone(), file])
            .into_iter()
            .map(|f| f.what)
            .collect()
    }

    #[test]
    fn a_requirement_without_a_test_is_caught() {
        assert_eq!(
            findings("firmware/a/tests/b.rs", "/// PLT-08: shown").len(),
            0
        );
        assert_eq!(
            findings("firmware/a/src/b.rs", "/// PLT-08: only told").len(),
            1
        );
        assert_eq!(
            findings(
                "firmware/a/src/b.rs",
                "#[cfg(test)]\nmod t {\n/// PLT-08\n}"
            )
            .len(),
            0
        );
        assert_eq!(
            findings(
                "firmware/a/src/b.rs",
                "// PLT-08\nconst _: () = assert!(X);"
            )
            .len(),
            0
        );
    }

    #[test]
    fn an_unlisted_identifier_and_a_stale_reason_are_caught() {
        let carried = "/// PLT-08 PLT-99";
        assert!(findings("firmware/a/tests/b.rs", carried)[0].contains("PLT-99"));
        let stale = "/// PLT-08, AVIC-11";
        assert!(findings("firmware/a/tests/b.rs", stale)[0].contains("drop the reason"));
    }

    #[test]
    fn a_waiting_row_accepts_its_test_whenever_it_comes() {
        let text = ROWS.replace(
            "needs AVIC, a later release",
            "waiting: the doorbell's model",
        );
        let list = SourceFile::sample(LIST, &text);
        let shown = SourceFile::sample("firmware/a/tests/b.rs", "/// PLT-08");
        let both = SourceFile::sample("firmware/a/tests/b.rs", "/// PLT-08, AVIC-11");
        assert!(check(&list, &[shown]).is_empty());
        assert!(check(&list, &[both]).is_empty());
    }

    #[test]
    fn a_row_without_words_or_twice_is_caught() {
        let text = "| PLT-08 | x | - |\n| PLT-09 | a long enough line | no |\n| PLT-09 | a long enough line | - |\n";
        assert_eq!(parse(&SourceFile::sample(LIST, text)).1.len(), 3);
    }

    #[test]
    fn an_identifier_is_a_whole_word() {
        let line = "PLT-08, (R000-17) XPLT-08 PLT-081 PLT-8 PLT-1x";
        assert_eq!(identifiers(line).collect::<Vec<_>>(), ["R000-17", "PLT-08"]);
    }
}

//! Every memory ordering says which pair it belongs to.
//!
//! R000-18: the value a lock-free read sees is unstable by design; the code must
//! say so beside the read. Accepted on the line or in the comment within five
//! lines above it: a pair (`P1` to `P11`), `pair: NAME` for a hand-shake outside
//! that list, or `no pair: REASON`. A file that is one shared place may instead
//! name its pair in its header. The modules that implement the protocols of rings
//! and locks, and the import of atomics, explain themselves as a whole.

use crate::code;
use crate::tree::{Finding, SourceFile};

const EXEMPT: [&str; 5] = [
    "firmware/hvcore/src/sync.rs",
    "firmware/hvcore/src/ring/",
    "firmware/hvcore/src/lock.rs",
    "firmware/metal/src/lock.rs",
    // A fake machine in one thread.
    "firmware/testkit/",
];
const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
/// How far above the use its comment may stand, in lines.
const REACH: usize = 5;

/// Orderings without a tag.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    let in_scope = file.is_rust()
        && file.path.starts_with("firmware/")
        && file.path.contains("/src/")
        && !EXEMPT.iter().any(|exempt| file.path.starts_with(exempt));
    let header = file.text.lines().take_while(|line| line.starts_with("//!"));
    if !in_scope || header.into_iter().any(names_pair) {
        return Vec::new();
    }
    let blank = code::blanked(&file.text);
    let marks = code::test_lines(&blank);
    let text: Vec<&str> = file.text.lines().collect();
    let uses = blank
        .lines()
        .enumerate()
        .filter(|(at, line)| !marks[*at] && names_ordering(line));
    uses.filter(|(at, _)| !is_tagged(&text, *at))
        .map(|(at, _)| file.finding(at + 1, "an ordering without its pair"))
        .collect()
}

fn names_ordering(line: &str) -> bool {
    ORDERINGS
        .iter()
        .any(|name| line.contains(&format!("Ordering::{name}")))
}

fn is_tagged(text: &[&str], at: usize) -> bool {
    let from = at.saturating_sub(REACH);
    let near = text.get(from..=at).unwrap_or_default();
    let comments = near.iter().filter_map(|line| line.split_once("//"));
    comments.into_iter().any(|(_, comment)| is_tag(comment))
}

fn is_tag(comment: &str) -> bool {
    let lower = comment.to_lowercase();
    let reason = lower
        .split_once(": ")
        .filter(|(before, _)| code::has_word(before, "pair"));
    names_pair(comment) || reason.is_some_and(|(_, reason)| reason.len() > 5)
}

fn names_pair(comment: &str) -> bool {
    let pairs = (1..=11).map(|number| format!("P{number}"));
    pairs.into_iter().any(|pair| code::has_word(comment, &pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught(path: &str, text: &str) -> usize {
        check(&SourceFile::sample(path, text)).len()
    }

    #[test]
    fn an_ordering_without_its_pair_is_caught() {
        let place = "firmware/hvcore/src/kick/wake.rs";
        assert_eq!(caught(place, "x.load(Ordering::Relaxed);"), 1);
        assert_eq!(
            caught(place, "x.load(Ordering::Relaxed); // P4: stale is harmless"),
            0
        );
        assert_eq!(
            caught(
                place,
                "// P4: stale is harmless\nx.load(Ordering::Acquire);"
            ),
            0
        );
        assert_eq!(
            caught(place, "// P12: no such pair\nx.load(Ordering::Acquire);"),
            1
        );
        assert_eq!(
            caught(place, "// no pair: a counter\nx.load(Ordering::Relaxed);"),
            0
        );
        let far = format!(
            "// P4: far away\n{}x.load(Ordering::Relaxed);",
            "y();\n".repeat(REACH)
        );
        assert_eq!(caught(place, &far), 1);
        assert_eq!(caught(place, "a.cmp(b) == Ordering::Less"), 0);
        assert_eq!(
            caught(
                "firmware/hvcore/src/ring/index.rs",
                "x.load(Ordering::Relaxed);"
            ),
            0
        );
    }
}

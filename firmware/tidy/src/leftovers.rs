//! What work leaves behind: marks of things undone, and paths of one machine.

use crate::tree::{Finding, SourceFile};

const UNDONE: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("dbg", "!("),
];

/// Beginnings of paths that exist on somebody's machine only.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
    concat!("/tmp", "/su"),
];

/// Marks of things undone.
pub fn check_undone(file: &SourceFile) -> Vec<Finding> {
    lines_with(file, &UNDONE, "something is left undone")
}

/// Paths of one machine.
pub fn check_paths(file: &SourceFile) -> Vec<Finding> {
    lines_with(file, &MACHINE_PATHS, "a path of one machine")
}

fn lines_with(file: &SourceFile, words: &[&str], what: &str) -> Vec<Finding> {
    let lines = file.text.lines().enumerate();
    lines
        .filter(|(_, line)| words.iter().any(|word| stands_alone(line, word)))
        .map(|(at, _)| file.finding(at + 1, what))
        .collect()
}

/// Not inside a longer word or path.
fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).map(|at| line.as_bytes()[at]);
        !before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'}' || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_and_each_path_is_caught() {
        for word in UNDONE {
            let text = format!("fine\nlet x = {word}\n");
            assert_eq!(
                check_undone(&SourceFile::sample("a.rs", &text))[0].line,
                2,
                "{word}"
            );
        }
        for path in MACHINE_PATHS {
            let file = SourceFile::sample("a.md", &format!("see `{path}me/x`"));
            assert_eq!(check_paths(&file).len(), 1, "{path}");
        }
        let ours = SourceFile::sample("a.md", concat!("guests/wo", "rk/x"));
        assert!(check_paths(&ours).is_empty());
    }
}

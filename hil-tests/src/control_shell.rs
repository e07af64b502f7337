//! Commands of the control shell, and their answers as rows.
//!
//! Owns: the shell's prompt and greeting as a rig sees them, and reading the lines of
//! JSON that `ps json` and its like print. Tests read those, not the tables for people.

use crate::console::Console;
use anyhow::{Context, Result};
use serde_json::Value;
use std::time::Duration;

/// The prompt.
pub const PROMPT: &str = "bulkhead> ";
/// Beginning of the line that a guest's console starts with.
pub const ARRIVAL: &str = "[console of ";

/// A line that is no command; the refusal of it stands behind the answer to the line before.
const MARK: &str = "zz-42";

/// Runs `command` and gives its answer, with whatever notices came meanwhile.
pub fn run(console: &mut Console, command: &str, wait: Duration) -> Result<String> {
    let place = || format!("in the control shell: {command}");
    // A notice draws the prompt anew, so a prompt does not show that the answer is complete.
    let lines = format!("{command}\r{MARK}\r");
    console.send(lines.as_bytes()).with_context(place)?;
    let end = format!("there is no command {MARK}");
    let answer = console.expect(&end, wait).with_context(place)?;
    console.expect(PROMPT, wait).with_context(place)?;
    Ok(answer)
}

/// What guests said, without what the firmware said between their words: notices, and the
/// epitaph that may precede one.
pub fn without_notices(said: &str) -> String {
    let mut words = String::new();
    let mut rest = said;
    while let Some((before, notice)) = rest.split_once("\n[partition ") {
        let epitaph = before.find(" died on vCPU ");
        let begin = epitaph.and_then(|at| before[..at].rfind("\npartition "));
        words.push_str(begin.map_or(before, |at| before[..at].trim_end_matches('\n')));
        rest = notice.split_once("]\n").map_or("", |(_, behind)| behind);
    }
    words.push_str(rest);
    words
}

/// The rows of a JSON answer; other lines, such as notices that came meanwhile, are passed over.
pub fn rows(answer: &str) -> Result<Vec<Value>> {
    let lines = answer.lines().map(str::trim);
    lines
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).with_context(|| format!("not JSON: {line}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{rows, without_notices};

    #[test]
    fn rows_are_told_from_notices() {
        let answer =
            "{\"schema\":\"a/1\",\"x\":1}\npartition small runs\n{\"schema\":\"a/1\",\"x\":null}\n";
        let rows = rows(answer).expect("JSON");
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0]["x"], 1);
    }

    #[test]
    fn a_word_that_a_notice_cuts_is_whole_again() {
        let said = "hello o\n[partition hello runs]\nk\nend\n";
        assert_eq!(without_notices(said), "hello ok\nend\n");
    }

    #[test]
    fn an_epitaph_is_none_of_the_guest_s_words() {
        let said = "PROBE de\n\npartition x died on vCPU 0, core 1\nwhy it did\n[partition x died: so]\nad\n";
        assert_eq!(without_notices(said), "PROBE dead\n");
    }

    #[test]
    fn a_broken_row_is_an_error() {
        assert!(rows("{\"schema\":\n").is_err());
    }
}

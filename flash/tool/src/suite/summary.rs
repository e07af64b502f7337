//! The end of the suite: a table, a file for rigs, and the line that counts.
//!
//! Owns: schema `bulkhead.suite/1` and the last line `N passed, N failed`, which
//! continuous integration reads.

use super::count::Count;
use super::runner::Finished;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

/// All parts together.
pub fn sum(finished: &[Finished]) -> Count {
    let mut sum = Count::default();
    finished.iter().for_each(|done| sum += done.count);
    sum
}

/// The table for people; the last line is the count.
pub fn text(finished: &[Finished]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["PART", "PASSED", "FAILED", "SECONDS", "SHOWS"]);
    for done in finished {
        table.add_row([
            done.part.name.to_string(),
            done.count.passed.to_string(),
            done.count.failed.to_string(),
            format!("{:.1}", done.took.as_secs_f64()),
            done.note
                .as_deref()
                .and_then(|note| note.lines().next())
                .unwrap_or(done.part.shows)
                .to_string(),
        ]);
    }
    for column in 1..4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<_> = table
        .to_string()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    let seconds: f64 = finished.iter().map(|done| done.took.as_secs_f64()).sum();
    let Count { passed, failed } = sum(finished);
    format!(
        "{}\n\n {seconds:.0} s in all\n{passed} passed, {failed} failed\n",
        lines.join("\n")
    )
}

/// The same for rigs.
pub fn json(finished: &[Finished]) -> Value {
    let parts: Vec<_> = finished
        .iter()
        .map(|done| {
            json!({ "name": done.part.name, "passed": done.count.passed, "failed": done.count.failed,
                    "seconds": done.took.as_secs_f64(), "note": done.note, "log": done.log })
        })
        .collect();
    let Count { passed, failed } = sum(finished);
    json!({ "schema": "bulkhead.suite/1", "passed": passed, "failed": failed, "parts": parts })
}

//! Fuzz target: the control shell's line editor and commands.
//!
//! What the editor writes goes to a model of a terminal's row. Claims: after
//! every byte the row shows prompt and line, the line never outgrows its room,
//! Ctrl-C always gives an empty line back, a mistyped command is answered with a
//! sentence, and no candidate for completion is unknown to the parser.
#![no_main]

use core::fmt::Write;

use hvcore::housekeeping::command::{CommandFault, candidates, parse};
use hvcore::housekeeping::line_editor::{LINE_LEN, LineEditor, Outcome};
use libfuzzer_sys::fuzz_target;

const PROMPT: &str = "bulkhead> ";
const NAMES: &[&str] = &["linux", "rt", "rt2"];

/// One row of a terminal as wide as need be.
#[derive(Default)]
struct Row {
    shown: Vec<char>,
    column: usize,
    escape: Option<String>,
}

impl Row {
    fn sequence(&mut self, sequence: &str) {
        match sequence.split_at(sequence.len() - 1) {
            ("[", "K") => self.shown.truncate(self.column),
            ("[", "H") => self.column = 0,
            ("[2", "J") => self.shown.clear(),
            (count, "D") => self.column -= count[1..].parse::<usize>().expect("a count"),
            _ => panic!("the terminal knows no {sequence:?}"),
        }
    }

    fn put(&mut self, c: char) {
        match c {
            '\x07' => {}
            '\x1b' => self.escape = Some(String::new()),
            '\r' => self.column = 0,
            '\n' => self.shown.clear(),
            c => {
                assert!(!c.is_control(), "{c:?} reached the terminal");
                self.shown
                    .resize(self.shown.len().max(self.column + 1), ' ');
                self.shown[self.column] = c;
                self.column += 1;
            }
        }
    }
}

impl Write for Row {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for c in text.chars() {
            match self.escape.take() {
                None => self.put(c),
                Some(mut sequence) => {
                    sequence.push(c);
                    if c.is_ascii_alphabetic() {
                        self.sequence(&sequence);
                    } else {
                        self.escape = Some(sequence);
                    }
                }
            }
        }
        Ok(())
    }
}

fuzz_target!(|input: &[u8]| {
    let (mut editor, mut row) = (LineEditor::new(PROMPT), Row::default());
    editor.redraw(&mut row);
    for &byte in input {
        match editor.push(byte, &mut row) {
            Outcome::Editing => {}
            Outcome::Complete => {
                let line = editor.line().to_string();
                editor.complete(candidates(&line, NAMES), &mut row);
            }
            Outcome::Entered(line) => {
                check_command(&line);
                editor.redraw(&mut row);
            }
            Outcome::Cancelled => editor.redraw(&mut row),
        }
        assert!(editor.line().len() <= LINE_LEN);
        let wanted = PROMPT.chars().chain(editor.line().chars());
        assert!(
            wanted.eq(row.shown.iter().copied()),
            "{:?} {:?}",
            row.shown,
            editor.line()
        );
        assert!((PROMPT.len()..=row.shown.len()).contains(&row.column));
    }
    // Twice, for the first may end an escape sequence.
    let _ = editor.push(3, &mut row);
    let _ = editor.push(3, &mut row);
    assert_eq!(editor.line(), "");
});

fn check_command(line: &str) {
    if let Err(fault) = parse(line, NAMES) {
        assert!(!fault.to_string().is_empty());
    }
    if line.ends_with(' ') {
        for word in candidates(line, NAMES) {
            let longer = format!("{line}{word}");
            let answer = parse(&longer, NAMES);
            assert!(!matches!(answer, Err(CommandFault::Unknown(wrong, _)) if wrong == word));
        }
    }
}

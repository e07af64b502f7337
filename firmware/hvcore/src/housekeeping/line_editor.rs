//! The control shell's line: editing, history, completion, and what is echoed.
//!
//! Fed one byte at a time; writes to the terminal what the edit changes and says
//! when a line is entered. Assumes one column a character and no wrapping: the
//! longest line and the prompt together stay near 80 columns.
//! Also called: readline, command line editing.

use core::fmt::Write;

use heapless::String;

use super::history::{History, Line};
use super::keys::{Key, Keys};

/// Longest line in bytes. Longer ones are refused with a bell.
pub const LINE_LEN: usize = 96;

/// Terminal: ring.
const BELL: &str = "\x07";
/// Terminal: erase from the cursor to the end of the line.
const ERASE: &str = "\x1b[K";
/// Terminal: erase everything, cursor to the top left.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// What a byte led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing for the shell to do.
    Editing,
    /// A line was entered; the cursor stands on the next one.
    Entered(Line),
    /// The line was given up; the cursor stands on the next one.
    Cancelled,
    /// Tab: call [`LineEditor::complete`] with what could stand here.
    Complete,
}

/// One line in the making.
#[derive(Clone, Debug)]
pub struct LineEditor {
    prompt: &'static str,
    keys: Keys,
    line: Line,
    /// Byte offset of the cursor, always between characters.
    cursor: usize,
    history: History,
}

impl LineEditor {
    /// An empty line behind `prompt`.
    pub const fn new(prompt: &'static str) -> Self {
        Self {
            prompt,
            keys: Keys::new(),
            line: String::new(),
            cursor: 0,
            history: History::new(),
        }
    }

    /// The line so far.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Takes a byte from the terminal and writes the echo to `out`, whose
    /// failures are ignored: a terminal that is gone must not stop the shell.
    pub fn push(&mut self, byte: u8, out: &mut dyn Write) -> Outcome {
        let Some(key) = self.keys.push(byte) else {
            return Outcome::Editing;
        };
        match key {
            Key::Enter => return self.enter(out),
            Key::Cancel => return self.cancel(out),
            Key::Tab => return Outcome::Complete,
            Key::Char(c) => self.insert(c, out),
            Key::Backspace => self.delete(self.before(), self.cursor, out),
            Key::Delete => self.delete(self.cursor, self.after(), out),
            Key::KillToStart => self.delete(0, self.cursor, out),
            Key::KillToEnd => self.delete(self.cursor, self.line.len(), out),
            Key::KillWord => self.delete(self.word_before(), self.cursor, out),
            Key::Left => self.move_to(self.before(), out),
            Key::Right => self.move_to(self.after(), out),
            Key::Home => self.move_to(0, out),
            Key::End => self.move_to(self.line.len(), out),
            Key::Older => {
                let line = self.history.older(&self.line);
                self.replace(line, out);
            }
            Key::Newer => {
                let line = self.history.newer();
                self.replace(line, out);
            }
            Key::Clear => {
                let _ = out.write_str(CLEAR);
                self.redraw(out);
            }
        }
        Outcome::Editing
    }

    /// Writes prompt and line anew, for a shell that gets its terminal back.
    pub fn redraw(&self, out: &mut dyn Write) {
        let _ = write!(out, "\r{}{}{ERASE}", self.prompt, self.line);
        self.step_left(self.line.len(), out);
    }

    /// Erases prompt and line, so that a message can be written in their place;
    /// [`Self::redraw`] brings them back behind it.
    pub fn step_aside(&self, out: &mut dyn Write) {
        let _ = write!(out, "\r{ERASE}");
    }

    /// Completes the word before the cursor from `candidates`: the only match
    /// with a space behind it, else as far as all matches agree, else the list
    /// of matches is shown.
    pub fn complete<'a, I>(&mut self, candidates: I, out: &mut dyn Write)
    where
        I: Iterator<Item = &'a str> + Clone,
    {
        let head = self.line.get(..self.cursor).unwrap_or("");
        let word = head
            .get(head.rfind(' ').map_or(0, |space| space + 1)..)
            .unwrap_or("");
        let typed = word.len();
        let matches = candidates.filter(|candidate| candidate.starts_with(word));
        let agreed = matches.clone().reduce(common_start);
        let rest = agreed.and_then(|agreed| agreed.get(typed..)).unwrap_or("");
        match matches.clone().count() {
            0 => {
                let _ = out.write_str(BELL);
            }
            1 => rest.chars().chain([' ']).for_each(|c| self.insert(c, out)),
            _ if !rest.is_empty() => rest.chars().for_each(|c| self.insert(c, out)),
            _ => {
                let _ = out.write_str("\r\n");
                matches.for_each(|candidate| {
                    let _ = write!(out, "{candidate}  ");
                });
                let _ = out.write_str("\r\n");
                self.redraw(out);
            }
        }
    }

    fn enter(&mut self, out: &mut dyn Write) -> Outcome {
        let _ = out.write_str("\r\n");
        self.cursor = 0;
        let line = core::mem::take(&mut self.line);
        self.history.enter(&line);
        Outcome::Entered(line)
    }

    fn cancel(&mut self, out: &mut dyn Write) -> Outcome {
        let _ = out.write_str("^C\r\n");
        self.cursor = 0;
        self.line.clear();
        Outcome::Cancelled
    }

    fn insert(&mut self, c: char, out: &mut dyn Write) {
        if self.line.insert(self.cursor, c).is_err() {
            let _ = out.write_str(BELL);
            return;
        }
        let from = self.cursor;
        self.cursor += c.len_utf8();
        let _ = out.write_str(self.line.get(from..).unwrap_or(""));
        self.step_left(self.line.len(), out);
    }

    /// Deletes the bytes from `from` to `to`, one of which is the cursor.
    fn delete(&mut self, from: usize, to: usize, out: &mut dyn Write) {
        if from >= to {
            let _ = out.write_str(BELL);
            return;
        }
        self.move_to(from, out);
        let tail: Line = self
            .line
            .get(to..)
            .and_then(|tail| tail.try_into().ok())
            .unwrap_or_default();
        self.line.truncate(from);
        // What was in the line before fits into it again.
        let _ = self.line.push_str(&tail);
        let _ = write!(out, "{tail}{ERASE}");
        self.step_left(self.line.len(), out);
    }

    /// Shows another line; `None` rings.
    fn replace(&mut self, line: Option<Line>, out: &mut dyn Write) {
        let Some(line) = line else {
            let _ = out.write_str(BELL);
            return;
        };
        self.line = line;
        self.cursor = self.line.len();
        self.redraw(out);
    }

    fn move_to(&mut self, to: usize, out: &mut dyn Write) {
        if to < self.cursor {
            let from = core::mem::replace(&mut self.cursor, to);
            self.step_left(from, out);
        } else {
            let _ = out.write_str(self.line.get(self.cursor..to).unwrap_or(""));
            self.cursor = to;
        }
    }

    /// Moves the terminal's cursor from byte `from` back to ours.
    fn step_left(&self, from: usize, out: &mut dyn Write) {
        let columns = self
            .line
            .get(self.cursor..from)
            .map_or(0, |between| between.chars().count());
        if columns != 0 {
            let _ = write!(out, "\x1b[{columns}D");
        }
    }

    fn before(&self) -> usize {
        let head = self.line.get(..self.cursor).unwrap_or("");
        head.char_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let tail = self.line.get(self.cursor..).unwrap_or("");
        self.cursor + tail.chars().next().map_or(0, char::len_utf8)
    }

    fn word_before(&self) -> usize {
        let head = self
            .line
            .get(..self.cursor)
            .unwrap_or("")
            .trim_end_matches(' ');
        head.rfind(' ').map_or(0, |space| space + 1)
    }
}

/// The longest start that both have.
fn common_start<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one
        .char_indices()
        .zip(other.chars())
        .take_while(|((_, a), b)| a == b);
    let end = same.last().map_or(0, |((at, c), _)| at + c.len_utf8());
    one.get(..end).unwrap_or("")
}

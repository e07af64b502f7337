//! The lines entered before, and the one that is being written meanwhile.

use heapless::{Deque, String};

use super::line_editor::LINE_LEN;

/// Lines remembered; the oldest gives way.
pub const DEPTH: usize = 8;

/// A line of the editor.
pub type Line = String<LINE_LEN>;

/// The lines entered, and which of them is shown.
#[derive(Clone, Debug, Default)]
pub struct History {
    lines: Deque<Line, DEPTH>,
    /// How far back the shown line is: 0 is the draft, 1 the newest line.
    back: usize,
    draft: Line,
}

impl History {
    /// Nothing entered yet.
    pub const fn new() -> Self {
        Self {
            lines: Deque::new(),
            back: 0,
            draft: String::new(),
        }
    }

    /// Remembers an entered line and returns to the draft. Blank lines and
    /// repetitions of the newest line are not kept.
    pub fn enter(&mut self, line: &Line) {
        self.back = 0;
        self.draft.clear();
        if line.trim().is_empty() || self.lines.back() == Some(line) {
            return;
        }
        if self.lines.is_full() {
            self.lines.pop_front();
        }
        // There is room: either there was, or the oldest has just gone.
        let _ = self.lines.push_back(line.clone());
    }

    /// One line further back than the one shown; `None` at the oldest.
    pub fn older(&mut self, shown: &Line) -> Option<Line> {
        let back = self.back + 1;
        let line = self.at(back)?;
        if self.back == 0 {
            self.draft = shown.clone();
        }
        self.back = back;
        Some(line)
    }

    /// One line nearer; the draft behind the newest; `None` at the draft.
    pub fn newer(&mut self) -> Option<Line> {
        self.back = self.back.checked_sub(1)?;
        if self.back == 0 {
            Some(self.draft.clone())
        } else {
            self.at(self.back)
        }
    }

    fn at(&self, back: usize) -> Option<Line> {
        let place = self.lines.len().checked_sub(back)?;
        self.lines.iter().nth(place).cloned()
    }
}

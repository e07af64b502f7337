//! A terminal of one line, for checking that what is echoed is what is edited.

/// Understands exactly what the shell sends: text, CR, LF, bell, cursor left,
/// erase to end of line, clear screen.
#[derive(Default)]
pub struct Terminal {
    pub line: Vec<char>,
    pub column: usize,
    pub finished: Vec<String>,
    pub bells: usize,
    escape: Option<String>,
}

impl Terminal {
    pub fn shown(&self) -> String {
        self.line.iter().collect::<String>().trim_end().to_string()
    }

    fn escape_ends(&mut self, sequence: &str) {
        let number = sequence
            .trim_start_matches('[')
            .trim_end_matches(char::is_alphabetic);
        match sequence.chars().last().unwrap() {
            'D' => {
                self.column = self
                    .column
                    .checked_sub(number.parse().unwrap())
                    .expect("left of the margin")
            }
            'K' => self.line.truncate(self.column),
            'J' => self.line.clear(),
            'H' => self.column = 0,
            other => panic!("the shell sent ESC {sequence} ({other})"),
        }
    }

    fn character(&mut self, c: char) {
        match c {
            '\x1b' => self.escape = Some(String::new()),
            '\x07' => self.bells += 1,
            '\r' => self.column = 0,
            '\n' => {
                self.finished.push(self.shown());
                self.line.clear();
            }
            c => {
                assert!(!c.is_control(), "the shell sent {c:?}");
                if self.column == self.line.len() {
                    self.line.push(c);
                } else {
                    self.line[self.column] = c;
                }
                self.column += 1;
            }
        }
    }
}

impl core::fmt::Write for Terminal {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        for c in s.chars() {
            let Some(mut sequence) = self.escape.take() else {
                self.character(c);
                continue;
            };
            sequence.push(c);
            if c.is_alphabetic() {
                self.escape_ends(&sequence);
            } else {
                self.escape = Some(sequence);
            }
        }
        Ok(())
    }
}

//! Bytes of a terminal become keys: controls, escape sequences, UTF-8.
//!
//! A line end may be CR, LF or both. A sequence we do not know is swallowed
//! whole, one that goes on too long is given up, so that no stray escape can
//! leave the editor deaf. Also called: terminal input, ANSI, VT100 keys.

/// Parameter bytes after which a control sequence is given up. Terminals send
/// at most seven for the keys we know.
const MAX_SEQUENCE: u8 = 12;

/// One key press that means something to a line editor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A printable character.
    Char(char),
    /// CR, LF or CR LF.
    Enter,
    /// Tab.
    Tab,
    /// Backspace or delete-left.
    Backspace,
    /// Delete under the cursor.
    Delete,
    /// Left arrow or Ctrl-B.
    Left,
    /// Right arrow or Ctrl-F.
    Right,
    /// Up arrow or Ctrl-P.
    Older,
    /// Down arrow or Ctrl-N.
    Newer,
    /// Home or Ctrl-A.
    Home,
    /// End or Ctrl-E.
    End,
    /// Ctrl-U: delete to the start.
    KillToStart,
    /// Ctrl-K: delete to the end.
    KillToEnd,
    /// Ctrl-W: delete the word before the cursor.
    KillWord,
    /// Ctrl-L: clear the screen.
    Clear,
    /// Ctrl-C: give the line up.
    Cancel,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Ground,
    /// A CR was an Enter; an LF right behind it belongs to it.
    AfterReturn,
    Escape,
    /// ESC O: one byte to come.
    Single,
    /// ESC [ with the first parameter so far.
    Sequence {
        parameter: u8,
        len: u8,
    },
    /// Inside a character of `want` bytes.
    Character {
        bytes: [u8; 4],
        len: u8,
        want: u8,
    },
}

/// The parser; feed it every byte the terminal sends.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    state: State,
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

impl Keys {
    /// Nothing received yet.
    pub const fn new() -> Self {
        Self {
            state: State::Ground,
        }
    }

    /// Takes a byte; gives the key it completes.
    pub fn push(&mut self, byte: u8) -> Option<Key> {
        let state = core::mem::replace(&mut self.state, State::Ground);
        match state {
            State::AfterReturn if byte == b'\n' => None,
            State::Ground | State::AfterReturn => self.ground(byte),
            State::Escape => self.after_escape(byte),
            State::Single => final_letter(byte),
            State::Sequence { parameter, len } => self.sequence(parameter, len, byte),
            State::Character { bytes, len, want } => self.character(bytes, len, want, byte),
        }
    }

    fn ground(&mut self, byte: u8) -> Option<Key> {
        match byte {
            0x1b => self.state = State::Escape,
            0xc2..=0xdf => self.begin(byte, 2),
            0xe0..=0xef => self.begin(byte, 3),
            0xf0..=0xf4 => self.begin(byte, 4),
            b'\r' => {
                self.state = State::AfterReturn;
                return Some(Key::Enter);
            }
            _ => return control_or_ascii(byte),
        }
        None
    }

    fn begin(&mut self, byte: u8, want: u8) {
        self.state = State::Character {
            bytes: [byte, 0, 0, 0],
            len: 1,
            want,
        };
    }

    fn character(&mut self, mut bytes: [u8; 4], len: u8, want: u8, byte: u8) -> Option<Key> {
        if byte & 0xc0 != 0x80 {
            // Cut off in the middle: drop it and start over with this byte.
            return self.ground(byte);
        }
        *bytes.get_mut(usize::from(len))? = byte;
        if len + 1 < want {
            self.state = State::Character {
                bytes,
                len: len + 1,
                want,
            };
            return None;
        }
        let whole = core::str::from_utf8(bytes.get(..usize::from(want))?).ok()?;
        whole
            .chars()
            .next()
            .filter(|c| !c.is_control())
            .map(Key::Char)
    }

    fn after_escape(&mut self, byte: u8) -> Option<Key> {
        match byte {
            b'[' => {
                self.state = State::Sequence {
                    parameter: 0,
                    len: 0,
                }
            }
            b'O' => self.state = State::Single,
            0x1b => self.state = State::Escape,
            _ => {}
        }
        None
    }

    fn sequence(&mut self, parameter: u8, len: u8, byte: u8) -> Option<Key> {
        match byte {
            b'0'..=b'9' | b';' | b'?' if len < MAX_SEQUENCE => {
                let digit = if byte.is_ascii_digit() && len < 2 {
                    byte - b'0'
                } else {
                    0
                };
                let parameter = if len < 2 {
                    parameter.wrapping_mul(10).wrapping_add(digit)
                } else {
                    parameter
                };
                self.state = State::Sequence {
                    parameter,
                    len: len + 1,
                };
                None
            }
            b'~' => match parameter {
                1 | 7 => Some(Key::Home),
                3 => Some(Key::Delete),
                4 | 8 => Some(Key::End),
                _ => None,
            },
            0x1b => {
                self.state = State::Escape;
                None
            }
            _ => final_letter(byte),
        }
    }
}

/// Last byte of ESC [ x and ESC O x.
const fn final_letter(byte: u8) -> Option<Key> {
    match byte {
        b'A' => Some(Key::Older),
        b'B' => Some(Key::Newer),
        b'C' => Some(Key::Right),
        b'D' => Some(Key::Left),
        b'H' => Some(Key::Home),
        b'F' => Some(Key::End),
        _ => None,
    }
}

fn control_or_ascii(byte: u8) -> Option<Key> {
    match byte {
        0x20..=0x7e => Some(Key::Char(char::from(byte))),
        b'\n' => Some(Key::Enter),
        b'\t' => Some(Key::Tab),
        0x08 | 0x7f => Some(Key::Backspace),
        0x01 => Some(Key::Home),
        0x02 => Some(Key::Left),
        0x03 => Some(Key::Cancel),
        0x04 => Some(Key::Delete),
        0x05 => Some(Key::End),
        0x06 => Some(Key::Right),
        0x0b => Some(Key::KillToEnd),
        0x0c => Some(Key::Clear),
        0x0e => Some(Key::Newer),
        0x10 => Some(Key::Older),
        0x15 => Some(Key::KillToStart),
        0x17 => Some(Key::KillWord),
        _ => None,
    }
}

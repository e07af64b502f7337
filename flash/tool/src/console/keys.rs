//! The escape key of the terminal: Ctrl-A and one more key.
//!
//! Owns: the little machine that takes keys apart. Everything that is not an escape
//! goes to the machine untouched, Ctrl-C included.

/// The escape key.
pub const ESCAPE: u8 = 0x01;

/// What keys mean.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Key {
    /// Bytes for the machine.
    Send(Vec<u8>),
    /// Ctrl-A x.
    Quit,
    /// Ctrl-A ? or an unknown key after Ctrl-A.
    Help,
}

/// What Ctrl-A ? prints.
pub const HELP: &str = "\r\n\
  Ctrl-A x       cut the machine off and leave\r\n\
  Ctrl-A Ctrl-A  send one Ctrl-A\r\n\
  Ctrl-A ?       this text\r\n\
  all else goes to the machine, Ctrl-C too; there Ctrl-] leaves a guest's\r\n\
  \u{20} console for Bulkhead's shell, and `help` lists its commands\r\n";

/// Remembers whether the escape key came last.
#[derive(Clone, Copy, Default, Debug)]
pub struct Keys {
    escaped: bool,
}

impl Keys {
    /// Takes typed bytes apart, in order.
    pub fn take(&mut self, typed: &[u8]) -> Vec<Key> {
        let mut out = Vec::new();
        for byte in typed {
            match (self.escaped, *byte) {
                (false, ESCAPE) => self.escaped = true,
                (false, plain) => send(&mut out, plain),
                (true, key) => {
                    self.escaped = false;
                    match key {
                        ESCAPE | b'a' => send(&mut out, ESCAPE),
                        b'x' | b'X' | 0x18 => out.push(Key::Quit),
                        _ => out.push(Key::Help),
                    }
                }
            }
        }
        out
    }
}

fn send(out: &mut Vec<Key>, byte: u8) {
    match out.last_mut() {
        Some(Key::Send(bytes)) => bytes.push(byte),
        _ => out.push(Key::Send(vec![byte])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_split_over_two_reads_still_quits() {
        let mut keys = Keys::default();
        assert_eq!(keys.take(b"ls\x01"), [Key::Send(b"ls".to_vec())]);
        assert_eq!(keys.take(b"x"), [Key::Quit]);
    }

    #[test]
    fn a_doubled_escape_sends_one() {
        assert_eq!(
            Keys::default().take(b"a\x01\x01b"),
            [Key::Send(b"a\x01b".to_vec())]
        );
        assert_eq!(
            Keys::default().take(b"\x03"),
            [Key::Send(vec![3])],
            "Ctrl-C is the machine's"
        );
        assert_eq!(Keys::default().take(b"\x01z"), [Key::Help]);
    }
}

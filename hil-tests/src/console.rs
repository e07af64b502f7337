//! One serial line of a machine: everything it said, and a place to read on from.
//!
//! Owns: a thread that reads the line for ever, so that a machine never waits for a
//! test, and the search in what has come. Text is compared as bytes.
//! Also called: expect, pexpect, serial capture.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// What firmware or a kernel says when it cannot go on: no use in waiting longer.
const LAST_WORDS: [&str; 4] = [
    "bulkhead: stopped: ",
    "bulkhead: panic on core",
    "bulkhead: host exception",
    "Kernel panic - not syncing",
];

/// A serial line.
pub struct Console {
    shared: Arc<Shared>,
    out: Box<dyn Write + Send>,
    /// Where the next search begins.
    from: usize,
}

struct Shared {
    said: Mutex<Said>,
    changed: Condvar,
}

#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Said> {
        // A reader that panicked left whole bytes behind.
        self.said
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Console {
    /// A line read from `input` and written to `out`; a copy goes to `record`.
    pub fn over(
        input: impl Read + Send + 'static,
        out: impl Write + Send + 'static,
        record: Option<File>,
    ) -> Self {
        let shared = Arc::new(Shared {
            said: Mutex::default(),
            changed: Condvar::new(),
        });
        let for_reader = shared.clone();
        std::thread::spawn(move || read_on(input, record, &for_reader));
        Self {
            shared,
            out: Box::new(out),
            from: 0,
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let sent = self.out.write_all(bytes).and_then(|()| self.out.flush());
        sent.context("the serial line takes no bytes")
    }

    /// Waits for `wanted`; gives what came before it and goes on behind it.
    pub fn expect(&mut self, wanted: &str, wait: Duration) -> Result<String> {
        Ok(self.expect_one_of(&[wanted], wait)?.before)
    }

    /// Waits for whichever of `wanted` stands first.
    pub fn expect_one_of(&mut self, wanted: &[&str], wait: Duration) -> Result<Match> {
        let deadline = Instant::now() + wait;
        let shared = self.shared.clone();
        let mut said = shared.lock();
        let mut searched = self.from;
        loop {
            let found = first_of(&said.bytes, searched, wanted);
            if let Some((at, which, length)) = found {
                let before = text(&said.bytes[self.from..at]);
                self.from = at + length;
                return Ok(Match { which, before });
            }
            let quoted = wanted.join("` or `");
            // Only once their line has ended: what is wanted may stand behind them in it.
            let last = first_of(&said.bytes, searched, &LAST_WORDS).map(|(at, ..)| at);
            if let Some(at) = last {
                let mut lines = said.bytes[at..].split(|&byte| byte == b'\n');
                let line = lines.next().unwrap_or_default();
                if lines.next().is_some() {
                    let line = text(line);
                    bail!(
                        "waited for `{quoted}`, but the machine said `{}`",
                        line.trim_end()
                    );
                }
            }
            if said.closed {
                bail!("waited for `{quoted}`, but the machine has ended");
            }
            let now = Instant::now();
            if now >= deadline {
                bail!("`{quoted}` did not come within {} s", wait.as_secs());
            }
            // What was searched is not searched again, but for a beginning at its end.
            let longest = wanted
                .iter()
                .chain(&LAST_WORDS)
                .map(|text| text.len())
                .max();
            searched = said
                .bytes
                .len()
                .saturating_sub(longest.unwrap_or(0))
                .min(last.unwrap_or(usize::MAX))
                .max(self.from);
            let waited = shared.changed.wait_timeout(said, deadline - now);
            said = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// Everything from the place of reading on for as long as `wait`; reading goes on behind it.
    pub fn listen(&mut self, wait: Duration) -> String {
        std::thread::sleep(wait);
        let shared = self.shared.clone();
        let said = shared.lock();
        let heard = text(&said.bytes[self.from..]);
        self.from = said.bytes.len();
        heard
    }

    /// Everything so far, from the very first byte.
    pub fn everything(&self) -> String {
        text(&self.shared.lock().bytes)
    }

    /// Waits until `holds` of everything that was said; reading on is not affected.
    pub fn wait_until(
        &self,
        what: &str,
        holds: impl Fn(&str) -> bool,
        wait: Duration,
    ) -> Result<String> {
        let deadline = Instant::now() + wait;
        let mut said = self.shared.lock();
        loop {
            let everything = text(&said.bytes);
            if holds(&everything) {
                return Ok(everything);
            }
            let now = Instant::now();
            if said.closed || now >= deadline {
                bail!("waited in vain for {what}");
            }
            let waited = self.shared.changed.wait_timeout(said, deadline - now);
            said = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// The last `count` lines, for a report.
    pub fn tail(&self, count: usize) -> String {
        let everything = self.everything();
        let lines: Vec<_> = everything.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// Waits until the other end has closed the line and everything was read.
    pub fn wait_closed(&self, wait: Duration) -> Result<()> {
        let ended = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), wait, |said| !said.closed);
        let (said, _) = ended.unwrap_or_else(|poisoned| poisoned.into_inner());
        if !said.closed {
            bail!("the machine did not end within {} s", wait.as_secs());
        }
        Ok(())
    }
}

/// What [`Console::expect_one_of`] found.
#[derive(Debug, PartialEq, Eq)]
pub struct Match {
    /// Index of the text that was found.
    pub which: usize,
    /// What came before it.
    pub before: String,
}

fn read_on(mut input: impl Read, mut record: Option<File>, shared: &Shared) {
    let mut buffer = [0; 4096];
    loop {
        match input.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => break,
            Ok(count) => {
                if let Some(file) = &mut record {
                    // A full disk shall not fail the claim.
                    let _ = file.write_all(&buffer[..count]);
                }
                shared.lock().bytes.extend_from_slice(&buffer[..count]);
                shared.changed.notify_all();
            }
        }
    }
    shared.lock().closed = true;
    shared.changed.notify_all();
}

/// Place, index and length of the text that stands first; the longer one at the same place.
fn first_of(bytes: &[u8], from: usize, wanted: &[&str]) -> Option<(usize, usize, usize)> {
    let found = wanted.iter().enumerate().filter_map(|(which, text)| {
        let at = find(bytes.get(from..)?, text.as_bytes())?;
        Some((from + at, which, text.len()))
    });
    found.min_by_key(|(at, _, length)| (*at, std::cmp::Reverse(*length)))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len().max(1))
        .position(|window| window == wanted)
}

/// As text, without carriage returns and without what moves the cursor (`ESC [ ... letter`).
fn text(bytes: &[u8]) -> String {
    let whole = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(whole.len());
    let mut rest = whole.chars();
    while let Some(c) = rest.next() {
        match c {
            '\r' => {}
            '\u{1b}' => {
                let mut sequence = rest.clone();
                if sequence.next() == Some('[') {
                    sequence.find(char::is_ascii_alphabetic);
                    rest = sequence;
                }
            }
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    const SOON: Duration = Duration::from_millis(100);
    const LATE: Duration = Duration::from_secs(20);

    fn pair() -> (Console, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let reader = ours.try_clone().expect("a second handle");
        (Console::over(reader, ours, None), theirs)
    }

    #[test]
    fn a_text_cut_by_the_line_is_found() {
        let (mut console, mut machine) = pair();
        let sender = std::thread::spawn(move || {
            for piece in ["boot\r\nlin", "ux:", "~# rest"] {
                machine.write_all(piece.as_bytes()).expect("sent");
                std::thread::sleep(SOON);
            }
            machine
        });
        assert_eq!(console.expect("linux:~# ", LATE).expect("found"), "boot\n");
        let _machine = sender.join().expect("sender");
        assert_eq!(console.expect("st", LATE).expect("goes on behind"), "re");
    }

    #[test]
    fn waiting_ends_with_the_machine() {
        let (mut console, machine) = pair();
        drop(machine);
        let error = console.expect("never", LATE).expect_err("closed");
        assert!(error.to_string().contains("has ended"), "{error}");
    }

    #[test]
    fn waiting_ends_with_last_words_unless_they_are_wanted() {
        let (mut console, mut machine) = pair();
        machine
            .write_all(b"bulkhead: stopped: this CPU has no SVM\n")
            .expect("sent");
        let error = console.expect("prompt", LATE).expect_err("stopped");
        assert!(error.to_string().contains("bulkhead: stopped"), "{error}");
        console.expect("no SVM", LATE).expect("still to be read");
    }

    #[test]
    fn last_words_are_judged_when_their_line_has_ended() {
        let (mut console, mut machine) = pair();
        machine.write_all(b"bulkhead: stopped: ").expect("sent");
        let begun = |said: &str| said.ends_with("stopped: ");
        console
            .wait_until("the beginning", begun, LATE)
            .expect("read");
        let sender = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            machine.write_all(b"no SVM\r\n").expect("sent");
            machine
        });
        console.expect("stopped: no SVM\r\n", LATE).expect("whole");
        sender.join().expect("sender");
    }

    #[test]
    fn a_text_that_does_not_come_is_an_error_that_names_it() {
        let (mut console, _machine) = pair();
        let error = console.expect("prompt", SOON).expect_err("nothing came");
        assert!(error.to_string().contains("`prompt`"), "{error}");
    }

    #[test]
    fn what_moves_the_cursor_is_no_text() {
        assert_eq!(text(b"\r\x1b[K> ps\x1b[12;3H\r\nx\x1b"), "> ps\nx");
    }

    #[test]
    fn the_first_text_wins_whatever_the_order_of_asking() {
        let (mut console, mut machine) = pair();
        machine.write_all(b"one two").expect("sent");
        let found = console.expect_one_of(&["two", "one"], LATE).expect("found");
        assert_eq!(found.which, 1);
    }
}

//! The user's terminal as the machine's console.
//!
//! Owns: raw mode and its undoing. When standard input is no terminal, its bytes go
//! to the machine as they are and its end ends nothing; so
//! `echo help | cargo bulkhead run ...` works.

use super::hub::Hub;
use super::keys::{HELP, Key, Keys};
use crate::failure::Failure;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{IsTerminal, Read, Write};
use std::sync::Arc;

/// What a user can ask of the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TerminalEvent {
    /// Ctrl-A x.
    Quit,
}

/// The attached terminal; dropped, it is as it was before.
#[derive(Debug)]
pub struct Terminal {
    before: Option<Termios>,
    reader: Arc<super::queue::Queue>,
}

impl Terminal {
    /// Connects standard input and output to a console.
    pub fn attach(
        console: &Hub,
        notify: impl Fn(TerminalEvent) -> bool + Send + 'static,
    ) -> Result<Self, Failure> {
        let stdin = std::io::stdin();
        let before = if stdin.is_terminal() {
            Some(raw(&stdin)?)
        } else {
            None
        };
        let reader = console.copy_to(std::io::stdout());
        let (hub, escapes) = (console.clone(), before.is_some());
        std::thread::spawn(move || forward(&hub, escapes, notify));
        Ok(Self { before, reader })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.reader.close();
        if let Some(before) = &self.before {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, before);
            // The guest may have left the cursor anywhere.
            let _ = std::io::stdout().write_all(b"\x1b[0m\r\n");
        }
    }
}

fn raw(stdin: &std::io::Stdin) -> Result<Termios, Failure> {
    let before = tcgetattr(stdin).map_err(anyhow::Error::from)?;
    let mut raw = before.clone();
    raw.make_raw();
    tcsetattr(stdin, OptionalActions::Drain, &raw).map_err(anyhow::Error::from)?;
    Ok(before)
}

fn forward(hub: &Hub, escapes: bool, notify: impl Fn(TerminalEvent) -> bool) {
    let (mut keys, mut buffer) = (Keys::default(), [0; 1024]);
    while let Ok(count @ 1..) = std::io::stdin().lock().read(&mut buffer) {
        let typed = buffer.get(..count).unwrap_or_default();
        if !escapes {
            hub.send(typed);
            continue;
        }
        for key in keys.take(typed) {
            match key {
                Key::Send(bytes) => hub.send(&bytes),
                Key::Help => {
                    let mut out = std::io::stdout().lock();
                    let _ = out.write_all(HELP.as_bytes()).and_then(|()| out.flush());
                }
                Key::Quit if !notify(TerminalEvent::Quit) => return,
                Key::Quit => {}
            }
        }
    }
}

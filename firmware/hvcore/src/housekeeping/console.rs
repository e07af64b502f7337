//! Who has the terminal: the control shell, or one guest's console.
//!
//! ```text
//!           console NAME                 Ctrl-]
//!   Shell ---------------> Guest(p) ---------------> JustLeft(p)
//!     ^                       ^                          |  |
//!     |                       +--- Ctrl-] again ---------+  |
//!     +--------------------------- any other byte ----------+
//! ```
//!
//! Ctrl-] comes back to the shell at once; a second one right behind it goes
//! back to the guest and hands it one Ctrl-]. So no byte ever waits for a timer.
//!
//! Typed bytes wait in [`PENDING`] places while the guest's UART is full. When
//! those are full too, the host UART is not read, which lets the terminal's own
//! flow control act. A guest that takes nothing for [`PATIENCE_MS`] loses that
//! right: its bytes are dropped with a bell and counted, because otherwise a hung
//! guest would also swallow the key that leaves it.
//! Only the attached guest's output waits for the terminal; that of the others
//! overwrites its oldest bytes (PLT-52 of the requirements).
//! Also called: serial multiplexer, console switch, escape character.

use core::fmt::{self, Display, Formatter};

use heapless::Deque;

use super::partition_id::PartitionId;

/// The escape key: Ctrl-].
pub const ESCAPE_KEY: u8 = 0x1d;
/// Typed bytes that may wait: four FIFOs of a 16550.
pub const PENDING: usize = 64;
/// How long full waiting places stop the host UART from being read.
pub const PATIENCE_MS: u64 = 1000;

/// Who has the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Focus {
    /// The control shell.
    Shell,
    /// The control shell, entered by the escape key this very moment.
    JustLeft(PartitionId),
    /// A guest.
    Guest(PartitionId),
}

/// What to do with a byte from the terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// Hand it to the line editor.
    Shell(u8),
    /// Nothing: it waits for the guest.
    Queued,
    /// Ring the bell: the guest takes nothing and it was dropped.
    Dropped,
    /// Show the prompt: the user came back from a guest. The guest's output
    /// goes to its backlog from now on.
    Left(Leave),
    /// The user went back to the guest with an escape key for it. Its output
    /// comes to the terminal again.
    Returned(PartitionId),
}

/// The user left a guest; prints as a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leave {
    /// The guest.
    pub from: PartitionId,
    /// Typed bytes it never read, now gone.
    pub unread: u32,
}

impl Display for Leave {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("[control shell")?;
        if self.unread != 0 {
            write!(
                f,
                "; the guest did not read {} bytes you typed",
                self.unread
            )?;
        }
        f.write_str("; Ctrl-] again sends one to the guest]")
    }
}

/// What the user sees first on a guest's console; prints as a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival<'a> {
    /// The guest's name.
    pub name: &'a str,
    /// Bytes of its backlog that follow.
    pub replayed: usize,
    /// Older bytes that nobody saw and that are gone.
    pub lost: u64,
}

impl Display for Arrival<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[console of {}; Ctrl-] comes back; {} bytes were kept",
            self.name, self.replayed
        )?;
        match self.lost {
            0 => f.write_str("]"),
            lost => write!(f, ", {lost} older ones are lost]"),
        }
    }
}

/// What a guest's output does when its ring is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// The guest's UART says busy.
    Wait,
    /// The oldest bytes give way and are counted.
    Overwrite,
}

/// The multiplexer.
#[derive(Clone, Debug)]
pub struct Console {
    focus: Focus,
    pending: Deque<u8, PENDING>,
    /// Since when `pending` has been full, in milliseconds.
    full_since: Option<u64>,
    dropped: u32,
}

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

impl Console {
    /// The shell has the terminal.
    pub const fn new() -> Self {
        Self {
            focus: Focus::Shell,
            pending: Deque::new(),
            full_since: None,
            dropped: 0,
        }
    }

    /// Who has the terminal.
    pub const fn focus(&self) -> Focus {
        self.focus
    }

    /// The guest that has the terminal.
    pub const fn attached(&self) -> Option<PartitionId> {
        match self.focus {
            Focus::Guest(partition) => Some(partition),
            Focus::Shell | Focus::JustLeft(_) => None,
        }
    }

    /// Gives the terminal to a guest. Replay its backlog behind an [`Arrival`].
    pub fn attach(&mut self, partition: PartitionId) {
        self.focus = Focus::Guest(partition);
        self.forget_input();
    }

    /// Whether the host UART should be read at time `now_ms`.
    pub fn may_read(&self, now_ms: u64) -> bool {
        match self.full_since {
            Some(since) => now_ms.saturating_sub(since) >= PATIENCE_MS,
            None => true,
        }
    }

    /// Takes a byte that the host UART received at `now_ms`.
    pub fn host_byte(&mut self, byte: u8, now_ms: u64) -> Input {
        match self.focus {
            Focus::Shell => Input::Shell(byte),
            Focus::JustLeft(partition) if byte == ESCAPE_KEY => {
                self.focus = Focus::Guest(partition);
                self.queue(byte, now_ms);
                Input::Returned(partition)
            }
            Focus::JustLeft(_) => {
                self.focus = Focus::Shell;
                Input::Shell(byte)
            }
            Focus::Guest(from) if byte == ESCAPE_KEY => {
                self.focus = Focus::JustLeft(from);
                Input::Left(Leave {
                    from,
                    unread: self.forget_input(),
                })
            }
            Focus::Guest(_) => self.queue(byte, now_ms),
        }
    }

    /// The next typed byte for the attached guest, whose UART has room for it.
    pub fn guest_byte(&mut self) -> Option<u8> {
        let byte = self.pending.pop_front()?;
        self.full_since = None;
        Some(byte)
    }

    /// Typed bytes that wait for the attached guest.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// A partition stopped or starts anew: what was typed for its former life is
    /// gone. The terminal stays with it.
    pub fn partition_reset(&mut self, partition: PartitionId) {
        if self.attached() == Some(partition) {
            self.forget_input();
        }
    }

    /// What a partition's output does when its ring is full.
    pub fn flow(&self, partition: PartitionId) -> Flow {
        if self.attached() == Some(partition) {
            Flow::Wait
        } else {
            Flow::Overwrite
        }
    }

    /// Whose output goes to the terminal now, and how many of its `available`
    /// bytes the host UART has `room` for; `None` when there is nothing to move.
    pub fn drain(
        &self,
        room: usize,
        available: impl FnOnce(PartitionId) -> usize,
    ) -> Option<(PartitionId, usize)> {
        let partition = self.attached()?;
        let count = available(partition).min(room);
        (count != 0).then_some((partition, count))
    }

    fn queue(&mut self, byte: u8, now_ms: u64) -> Input {
        if self.pending.push_back(byte).is_err() {
            self.dropped = self.dropped.saturating_add(1);
            return Input::Dropped;
        }
        if self.pending.is_full() {
            self.full_since = Some(now_ms);
        }
        Input::Queued
    }

    /// Empties the waiting places; gives the bytes the guest never got.
    fn forget_input(&mut self) -> u32 {
        let unread = self.dropped.saturating_add(self.pending.len() as u32);
        self.pending.clear();
        self.full_since = None;
        self.dropped = 0;
        unread
    }
}

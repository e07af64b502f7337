//! The terminal's owner, and whole sessions at the control shell.

mod control_terminal;

use control_terminal::Terminal;
use core::fmt::Write;
use hvcore::housekeeping::command::{self, Command};
use hvcore::housekeeping::console::{
    Arrival, Console, ESCAPE_KEY, Flow, Focus, Input, PATIENCE_MS, PENDING,
};
use hvcore::housekeeping::life::Life;
use hvcore::housekeeping::line_editor::{LineEditor, Outcome};
use hvcore::housekeeping::partition_id::PartitionId;
use hvcore::housekeeping::restart::{Action, Event, Policy, Supervisor};
use hvcore::ring::Backlog;
use proptest::prelude::*;

const LINUX: PartitionId = PartitionId(0);
const RT: PartitionId = PartitionId(1);

#[test]
fn the_escape_key_comes_back_at_once() {
    let mut console = Console::new();
    console.attach(LINUX);
    assert_eq!(console.host_byte(b'a', 0), Input::Queued);
    let Input::Left(leave) = console.host_byte(ESCAPE_KEY, 0) else {
        panic!("did not leave")
    };
    assert_eq!((leave.from, leave.unread), (LINUX, 1));
    assert_eq!(console.attached(), None);
    assert_eq!(console.host_byte(b'p', 0), Input::Shell(b'p'));
    // Later in the shell it is a byte like any other.
    assert_eq!(console.host_byte(ESCAPE_KEY, 0), Input::Shell(ESCAPE_KEY));
}

#[test]
fn the_escape_key_twice_goes_back_and_sends_one_through() {
    let mut console = Console::new();
    console.attach(LINUX);
    console.host_byte(ESCAPE_KEY, 0);
    assert_eq!(console.host_byte(ESCAPE_KEY, 0), Input::Returned(LINUX));
    assert_eq!(console.guest_byte(), Some(ESCAPE_KEY));
    assert_eq!(
        (console.guest_byte(), console.focus()),
        (None, Focus::Guest(LINUX))
    );
}

/// PLT-52: only the console that somebody looks at slows its guest down.
#[test]
fn only_the_attached_guest_waits_for_the_terminal() {
    let mut console = Console::new();
    assert_eq!(
        (console.flow(LINUX), console.drain(10, |_| 99)),
        (Flow::Overwrite, None)
    );
    console.attach(LINUX);
    assert_eq!(
        (console.flow(LINUX), console.flow(RT)),
        (Flow::Wait, Flow::Overwrite)
    );
    assert_eq!(console.drain(10, |_| 99), Some((LINUX, 10)));
    assert_eq!(console.drain(10, |_| 3), Some((LINUX, 3)));
    assert_eq!(console.drain(0, |_| 3), None);
    console.host_byte(ESCAPE_KEY, 0);
    assert_eq!(console.flow(LINUX), Flow::Overwrite);
}

#[test]
fn a_guest_that_reads_slowly_stops_the_host_uart_from_being_read() {
    let mut console = Console::new();
    console.attach(LINUX);
    for _ in 0..PENDING {
        assert!(console.may_read(5));
        assert_eq!(console.host_byte(b'x', 5), Input::Queued);
    }
    assert!(!console.may_read(5));
    assert_eq!(console.guest_byte(), Some(b'x'));
    assert!(console.may_read(5));
}

/// A hung guest must not swallow the key that leaves it.
#[test]
fn a_guest_that_takes_nothing_can_still_be_left() {
    let mut console = Console::new();
    console.attach(LINUX);
    for _ in 0..PENDING {
        console.host_byte(b'x', 1000);
    }
    assert!(!console.may_read(1000 + PATIENCE_MS - 1));
    assert!(console.may_read(1000 + PATIENCE_MS));
    assert_eq!(console.host_byte(b'y', 1000 + PATIENCE_MS), Input::Dropped);
    assert!(console.may_read(1000 + PATIENCE_MS));
    let Input::Left(leave) = console.host_byte(ESCAPE_KEY, 1000 + PATIENCE_MS) else {
        panic!("did not leave")
    };
    assert_eq!(leave.unread, PENDING as u32 + 1);
    assert!(console.may_read(0));
}

#[test]
fn typed_bytes_do_not_outlive_the_guest_they_were_for() {
    let mut console = Console::new();
    console.attach(LINUX);
    console.host_byte(b'a', 0);
    console.partition_reset(RT);
    assert_eq!(console.waiting(), 1);
    console.partition_reset(LINUX);
    assert_eq!((console.waiting(), console.attached()), (0, Some(LINUX)));
    console.host_byte(b'b', 0);
    console.attach(RT);
    assert_eq!(console.guest_byte(), None);
}

const NAMES: &[&str] = &["linux", "rt"];

/// A rig with two guests that write what they are told, and a user who types.
struct Rig {
    console: Console,
    editor: LineEditor,
    terminal: Terminal,
    backlogs: [Backlog<16>; 2],
    lives: [Supervisor; 2],
    heard: [Vec<u8>; 2],
}

impl Rig {
    fn new() -> Self {
        let policy = Policy {
            on_crash: true,
            on_reboot: true,
            on_poweroff: false,
            crash_limit: 1,
        };
        let mut rig = Self {
            console: Console::new(),
            editor: LineEditor::new("bulkhead> "),
            terminal: Terminal::default(),
            backlogs: [Backlog::new(), Backlog::new()],
            lives: [Supervisor::new(policy); 2],
            heard: [vec![], vec![]],
        };
        rig.editor.redraw(&mut rig.terminal);
        rig
    }

    fn guest_writes(&mut self, guest: PartitionId, text: &str) {
        match self.console.flow(guest) {
            Flow::Wait => self.terminal.write_str(text).unwrap(),
            Flow::Overwrite => self.backlogs[usize::from(guest.0)].write(text.as_bytes()),
        }
    }

    fn types(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match self.console.host_byte(*byte, 0) {
                Input::Shell(byte) => self.shell(byte),
                Input::Queued => {}
                Input::Dropped => self.terminal.write_str("\x07").unwrap(),
                Input::Left(leave) => {
                    write!(self.terminal, "\r\n{leave}\r\n").unwrap();
                    self.editor.redraw(&mut self.terminal);
                }
                Input::Returned(_) => self.terminal.write_str("\r\n").unwrap(),
            }
            while let (Some(guest), Some(byte)) =
                (self.console.attached(), self.console.guest_byte())
            {
                self.heard[usize::from(guest.0)].push(byte);
            }
        }
    }

    fn shell(&mut self, byte: u8) {
        match self.editor.push(byte, &mut self.terminal) {
            Outcome::Editing => return,
            Outcome::Complete => {
                let line = self.editor.line().to_string();
                return self
                    .editor
                    .complete(command::candidates(&line, NAMES), &mut self.terminal);
            }
            Outcome::Cancelled => {}
            Outcome::Entered(line) => match command::parse(&line, NAMES) {
                Ok(None) => {}
                Ok(Some(command)) => self.obey(command),
                Err(fault) => write!(self.terminal, "{fault}\r\n").unwrap(),
            },
        }
        if self.console.attached().is_none() {
            self.editor.redraw(&mut self.terminal);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Console(guest) => {
                self.console.attach(guest);
                let backlog = &mut self.backlogs[usize::from(guest.0)];
                let name = NAMES[usize::from(guest.0)];
                let arrival = Arrival {
                    name,
                    replayed: backlog.len(),
                    lost: backlog.overwritten(),
                };
                write!(self.terminal, "{arrival}\r\n").unwrap();
                let text: Vec<u8> = backlog.replay().collect();
                backlog.clear();
                self.terminal
                    .write_str(core::str::from_utf8(&text).unwrap())
                    .unwrap();
            }
            Command::Start(guest) => self.happens(guest, Event::Start),
            Command::Stop(guest) => self.happens(guest, Event::Stop),
            Command::Restart(guest) => self.happens(guest, Event::Restart),
            other => panic!("this rig has no {other:?}"),
        }
    }

    fn happens(&mut self, guest: PartitionId, event: Event) {
        let name = NAMES[usize::from(guest.0)];
        let step = self.lives[usize::from(guest.0)].on(event);
        if let Some(notice) = step.notice {
            write!(self.terminal, "partition {name} {notice}\r\n").unwrap();
        }
        match step.action {
            Action::Nothing | Action::Run | Action::AbandonLoad => {}
            Action::Load => self.happens(guest, Event::Loaded),
            Action::Park => {
                self.console.partition_reset(guest);
                self.happens(guest, Event::AllParked);
            }
            Action::Refuse(refusal) => write!(self.terminal, "{}\r\n", refusal.text()).unwrap(),
        }
    }
}

#[test]
fn a_session_that_starts_attaches_and_comes_back() {
    let mut rig = Rig::new();
    rig.types(b"sta\tli\r");
    rig.guest_writes(LINUX, "0123456789booted\r\n");
    rig.types(b"console linux\r");
    rig.guest_writes(LINUX, "login: ");
    rig.types(b"root\x1d");
    rig.types(b"stop linx\r");
    rig.types(b"\x1b[A\x7fux\r");
    assert_eq!(
        rig.terminal.finished,
        [
            // "sta" fits two commands: the list is shown and the line comes back.
            "bulkhead> sta",
            "stats  start",
            "bulkhead> stali",
            "there is no command stali: did you mean stats?",
            "bulkhead> console linux",
            "[console of linux; Ctrl-] comes back; 16 bytes were kept, 2 older ones are lost]",
            "23456789booted",
            "login:",
            "[control shell; Ctrl-] again sends one to the guest]",
            "bulkhead> stop linx",
            "there is no partition linx, only: linux, rt",
            "bulkhead> stop linux",
            "it is not running: start starts it",
        ]
    );
    assert_eq!(rig.heard[0], b"root");
    assert_eq!(rig.terminal.shown(), "bulkhead>");
}

#[test]
fn a_session_in_which_a_guest_crashes_twice() {
    let mut rig = Rig::new();
    rig.types(b"start rt\r");
    rig.happens(RT, Event::Crash(abi::epitaph::Reason::TRIPLE_FAULT));
    rig.happens(RT, Event::Crash(abi::epitaph::Reason::DECODE));
    rig.types(b"restart rt\r");
    assert_eq!(rig.lives[1].life(), Life::Running);
    let told: Vec<_> = rig
        .terminal
        .finished
        .iter()
        .filter(|line| line.starts_with("partition"))
        .collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(
        told[2].contains("restart limit of 1 is used up"),
        "{told:?}"
    );
}

#[test]
fn a_session_that_sends_the_escape_key_to_a_guest() {
    let mut rig = Rig::new();
    rig.types(b"console rt\ra\x1d\x1db\x1dhelp");
    assert_eq!(rig.heard[1], b"a\x1db");
    assert_eq!(rig.editor.line(), "help");
}

proptest! {
    /// Nothing typed is ever lost without being counted, and none of it goes to
    /// the wrong side.
    #[test]
    fn every_typed_byte_is_heard_counted_or_shown(
        script in prop::collection::vec((prop_oneof![4 => Just(b'x'), 1 => Just(ESCAPE_KEY)], any::<bool>()), 0..300),
    ) {
        let mut console = Console::new();
        console.attach(LINUX);
        let (mut shell, mut heard, mut unread, mut escapes, mut sent) = (0u32, 0u32, 0u32, 0u32, 0u32);
        for (byte, guest_reads) in &script {
            match console.host_byte(*byte, 0) {
                Input::Shell(_) => shell += 1,
                Input::Queued | Input::Dropped => sent += 1,
                Input::Left(leave) => {
                    escapes += 1;
                    unread += leave.unread;
                }
                Input::Returned(_) => sent += 1,
            }
            if *guest_reads && console.attached().is_some() {
                heard += u32::from(console.guest_byte().is_some());
            }
        }
        if let Input::Left(leave) = console.host_byte(ESCAPE_KEY, 0) {
            unread += leave.unread;
        }
        prop_assert_eq!(sent, heard + unread);
        prop_assert_eq!(script.len() as u32, shell + sent + escapes);
    }
}

//! The control shell: a line in, an answer out.

use crate::answers::{self, Keepers};
use crate::machine::Machine;
use crate::terminal::Terminal;
use core::fmt::Write;
use heapless::Vec;
use hvcore::housekeeping::command::{self, Command};
use hvcore::housekeeping::epitaph_text;
use hvcore::housekeeping::line_editor::{LineEditor, Outcome};
use hvcore::housekeeping::partition_id::PartitionId;
use hvcore::housekeeping::report;
use hvcore::housekeeping::restart::Event;

/// What the shell asks of the loop that owns it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    None,
    /// Give the terminal to this partition.
    Attach(PartitionId),
}

/// The shell's state: the line being typed.
pub struct Shell {
    editor: LineEditor,
}

impl Shell {
    /// An empty line.
    pub const fn new() -> Self {
        Self {
            editor: LineEditor::new("bulkhead> "),
        }
    }

    /// Shows the prompt and what is typed so far.
    pub fn show(&self, terminal: &mut Terminal) {
        self.editor.redraw(terminal);
    }

    /// Makes room for a notice; [`Self::show`] goes on behind it.
    pub fn step_aside(&self, terminal: &mut Terminal) {
        self.editor.step_aside(terminal);
    }

    /// Takes a typed byte.
    pub fn byte(
        &mut self,
        machine: &'static Machine,
        keepers: &mut Keepers,
        byte: u8,
        terminal: &mut Terminal,
    ) -> Wish {
        match self.editor.push(byte, terminal) {
            Outcome::Editing => Wish::None,
            Outcome::Cancelled => {
                self.show(terminal);
                Wish::None
            }
            Outcome::Complete => {
                let names = names(keepers);
                let head = line_copy(self.editor.line());
                self.editor
                    .complete(command::candidates(&head, &names), terminal);
                Wish::None
            }
            Outcome::Entered(line) => {
                let wish = run(machine, keepers, &line, terminal);
                if wish == Wish::None {
                    self.show(terminal);
                }
                wish
            }
        }
    }
}

fn line_copy(line: &str) -> heapless::String<{ hvcore::housekeeping::line_editor::LINE_LEN }> {
    let mut copy = heapless::String::new();
    let _ = copy.push_str(line);
    copy
}

fn names(keepers: &Keepers) -> Vec<&'static str, { crate::capacity::PARTITIONS }> {
    keepers.iter().map(crate::lives::Keeper::name).collect()
}

fn run(machine: &'static Machine, keepers: &mut Keepers, line: &str, out: &mut Terminal) -> Wish {
    let names = names(keepers);
    match command::parse(line, &names) {
        Ok(None) => {}
        Ok(Some(command)) => return answer(machine, keepers, command, out),
        Err(fault) => {
            let _ = write!(out, "{fault}\r\n");
        }
    }
    Wish::None
}

/// Carries a command out; the terminal never fails.
// tidy: long function: dispatch, one arm a command
fn answer(
    machine: &'static Machine,
    keepers: &mut Keepers,
    command: Command,
    out: &mut Terminal,
) -> Wish {
    let _ = match command {
        Command::Help(topic) => report::help(topic, out),
        Command::Ps(form) => answers::ps(machine, keepers, form, out),
        Command::Stats(one, form) => {
            answers::stats(keepers, one.and_then(|id| index(keepers, id)), form, out)
        }
        Command::Console(id) => return Wish::Attach(id),
        Command::Start(id) => tell(machine, keepers, id, Event::Start, out),
        Command::Stop(id) => tell(machine, keepers, id, Event::Stop, out),
        Command::Restart(id) => tell(machine, keepers, id, Event::Restart, out),
        Command::Log => log(out),
        Command::Mem(form) => answers::mem(machine, keepers, form, out),
        Command::Cpus(form) => answers::cpus(machine, keepers, form, out),
        Command::Features(form) => answers::features(machine, form, out),
        Command::Epitaph(id) => epitaph(keepers, id, out),
        Command::Reboot => reboot(out),
    };
    Wish::None
}

fn index(keepers: &Keepers, id: PartitionId) -> Option<u8> {
    keepers
        .get(usize::from(id.0))
        .map(|keeper| keeper.index() as u8)
}

fn tell(
    machine: &'static Machine,
    keepers: &mut Keepers,
    id: PartitionId,
    event: Event,
    out: &mut Terminal,
) -> core::fmt::Result {
    if let Some(keeper) = keepers.get_mut(usize::from(id.0)) {
        keeper.on(machine, event, out);
    }
    Ok(())
}

fn epitaph(keepers: &Keepers, id: PartitionId, out: &mut Terminal) -> core::fmt::Result {
    match keepers
        .get(usize::from(id.0))
        .and_then(|keeper| keeper.epitaph.as_ref())
    {
        Some(record) => epitaph_text::write(record, out),
        None => out.write_str("it has not died since the machine started\r\n"),
    }
}

fn log(out: &mut Terminal) -> core::fmt::Result {
    let keep = crate::log::KEEP.lock();
    if keep.overwritten() > 0 {
        write!(out, "[{} older bytes are lost]\r\n", keep.overwritten())?;
    }
    let (head, tail) = keep.pieces();
    out.text(head);
    out.text(tail);
    match metal::logger::dropped() {
        0 => Ok(()),
        lost => write!(
            out,
            "[{lost} log frames were dropped: the log line was too slow]\r\n"
        ),
    }
}

fn reboot(out: &mut Terminal) -> core::fmt::Result {
    out.write_str("[resetting the machine]\r\n")?;
    while !out.is_idle() {
        out.pump();
    }
    metal::cpu::reset_machine()
}

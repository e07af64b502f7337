//! A machine that was switched on, and the states a test may ask it for.
//!
//! Owns: the strategy: which keys and waits lead from wherever the terminal is to where
//! the test wants it. So no test knows what the one before it did.
//! Also called: strategy, bring-up, device under test.

use crate::boot::Boot;
use crate::console::Console;
use crate::patience::Patience;
use crate::rig::{Machine, Rig};
use crate::{control_shell, image, linux_prompt};
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

/// The key that leaves a guest's console.
pub const ESCAPE_KEY: u8 = 0x1d;

/// What a test may ask for.
#[derive(Clone, Copy, Debug)]
pub enum State<'a> {
    /// The control shell shows its prompt.
    ControlShell,
    /// The terminal is on that guest's console.
    GuestConsole(&'a str),
    /// That Linux guest shows its prompt on the terminal.
    LinuxPrompt(&'a str),
}

/// Who has the terminal.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Focus {
    Shell,
    Guest(String),
}

/// A running machine.
pub struct Session {
    /// Its first serial line.
    pub console: Console,
    /// Its log line; `None` on a board with one UART.
    pub log: Option<Console>,
    /// How long to wait on it.
    pub patience: Patience,
    machine: Box<dyn Machine>,
    focus: Focus,
    /// The control shell has shown its prompt at least once.
    shell_seen: bool,
    /// Linux guests that have shown a prompt in their present life.
    prompted: Vec<String>,
    record: PathBuf,
}

impl Session {
    /// Packs, flashes and switches on. What the machine says goes to `target/hil/NAME.log`.
    pub fn begin(rig: &dyn Rig, name: &str, boot: &Boot) -> Result<Self> {
        let image = image::make(name, boot, &rig.board())?;
        let mut machine = rig.machine(name, &boot.shape)?;
        machine.flash(&image)?;
        let wires = machine.power_on()?;
        let folder = image::records()?;
        let file = |name: String| File::create(folder.join(name)).context("a file in target/hil");
        let record = file(format!("{name}.log"))?;
        let frames = file(format!("{name}.frames"))?;
        let console = Console::over(wires.console.input, wires.console.output, Some(record));
        let log = wires
            .log
            .map(|wire| Console::over(wire.input, wire.output, Some(frames)));
        Ok(Self {
            console,
            log,
            patience: rig.patience(),
            machine,
            focus: match boot.plan.attached() {
                Some(name) => Focus::Guest(name.into()),
                None => Focus::Shell,
            },
            shell_seen: false,
            prompted: Vec::new(),
            record: folder.join(format!("{name}.log")),
        })
    }

    /// Brings the machine to a state, from whatever state it is in.
    pub fn bring_to(&mut self, state: State<'_>) -> Result<()> {
        match state {
            State::ControlShell => self.reach_shell(),
            State::GuestConsole(name) => self.reach_guest(name),
            State::LinuxPrompt(name) => {
                self.reach_guest(name)?;
                self.reach_prompt(name)
            }
        }
    }

    /// Runs a command in the control shell and gives its answer.
    pub fn shell(&mut self, command: &str) -> Result<String> {
        self.reach_shell()?;
        control_shell::run(&mut self.console, command, self.patience.answer())
    }

    /// Runs a command at a Linux guest's prompt and gives its output.
    ///
    /// # Errors
    /// When it ends with another status than 0.
    pub fn linux(&mut self, name: &str, command: &str) -> Result<String> {
        self.linux_within(name, command, self.patience.answer())
    }

    /// As [`Self::linux`], for a command that takes long.
    pub fn linux_within(&mut self, name: &str, command: &str, wait: Duration) -> Result<String> {
        self.bring_to(State::LinuxPrompt(name))?;
        linux_prompt::run(&mut self.console, command, wait)
    }

    /// The rows that a command of the control shell gives as JSON.
    pub fn rows(&mut self, command: &str) -> Result<Vec<Value>> {
        let answer = self.shell(&format!("{command} json"))?;
        control_shell::rows(&answer)
    }

    /// Gives the control shell an order about a partition and waits for the notice about it.
    pub fn order(&mut self, verb: &str, partition: &str, notice: &str) -> Result<()> {
        self.reach_shell()?;
        let line = format!("{verb} {partition}\r");
        self.console.send(line.as_bytes())?;
        let wait = self.patience.answer();
        self.notice(partition, notice, wait)
            .with_context(|| format!("after `{verb} {partition}`"))
    }

    /// Waits for a notice of the control shell about a partition, such as `runs`.
    pub fn notice(&mut self, partition: &str, text: &str, wait: Duration) -> Result<()> {
        self.console
            .expect(&format!("[partition {partition} {text}"), wait)?;
        // No prompt is waited for: the next notice may stand before it.
        self.console.expect("]", wait)?;
        Ok(())
    }

    /// Waits until the partition has run at least once since power-on.
    pub fn started(&self, partition: &str) -> Result<()> {
        let notice = format!("[partition {partition} runs]");
        let started = |said: &str| said.contains(&notice);
        let wait = self.patience.firmware();
        self.console.wait_until(&notice, started, wait)?;
        Ok(())
    }

    /// The terminal left a guest by keys that the test typed itself.
    pub fn note_left(&mut self) -> Result<()> {
        let wait = self.patience.answer();
        self.console.expect(control_shell::PROMPT, wait)?;
        self.focus = Focus::Shell;
        self.shell_seen = true;
        Ok(())
    }

    /// The terminal went to a guest by a command that the test typed itself.
    pub fn note_guest(&mut self, name: &str) {
        self.focus = Focus::Guest(name.into());
    }

    /// The test made a guest begin a new life: its prompt is to be waited for anew.
    pub fn forget_prompt(&mut self, name: &str) {
        self.prompted.retain(|known| known != name);
    }

    /// Waits for the machine to end by itself; gives the host command's exit code.
    pub fn ended(&mut self, wait: Duration) -> Result<i32> {
        self.machine.ended(wait)
    }

    /// For a report: where the whole record is, and its last lines.
    pub fn last_words(&self) -> String {
        format!(
            "--- the console's last lines; all of it is in {}\n{}\n---",
            self.record.display(),
            self.console.tail(40)
        )
    }

    fn reach_shell(&mut self) -> Result<()> {
        if self.focus == Focus::Shell && self.shell_seen {
            return Ok(());
        }
        if self.focus == Focus::Shell {
            let wait = self.patience.firmware();
            self.console.expect(control_shell::PROMPT, wait)?;
        } else {
            // Not before our firmware listens.
            if !self.shell_seen && self.prompted.is_empty() {
                let wait = self.patience.firmware();
                let listens = |said: &str| said.contains(control_shell::ARRIVAL);
                self.console
                    .wait_until("a guest's console", listens, wait)?;
            }
            self.console.send(&[ESCAPE_KEY])?;
            let wait = self.patience.answer();
            self.console.expect(control_shell::PROMPT, wait)?;
        }
        self.focus = Focus::Shell;
        self.shell_seen = true;
        Ok(())
    }

    fn reach_guest(&mut self, name: &str) -> Result<()> {
        if self.focus == Focus::Guest(name.into()) {
            return Ok(());
        }
        self.reach_shell()?;
        self.console.send(format!("console {name}\r").as_bytes())?;
        let greeting = format!("{}{name};", control_shell::ARRIVAL);
        let wait = self.patience.answer();
        self.console.expect(&greeting, wait)?;
        self.console.expect("]", wait)?;
        self.focus = Focus::Guest(name.into());
        Ok(())
    }

    fn reach_prompt(&mut self, name: &str) -> Result<()> {
        let wait = self.patience.linux();
        if self.prompted.iter().any(|known| known == name) {
            return linux_prompt::synchronise(&mut self.console, self.patience.answer());
        }
        self.console.expect(linux_prompt::READY, wait)?;
        self.console.expect(linux_prompt::PROMPT, wait)?;
        self.prompted.push(name.into());
        Ok(())
    }
}

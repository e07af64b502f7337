//! What a line of the control shell asks for, or what to write instead.
//!
//! One table holds every command with its usage; parsing, help and completion
//! read it. A mistake is answered with the sentence that helps: the nearest
//! command, the list of partitions, or the usage.
//! Also called: control shell, monitor commands, CLI.

use core::fmt::{self, Display, Formatter};

use super::command_table::{COMMANDS, Entry, Takes, Verb};
use super::partition_id::PartitionId;
use super::spelling::nearest;

/// What the user wants. Partitions are numbers in plan order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// List the commands, or explain one.
    Help(Option<&'static Entry>),
    /// List partitions and vCPUs.
    Ps(Form),
    /// Counters of one partition, or of all.
    Stats(Option<PartitionId>, Form),
    /// Attach the terminal to a partition's console.
    Console(PartitionId),
    /// Start a partition.
    Start(PartitionId),
    /// Stop a partition.
    Stop(PartitionId),
    /// Stop and start a partition.
    Restart(PartitionId),
    /// Show the hypervisor's log.
    Log,
    /// Show who has which memory.
    Mem(Form),
    /// Show the cores.
    Cpus(Form),
    /// Show what the CPU offers and what we do without it.
    Features(Form),
    /// Show why a partition died.
    Epitaph(PartitionId),
    /// Reset the machine.
    Reboot,
}

/// For whom an answer is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A table for people.
    Table,
    /// One JSON object a line, for rigs.
    Json,
}

/// What was wrong with a line; prints as one sentence that says what to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommandFault<'a> {
    /// No such command: the word, and the nearest command if one is near.
    Unknown(&'a str, Option<&'static str>),
    /// A partition must be named.
    PartitionMissing(&'static Entry, &'a [&'a str]),
    /// No such partition: the word, and the names there are.
    NoSuchPartition(&'a str, &'a [&'a str]),
    /// A word that the command does not take.
    Surplus(&'a str, &'static Entry),
}

impl Display for CommandFault<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unknown(word, Some(near)) => {
                write!(f, "there is no command {word}: did you mean {near}?")
            }
            Self::Unknown(word, None) => write!(f, "there is no command {word}: help lists them"),
            Self::PartitionMissing(entry, names) => {
                write!(f, "which partition? write {} with one of: ", entry.usage)?;
                list(f, names)
            }
            Self::NoSuchPartition(word, names) => {
                write!(f, "there is no partition {word}, only: ")?;
                list(f, names)
            }
            Self::Surplus(word, entry) => {
                write!(f, "{word} is one word too many: write {}", entry.usage)
            }
        }
    }
}

fn list(f: &mut Formatter<'_>, names: &[&str]) -> fmt::Result {
    if names.is_empty() {
        return f.write_str("(the plan has none)");
    }
    for (place, name) in names.iter().enumerate() {
        write!(f, "{}{name}", if place == 0 { "" } else { ", " })?;
    }
    Ok(())
}

/// Reads a line; `None` for a blank one. `names` are the partitions in plan
/// order.
pub fn parse<'a>(line: &'a str, names: &'a [&'a str]) -> Result<Option<Command>, CommandFault<'a>> {
    let mut words = line.split_ascii_whitespace();
    let Some(verb) = words.next() else {
        return Ok(None);
    };
    let Some(entry) = find(verb) else {
        return Err(CommandFault::Unknown(
            verb,
            nearest(verb, COMMANDS.iter().map(|c| c.name)),
        ));
    };
    let argument = Argument::of(entry, &mut words, names)?;
    match words.next() {
        Some(surplus) => Err(CommandFault::Surplus(surplus, entry)),
        None => Ok(Some(command(entry, argument))),
    }
}

/// What could stand as the next word of `line`: for completion.
pub fn candidates<'a>(line: &str, names: &'a [&'a str]) -> impl Iterator<Item = &'a str> + Clone {
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let first = words.next();
    let typing_first = first.is_none() || (words.next().is_none() && !line.ends_with(' '));
    let takes = first
        .filter(|_| !typing_first)
        .and_then(find)
        .map(|entry| entry.takes);
    let commands = typing_first || takes == Some(Takes::Topic);
    let partitions = matches!(takes, Some(Takes::Partition | Takes::PartitionOrAllAndForm));
    let json = matches!(takes, Some(Takes::Form | Takes::PartitionOrAllAndForm));
    let verbs = COMMANDS
        .iter()
        .filter(move |_| commands)
        .map(|entry| entry.name);
    let named = names.iter().filter(move |_| partitions).copied();
    verbs.chain(named).chain(json.then_some("json"))
}

fn find(word: &str) -> Option<&'static Entry> {
    COMMANDS.iter().find(|entry| entry.name == word)
}

/// What followed a command.
struct Argument {
    topic: Option<&'static Entry>,
    partition: PartitionId,
    one: Option<PartitionId>,
    form: Form,
}

impl Argument {
    fn of<'a>(
        entry: &'static Entry,
        words: &mut (impl Iterator<Item = &'a str> + Clone),
        names: &'a [&'a str],
    ) -> Result<Self, CommandFault<'a>> {
        let mut argument = Self {
            topic: None,
            partition: PartitionId(0),
            one: None,
            form: Form::Table,
        };
        match entry.takes {
            Takes::Nothing => {}
            Takes::Form => argument.form = form(words),
            Takes::Topic => {
                if let Some(word) = words.next() {
                    let near = || nearest(word, COMMANDS.iter().map(|c| c.name));
                    argument.topic =
                        Some(find(word).ok_or_else(|| CommandFault::Unknown(word, near()))?);
                }
            }
            Takes::Partition => {
                let word = words
                    .next()
                    .ok_or(CommandFault::PartitionMissing(entry, names))?;
                argument.partition = partition(word, names)?;
            }
            Takes::PartitionOrAllAndForm => {
                argument.form = form(words);
                if argument.form == Form::Table {
                    argument.one = words
                        .next()
                        .map(|word| partition(word, names))
                        .transpose()?;
                    argument.form = form(words);
                }
            }
        }
        Ok(argument)
    }
}

/// Takes the word that asks for JSON, if it is the next one.
fn form<'a>(words: &mut (impl Iterator<Item = &'a str> + Clone)) -> Form {
    match words.clone().next() {
        Some("json" | "--json") => {
            words.next();
            Form::Json
        }
        _ => Form::Table,
    }
}

fn partition<'a>(word: &'a str, names: &'a [&'a str]) -> Result<PartitionId, CommandFault<'a>> {
    let place = names.iter().position(|name| *name == word);
    let number = place.and_then(|place| u8::try_from(place).ok());
    number
        .map(PartitionId)
        .ok_or(CommandFault::NoSuchPartition(word, names))
}

fn command(entry: &Entry, argument: Argument) -> Command {
    match entry.verb {
        Verb::Help => Command::Help(argument.topic),
        Verb::Ps => Command::Ps(argument.form),
        Verb::Stats => Command::Stats(argument.one, argument.form),
        Verb::Console => Command::Console(argument.partition),
        Verb::Start => Command::Start(argument.partition),
        Verb::Stop => Command::Stop(argument.partition),
        Verb::Restart => Command::Restart(argument.partition),
        Verb::Log => Command::Log,
        Verb::Mem => Command::Mem(argument.form),
        Verb::Cpus => Command::Cpus(argument.form),
        Verb::Features => Command::Features(argument.form),
        Verb::Epitaph => Command::Epitaph(argument.partition),
        Verb::Reboot => Command::Reboot,
    }
}

//! Every command of the control shell, with its usage and its help.
//!
//! The one list that parsing, completion and help read.
//! Also called: command table, help text.

/// What may follow a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Takes {
    Nothing,
    Topic,
    Form,
    Partition,
    PartitionOrAllAndForm,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    Help,
    Ps,
    Stats,
    Console,
    Start,
    Stop,
    Restart,
    Log,
    Mem,
    Cpus,
    Features,
    Epitaph,
    Reboot,
}

/// One command of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    pub(super) verb: Verb,
    pub(super) takes: Takes,
    /// What to type.
    pub name: &'static str,
    /// What may follow it.
    pub usage: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
}

const fn entry(
    verb: Verb,
    takes: Takes,
    name: &'static str,
    usage: &'static str,
    help: &'static str,
) -> Entry {
    Entry {
        verb,
        takes,
        name,
        usage,
        help,
    }
}

/// Every command, in the order of the help text.
pub const COMMANDS: [Entry; 13] = [
    entry(
        Verb::Help,
        Takes::Topic,
        "help",
        "help [COMMAND]",
        "list the commands, or explain one",
    ),
    entry(
        Verb::Ps,
        Takes::Form,
        "ps",
        "ps [json]",
        "what runs where, on which interrupt path and why",
    ),
    entry(
        Verb::Stats,
        Takes::PartitionOrAllAndForm,
        "stats",
        "stats [NAME] [json]",
        "exits by reason, of one partition or all",
    ),
    entry(
        Verb::Console,
        Takes::Partition,
        "console",
        "console NAME",
        "attach to a partition; Ctrl-] comes back",
    ),
    entry(
        Verb::Start,
        Takes::Partition,
        "start",
        "start NAME",
        "load a partition's images and run it",
    ),
    entry(
        Verb::Stop,
        Takes::Partition,
        "stop",
        "stop NAME",
        "stop a partition at once",
    ),
    entry(
        Verb::Restart,
        Takes::Partition,
        "restart",
        "restart NAME",
        "stop a partition and start it again",
    ),
    entry(
        Verb::Epitaph,
        Takes::Partition,
        "epitaph",
        "epitaph NAME",
        "why a partition died, with its registers",
    ),
    entry(
        Verb::Log,
        Takes::Nothing,
        "log",
        "log",
        "the hypervisor's own log",
    ),
    entry(
        Verb::Mem,
        Takes::Form,
        "mem",
        "mem [json]",
        "who has which memory",
    ),
    entry(
        Verb::Cpus,
        Takes::Form,
        "cpus",
        "cpus [json]",
        "the cores and what each is for",
    ),
    entry(
        Verb::Features,
        Takes::Form,
        "features",
        "features [json]",
        "what the CPU offers, and what is done without",
    ),
    entry(
        Verb::Reboot,
        Takes::Nothing,
        "reboot",
        "reboot",
        "reset the whole machine",
    ),
];

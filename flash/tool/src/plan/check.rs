//! The rules a plan must keep on a board, without opening any image.
//!
//! Owns: everything about names, memory sums, kinds and command lines. Each
//! rule is a function of its own and none stops the others.

use super::check_cores;
use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::draft::{At, Draft, Kind, Partition};
use super::suggest::nearest;
use crate::board_facts::{self, BoardFacts};
use crate::size::{self, MIB};
use abi::plan::{CMDLINE_LEN, MAX_MODULES, MAX_PARTITIONS, MODULE_CMDLINE_LEN, NAME_LEN};
use std::collections::BTreeMap;

/// Guest RAM is given in large nested pages.
pub const GRANULE: u64 = 2 * MIB;

/// Holds a draft against a board.
pub fn check(plan: &Draft, board: &BoardFacts, found: &mut Diagnostics) {
    partition_count(plan, found);
    names(plan, found);
    attach(plan, found);
    check_cores::check(plan, board, found);
    memory(plan, board, found);
    for partition in &plan.partitions {
        kind_rules(partition, found);
        command_lines(partition, found);
    }
}

/// The board that the plan names, or the one given on the command line.
pub fn board(plan: &Draft, wanted: Option<&str>, found: &mut Diagnostics) -> Option<BoardFacts> {
    let named = plan.board.as_ref();
    let name = wanted
        .or(named.map(|name| name.get_ref().as_str()))
        .unwrap_or(board_facts::DEFAULT);
    let facts = board_facts::by_name(name);
    if facts.is_none() {
        let known: Vec<_> = board_facts::all().iter().map(|board| board.name).collect();
        let help = match nearest(name, &known) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("the boards are: {}", known.join(", ")),
        };
        let span = named.map_or(0..0, At::span);
        found.add(
            Code::BoardUnknown,
            span,
            format!("no board is called `{name}`"),
            "unknown board",
            help,
        );
    }
    facts
}

fn partition_count(plan: &Draft, found: &mut Diagnostics) {
    match plan.partitions.get(MAX_PARTITIONS) {
        Some(first) => {
            let message = format!(
                "{} partitions, but the payload has room for {MAX_PARTITIONS}",
                plan.partitions.len()
            );
            found.add(
                Code::PartitionCount,
                first.span.clone(),
                message,
                "the first too many",
                "leave some out",
            );
        }
        None if plan.partitions.is_empty() => {
            let help = "add a [[partition]] with name, cores, memory, kind and image";
            found.add(
                Code::PartitionCount,
                0..0,
                "the plan has no partition",
                "nothing would run",
                help,
            );
        }
        None => {}
    }
}

fn names(plan: &Draft, found: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, &At<String>> = BTreeMap::new();
    for name in plan
        .partitions
        .iter()
        .filter_map(|partition| partition.name.as_ref())
    {
        let text = name.get_ref().as_str();
        if text.is_empty() || text.len() > NAME_LEN {
            let message = format!(
                "a name has 1 to {NAME_LEN} characters, this one {}",
                text.len()
            );
            found.add(
                Code::NameLength,
                name.span(),
                message,
                "here",
                "shorten it; the console prints it before every line",
            );
        }
        if !text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        {
            let plain: String = text
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect();
            let help = format!("use letters, digits, `-` and `_`: \"{plain}\"");
            found.add(
                Code::NameCharacters,
                name.span(),
                format!("`{text}` cannot be typed on the console"),
                "here",
                help,
            );
        }
        if let Some(first) = seen.insert(text, name) {
            found.push(Diagnostic {
                code: Code::NameTwice,
                span: name.span(),
                message: format!("two partitions are called `{text}`"),
                label: "the second".into(),
                other: Some((first.span(), "the first".into())),
                help: format!("call this one \"{text}-2\""),
            });
        }
    }
}

fn attach(plan: &Draft, found: &mut Diagnostics) {
    let Some(attach) = &plan.attach else { return };
    let names: Vec<_> = plan.partitions.iter().map(Partition::title).collect();
    if !names.contains(&attach.get_ref().as_str()) {
        let help = match nearest(attach.get_ref(), &names) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("write one of: {}", names.join(", ")),
        };
        let message = format!("no partition is called `{}`", attach.get_ref());
        found.add(
            Code::AttachUnknown,
            attach.span(),
            message,
            "nothing to attach to",
            help,
        );
    }
}

fn memory(plan: &Draft, board: &BoardFacts, found: &mut Diagnostics) {
    let mut sum = 0u64;
    let room = board.memory.saturating_sub(board.reserved);
    for memory in plan
        .partitions
        .iter()
        .filter_map(|partition| partition.memory.as_ref())
    {
        let bytes = *memory.get_ref();
        if bytes == 0 || !bytes.is_multiple_of(GRANULE) {
            let up = bytes.max(1).next_multiple_of(GRANULE);
            let help = format!("write \"{}\"", size::human(up));
            found.add(
                Code::MemoryGranule,
                memory.span(),
                "memory comes in multiples of 2 MiB",
                "here",
                help,
            );
        }
        let before = sum;
        sum = sum.saturating_add(bytes);
        if before <= room && sum > room {
            let message = format!(
                "the partitions want {} or more, {} has {} for them",
                size::human(sum),
                board.name,
                size::human(room)
            );
            let more = if board.emulated {
                ", or give the machine more with --memory"
            } else {
                ""
            };
            let help = format!(
                "of its {} the host keeps {}; ask for less{more}",
                size::human(board.memory),
                size::human(board.reserved)
            );
            found.add(
                Code::MemoryBoard,
                memory.span(),
                message,
                "does not fit any more",
                help,
            );
        }
    }
}

fn kind_rules(partition: &Partition, found: &mut Diagnostics) {
    let Some(kind) = partition.kind.as_ref() else {
        return;
    };
    let is = |wanted: Kind| *kind.get_ref() == wanted;
    if let Some(initrd) = partition.initrd.as_ref().filter(|_| !is(Kind::Linux)) {
        let help = "drop the line, or hand the file over as a module of a multiboot guest";
        found.add(
            Code::InitrdKind,
            initrd.span(),
            "only Linux takes an initrd",
            "not for this kind",
            help,
        );
    }
    if let Some(modules) = partition.modules.as_ref() {
        if !is(Kind::Multiboot) {
            found.add(
                Code::ModulesKind,
                modules.span(),
                "only multiboot guests take modules",
                "not for this kind",
                "drop the line",
            );
        }
        if modules.get_ref().len() > MAX_MODULES {
            let message = format!(
                "{} modules, but the payload has room for {MAX_MODULES}",
                modules.get_ref().len()
            );
            found.add(
                Code::ModuleCount,
                modules.span(),
                message,
                "too many",
                "pack several files into one",
            );
        }
    }
    for (key, address) in [
        ("load-address", &partition.load_address),
        ("entry-address", &partition.entry_address),
    ] {
        match address {
            Some(place) if !is(Kind::Flat) => {
                let message = format!("`{key}` is for flat binaries; this kind brings its own");
                found.add(
                    Code::AddressKind,
                    place.span(),
                    message,
                    "not for this kind",
                    "drop the line",
                );
            }
            None if is(Kind::Flat) => {
                let message = format!("a flat binary needs `{key}`");
                let help = format!("write, for example, `{key} = 0x100000`");
                found.add(
                    Code::AddressKind,
                    kind.span(),
                    message,
                    "because of this kind",
                    help,
                );
            }
            _ => {}
        }
    }
}

fn command_lines(partition: &Partition, found: &mut Diagnostics) {
    let modules = partition.modules.iter().flat_map(|list| list.get_ref());
    let lines = partition.cmdline.iter().map(|line| (line, CMDLINE_LEN));
    let of_modules =
        modules.filter_map(|module| Some((module.cmdline.as_ref()?, MODULE_CMDLINE_LEN - 1)));
    for (line, limit) in lines.chain(of_modules) {
        let text = line.get_ref();
        if text.len() > limit {
            let message = format!(
                "the command line has {} bytes, {limit} are possible",
                text.len()
            );
            found.add(
                Code::CmdlineLength,
                line.span(),
                message,
                "too long",
                "shorten it",
            );
        }
        if text.chars().any(char::is_control) {
            let help = "write it as one line of printable characters";
            found.add(
                Code::CmdlineCharacters,
                line.span(),
                "the command line has control characters",
                "here",
                help,
            );
        }
    }
}

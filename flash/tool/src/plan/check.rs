//! The rules a plan must keep on a board, without opening any image.
//!
//! Owns: everything about names, cores, memory sums, kinds and command lines. Each
//! rule is a function of its own and none stops the others.

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::draft::{At, Draft, Kind, Partition};
use super::reader::nearest;
use crate::board_facts::{self, BoardFacts};
use crate::size::{self, MIB};
use abi::plan::{
    CMDLINE_LEN, MAX_CORES, MAX_MODULES, MAX_PARTITIONS, MAX_VCPUS, MODULE_CMDLINE_LEN, NAME_LEN,
};
use std::collections::BTreeMap;

/// Guest RAM is given in large nested pages.
pub const GRANULE: u64 = 2 * MIB;

/// Holds a draft against a board.
pub fn check(plan: &Draft, board: &BoardFacts, found: &mut Diagnostics) {
    partition_count(plan, found);
    names(plan, found);
    attach(plan, found);
    cores(plan, board, found);
    smt(plan, board, found);
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

fn cores(plan: &Draft, board: &BoardFacts, found: &mut Diagnostics) {
    let limit = board.cores.min(MAX_CORES as u32);
    let mut owner: BTreeMap<u32, (usize, &At<u32>)> = BTreeMap::new();
    for (index, partition) in plan.partitions.iter().enumerate() {
        let Some(list) = &partition.cores else {
            continue;
        };
        let count = list.get_ref().len();
        if count == 0 || count > MAX_VCPUS {
            let message = format!("a partition has 1 to {MAX_VCPUS} cores, this one {count}");
            found.add(
                Code::CoreCount,
                list.span(),
                message,
                "here",
                "write, for example, `cores = [1]`",
            );
        }
        for core in list.get_ref() {
            let number = *core.get_ref();
            if number == 0 {
                let help =
                    "core 0 keeps the house (console, stores); give guests the cores from 1 on";
                found.add(
                    Code::CoreZero,
                    core.span(),
                    "core 0 runs no guest",
                    "here",
                    help,
                );
            } else if number >= limit {
                let message = format!("{} has no core {number}", board.name);
                found.add(
                    Code::CoreMissing,
                    core.span(),
                    message,
                    "no such core",
                    core_help(board, limit),
                );
            }
            let earlier = owner.insert(number, (index, core));
            if let Some((other, place)) = earlier.filter(|_| number != 0) {
                found.push(claimed_twice(plan, (other, place), (index, core)));
            }
        }
    }
}

fn core_help(board: &BoardFacts, limit: u32) -> String {
    match (limit, board.emulated) {
        (..=1, true) => "it has one core, which runs no guest; give it more with --cpus".into(),
        (..=1, false) => "it has one core, which runs no guest".into(),
        (_, true) => format!(
            "its guests have the cores 1 to {}; give the machine more with --cpus",
            limit - 1
        ),
        (_, false) => format!("its guests have the cores 1 to {}", limit - 1),
    }
}

fn claimed_twice(plan: &Draft, first: (usize, &At<u32>), second: (usize, &At<u32>)) -> Diagnostic {
    let title = |index: usize| plan.partitions.get(index).map_or("?", Partition::title);
    let number = second.1.get_ref();
    let same = first.0 == second.0;
    Diagnostic {
        code: if same {
            Code::CoreTwice
        } else {
            Code::CoreShared
        },
        span: second.1.span(),
        message: match same {
            true => format!("`{}` names core {number} twice", title(second.0)),
            false => format!(
                "core {number} belongs to `{}` and to `{}`",
                title(first.0),
                title(second.0)
            ),
        },
        label: if same {
            "again".into()
        } else {
            "claimed here too".to_string()
        },
        other: Some((first.1.span(), "first claimed here".into())),
        help: "a core runs one vCPU for life; name another core".into(),
    }
}

fn smt(plan: &Draft, board: &BoardFacts, found: &mut Diagnostics) {
    if board.threads_per_core < 2 || plan.allow_smt_sharing {
        return;
    }
    let mut owner: BTreeMap<u32, (usize, &At<u32>)> = BTreeMap::new();
    for (index, partition) in plan.partitions.iter().enumerate() {
        for core in partition
            .cores
            .iter()
            .flat_map(|list| list.get_ref())
            .filter(|core| *core.get_ref() != 0)
        {
            let physical = core.get_ref() / board.threads_per_core;
            let (first, place) = *owner.entry(physical).or_insert((index, core));
            if first == index || place.get_ref() == core.get_ref() {
                continue;
            }
            found.push(Diagnostic {
                code: Code::SmtSplit,
                span: core.span(),
                message: format!("cores {} and {} are threads of one physical core", place.get_ref(), core.get_ref()),
                label: format!("of `{}`", partition.title()),
                other: Some((place.span(), format!("of `{}`", plan.partitions[first].title()))),
                help: "give both to one partition, or accept the side channels with `allow-smt-sharing = true` \
                       above the first [[partition]]"
                    .into(),
            });
        }
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

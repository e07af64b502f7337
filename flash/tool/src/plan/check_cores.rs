//! Which cores a plan may name: they exist, have one owner, and SMT is not split.
//!
//! Owns: the rules about cores. A core runs one vCPU for life, and core 0 none; threads
//! of one physical core see each other through its caches and execution units, so two
//! partitions on them need the plan's consent.

use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::draft::{At, Draft, Partition};
use crate::board_facts::BoardFacts;
use abi::plan::{MAX_CORES, MAX_VCPUS};
use std::collections::{BTreeMap, BTreeSet};

/// Holds the cores of a draft against a board.
pub fn check(plan: &Draft, board: &BoardFacts, found: &mut Diagnostics) {
    cores(plan, board, found);
    smt(plan, board, found);
}

fn cores(plan: &Draft, board: &BoardFacts, found: &mut Diagnostics) {
    let mut told = BTreeSet::new();
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
            exists(*core.get_ref(), core, board, found);
            if *core.get_ref() == 0 {
                continue;
            }
            let first = *owner.entry(*core.get_ref()).or_insert((index, core));
            // Once for each pair of partition and core, however often it stands there.
            if first.1.span() != core.span() && told.insert((index, *core.get_ref())) {
                found.push(claimed_twice(plan, first, (index, core)));
            }
        }
    }
}

fn exists(number: u32, core: &At<u32>, board: &BoardFacts, found: &mut Diagnostics) {
    let limit = board.cores.min(MAX_CORES as u32);
    if number == 0 {
        let help = "core 0 keeps the house (console, stores); give guests the cores from 1 on";
        found.add(
            Code::CoreZero,
            core.span(),
            "core 0 runs no guest",
            "here",
            help,
        );
    } else if number >= limit {
        let message = format!("{} has no core {number}", board.name);
        let help = core_help(board, limit);
        found.add(
            Code::CoreMissing,
            core.span(),
            message,
            "no such core",
            help,
        );
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

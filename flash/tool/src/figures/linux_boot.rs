//! One boot of stock Debian, from the reset vector to its first program.
//!
//! Owns: the two moments that the firmware logs (loading begins, first instruction of
//! the guest), the one that the first program prints, and the exits of the whole run.
//! The guest's TSC begins at zero when its loading begins, so all three lie on one line.

use super::dialogue::Dialogue;
use super::first_program;
use super::plans::{HOST_MEMORY, Subject};
use super::table::{Row, Unit};
use crate::failure::Failure;
use crate::machine::qemu::MachineSpec;
use crate::rom::cbfstool::Compression;
use crate::workspace::Workspace;
use anyhow::Context;

/// What follows the console's last word on a guest that asked for a reset.
const RESTS: &str = "[partition linux ";
/// The counters of `stats` that are exits, in the firmware's order.
const EXITS: &[&str] = &[
    "cpuid",
    "msr",
    "port",
    "apic",
    "ioapic",
    "hole",
    "hlt",
    "interrupt",
    "hypercall",
    "exception",
    "other",
];
/// The counter that `stats` prints last.
const LAST_COUNTER: &str = "\"counter\":\"msr-fault\"";

/// Host TSC values of a start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Start {
    loading: u64,
    first: u64,
}

/// Boots it once and reads off the moments and the exits.
pub fn measure(workspace: &Workspace) -> Result<Vec<Row>, Failure> {
    let spec = MachineSpec {
        rom: Subject::Linux.pack(workspace, Compression::default())?,
        cpus: 2,
        threads_per_core: 1,
        memory: HOST_MEMORY,
        icount: true,
        more: Vec::new(),
    };
    let mut dialogue = Dialogue::start(&spec)?;
    let said = dialogue.wait_for(first_program::SAYS, 0)?;
    // The number stands behind the words, the notice of the restart behind both.
    let from = said.find(first_program::SAYS).unwrap_or(0);
    let said = dialogue.wait_for(RESTS, from)?;
    let tsc = first_program::tsc(said).context("the first program printed no number")?;
    dialogue.enter_shell()?;
    let log = dialogue.ask("log", "first instruction at ")?;
    let start = start(&log).context("the log does not say when the guest started")?;
    let stats = dialogue.ask("stats linux json", LAST_COUNTER)?;
    Ok(rows(start, tsc, &exits(&stats))?)
}

fn rows(start: Start, guest_tsc: u64, exits: &[(String, u64)]) -> anyhow::Result<Vec<Row>> {
    let loading = start
        .first
        .checked_sub(start.loading)
        .context("time ran backwards")?;
    let kernel = guest_tsc
        .checked_sub(loading)
        .context("init ran before its kernel")?;
    let millions = |what: &str, ours| Row::plain(what, Unit::Millions, ours);
    let sum = exits.iter().map(|(_, count)| count).sum();
    let mut out = vec![
        millions(
            "reset vector to first guest instruction, 256 MiB Linux",
            start.first,
        )
        .kvm(7_480_000_000)
        .aim(50_000_000),
        millions(
            "of these: clearing guest RAM and loading the kernel",
            loading,
        ),
        millions(
            "Linux, kernel entry to the first instruction of init",
            kernel,
        )
        .kvm(1_576_800_000)
        .aim(1_576_800_000),
        Row::plain("Linux, exits, kernel entry to restart", Unit::Count, sum)
            .kvm(7135)
            .aim(7135),
    ];
    let shown = exits.iter().filter(|(_, count)| *count != 0);
    out.extend(
        shown.map(|(name, count)| Row::plain(format!("of these: {name}"), Unit::Count, *count)),
    );
    Ok(out)
}

/// The line `partition NAME: loads from TSC N, first instruction at N`.
fn start(log: &str) -> Option<Start> {
    log.lines().find_map(|line| {
        let (_, rest) = line.split_once(": loads from TSC ")?;
        let (loading, first) = rest.split_once(", first instruction at ")?;
        Some(Start {
            loading: loading.parse().ok()?,
            first: first.trim().parse().ok()?,
        })
    })
}

/// The counters that are exits.
fn exits(stats: &str) -> Vec<(String, u64)> {
    let mut out = Vec::new();
    for line in stats.lines() {
        // The prompt and the echo of the command stand on the same console.
        let Some(row) = line.find('{').and_then(|at| line.get(at..)) else {
            continue;
        };
        let Ok(row) = serde_json::from_str::<serde_json::Value>(row) else {
            continue;
        };
        let name = row.get("counter").and_then(serde_json::Value::as_str);
        let count = row.get("count").and_then(serde_json::Value::as_u64);
        if let (Some(name), Some(count)) = (name, count)
            && EXITS.contains(&name)
        {
            out.push((name.to_owned(), count));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATS: &str = "bulkhead> stats linux json\r\n\
        {\"schema\":\"bulkhead/counter/1\",\"partition\":\"linux\",\"vcpu\":0,\"count\":31,\"counter\":\"cpuid\"}\r\n\
        {\"schema\":\"bulkhead/counter/1\",\"partition\":\"linux\",\"vcpu\":0,\"count\":5,\"counter\":\"other\"}\r\n\
        {\"schema\":\"bulkhead/counter/1\",\"partition\":\"linux\",\"vcpu\":0,\"count\":9,\"counter\":\"ipi-sent\"}\r\n\
        bulkhead> ";

    #[test]
    fn only_exits_are_summed() {
        let found = exits(STATS);
        assert_eq!(found, [("cpuid".to_owned(), 31), ("other".to_owned(), 5)]);
        let start = Start {
            loading: 100,
            first: 150,
        };
        let rows = rows(start, 1050, &found).expect("in order");
        assert_eq!(rows[0].ours, 150);
        assert_eq!(
            rows[2].ours, 1000,
            "the guest's TSC begins with its loading"
        );
        assert_eq!(rows[3].ours, 36);
    }

    #[test]
    fn moments_out_of_order_are_no_figures() {
        assert!(
            rows(
                Start {
                    loading: 100,
                    first: 150
                },
                49,
                &[]
            )
            .is_err()
        );
        assert!(
            rows(
                Start {
                    loading: 151,
                    first: 150
                },
                1000,
                &[]
            )
            .is_err()
        );
    }

    #[test]
    fn the_start_is_found_among_other_notices() {
        let log = "Bulkhead\r\npartition linux: loads from TSC 12, first instruction at 345\r\n";
        assert_eq!(
            start(log),
            Some(Start {
                loading: 12,
                first: 345
            })
        );
        assert_eq!(start("partition linux is running\r\n"), None);
    }
}

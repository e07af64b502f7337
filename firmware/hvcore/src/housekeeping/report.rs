//! The rows of `ps`, `stats`, `mem`, `cpus` and `features`.
//!
//! Plain facts in, words out: a state is a word and a reason is a sentence, never
//! a letter or a flag.

use core::fmt::{self, Write};

use super::command_table::{COMMANDS, Entry};
use super::life::Life;
use super::quantity::{Bytes, Millis};
use super::table::{Head, Row, number, text};
use crate::handoff::memory_map::Span;
use crate::ids::{ApicId, CpuId, VcpuId};

/// One partition in `ps`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it is in its life.
    pub life: Life,
    /// Host cores of its vCPUs.
    pub cores: &'a [u8],
    /// Guest RAM in bytes.
    pub memory: u64,
    /// Starts behind the first.
    pub restarts: u32,
    /// Time since its last start; `None` when it does not run.
    pub uptime: Option<Millis>,
}

impl Row for PartitionRow<'_> {
    const SCHEMA: &'static str = "bulkhead/partition/1";
    const HEADS: &'static [Head] = &[
        text("PARTITION", "partition"),
        text("STATE", "state"),
        text("CORES", "cores"),
        number("MEMORY", "memory_bytes"),
        number("UPTIME", "uptime_ms"),
        number("RESTARTS", "restarts"),
        text("WHY", "why"),
    ];

    fn cell(&self, column: usize, out: &mut dyn Write) -> fmt::Result {
        match (column, self.uptime) {
            (0, _) => out.write_str(self.name),
            (1, _) => out.write_str(self.life.word()),
            (2, _) => cores(self.cores, out),
            (3, _) => write!(out, "{}", Bytes(self.memory)),
            (4, Some(uptime)) => write!(out, "{uptime}"),
            (5, _) => write!(out, "{}", self.restarts),
            (6, _) => out.write_str(self.life.why()),
            _ => Ok(()),
        }
    }

    fn value(&self, column: usize, out: &mut dyn Write) -> fmt::Result {
        match (column, self.uptime) {
            (3, _) => write!(out, "{}", self.memory),
            (4, Some(uptime)) => write!(out, "{}", uptime.0),
            _ => self.cell(column, out),
        }
    }
}

/// Core numbers, neighbours as a range: `1-3,5`.
fn cores(list: &[u8], out: &mut dyn Write) -> fmt::Result {
    let mut rest = list.iter().copied().peekable();
    let mut separator = "";
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.next_if(|next| last.checked_add(1) == Some(*next)) {
            last = next;
        }
        match last {
            last if last == first => write!(out, "{separator}{first}")?,
            last => write!(out, "{separator}{first}-{last}")?,
        }
        separator = ",";
    }
    Ok(())
}

/// What a vCPU does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VcpuActivity {
    /// Runs guest code or handles one of its exits.
    Running,
    /// Waits in HLT for an interrupt.
    Halted,
    /// Waits for another vCPU to start it.
    WaitingForStartup,
    /// Its partition does not run.
    Parked,
    /// It is the one that could not go on.
    Dead,
}

impl VcpuActivity {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Halted => "halted",
            Self::WaitingForStartup => "waiting for start-up",
            Self::Parked => "parked",
            Self::Dead => "dead",
        }
    }
}

/// How a vCPU's interrupts are delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InterruptPath {
    /// By our code, with exits.
    SoftwareApic,
    /// By AVIC, without exits.
    Avic,
}

impl InterruptPath {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::SoftwareApic => "software APIC",
            Self::Avic => "AVIC",
        }
    }
}

/// One vCPU in `ps`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VcpuRow<'a> {
    /// Its partition.
    pub partition: &'a str,
    /// Its number there.
    pub vcpu: VcpuId,
    /// Its host core.
    pub core: CpuId,
    /// That core's APIC id.
    pub apic: ApicId,
    /// What it does.
    pub activity: VcpuActivity,
    /// How its interrupts are delivered.
    pub path: InterruptPath,
    /// Why not by AVIC, such as "AVIC absent (CPUID 8000_000A EDX bit 13)";
    /// empty when by AVIC.
    pub reason: &'a str,
    /// Exits since the partition's start.
    pub exits: u64,
}

impl Row for VcpuRow<'_> {
    const SCHEMA: &'static str = "bulkhead/vcpu/1";
    const HEADS: &'static [Head] = &[
        text("PARTITION", "partition"),
        number("VCPU", "vcpu"),
        number("CORE", "core"),
        number("APIC ID", "apic_id"),
        text("ACTIVITY", "activity"),
        number("EXITS", "exits"),
        text("INTERRUPTS BY", "path"),
        text("BECAUSE", "reason"),
    ];

    fn cell(&self, column: usize, out: &mut dyn Write) -> fmt::Result {
        match column {
            0 => out.write_str(self.partition),
            1 => write!(out, "{}", self.vcpu.0),
            2 => write!(out, "{}", self.core.0),
            3 => write!(out, "{}", self.apic.0),
            4 => out.write_str(self.activity.words()),
            5 => write!(out, "{}", self.exits),
            6 => out.write_str(self.path.words()),
            _ => out.write_str(self.reason),
        }
    }
}

/// One counter in `stats`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CounterRow<'a> {
    /// Partition it belongs to.
    pub partition: &'a str,
    /// vCPU it belongs to.
    pub vcpu: VcpuId,
    /// What is counted.
    pub name: &'a str,
    /// How often, since the partition's start.
    pub count: u64,
}

impl Row for CounterRow<'_> {
    const SCHEMA: &'static str = "bulkhead/counter/1";
    const HEADS: &'static [Head] = &[
        text("PARTITION", "partition"),
        number("VCPU", "vcpu"),
        number("COUNT", "count"),
        text("OF", "counter"),
    ];

    fn cell(&self, column: usize, out: &mut dyn Write) -> fmt::Result {
        match column {
            0 => out.write_str(self.partition),
            1 => write!(out, "{}", self.vcpu.0),
            2 => write!(out, "{}", self.count),
            _ => out.write_str(self.name),
        }
    }
}

/// One piece of memory in `mem`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryRow<'a> {
    /// Where.
    pub span: Span,
    /// Who has it: a partition, or "hypervisor", "free", "firmware".
    pub owner: &'a str,
    /// For what.
    pub purpose: &'a str,
}

impl Row for MemoryRow<'_> {
    const SCHEMA: &'static str = "bulkhead/memory/1";
    const HEADS: &'static [Head] = &[
        text("FROM", "from"),
        text("TO", "to"),
        number("SIZE", "bytes"),
        text("OWNER", "owner"),
        text("PURPOSE", "purpose"),
    ];

    fn cell(&self, column: usize, out: &mut dyn Write) -> fmt::Result {
        match column {
            0 => write!(out, "{:#012x}", self.span.start.0),
            1 => write!(out, "{:#012x}", self.span.end().saturating_sub(1)),
            2 => write!(out, "{}", Bytes(self.span.len)),
            3 => out.write_str(self.owner),
            _ => out.write_str(self.purpose),
        }
    }

    fn value(&self, column: usize, out: &mut dyn Write) -> fmt::Result {
        if column == 2 {
            write!(out, "{}", self.span.len)
        } else {
            self.cell(column, out)
        }
    }
}

/// One core in `cpus`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuRow<'a> {
    /// Its number in plans.
    pub core: CpuId,
    /// Its APIC id.
    pub apic: ApicId,
    /// What it is for: "housekeeping", a partition and vCPU, or "free".
    pub role: &'a str,
    /// Whether it came up, in words.
    pub state: &'a str,
}

impl Row for CpuRow<'_> {
    const SCHEMA: &'static str = "bulkhead/cpu/1";
    const HEADS: &'static [Head] = &[
        number("CORE", "core"),
        number("APIC ID", "apic_id"),
        text("FOR", "role"),
        text("STATE", "state"),
    ];

    fn cell(&self, column: usize, out: &mut dyn Write) -> fmt::Result {
        match column {
            0 => write!(out, "{}", self.core.0),
            1 => write!(out, "{}", self.apic.0),
            2 => out.write_str(self.role),
            _ => out.write_str(self.state),
        }
    }
}

/// One CPU feature in `features`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeatureRow<'a> {
    /// Its name, such as "NRIP save".
    pub name: &'a str,
    /// Where it is announced, such as "CPUID 8000_000A EDX bit 3".
    pub place: &'a str,
    /// Whether the CPU has it.
    pub present: bool,
    /// What is done without it, or what it is used for.
    pub effect: &'a str,
}

impl Row for FeatureRow<'_> {
    const SCHEMA: &'static str = "bulkhead/feature/1";
    const HEADS: &'static [Head] = &[
        text("FEATURE", "feature"),
        text("HERE", "present"),
        text("EFFECT", "effect"),
        text("ANNOUNCED IN", "place"),
    ];

    fn cell(&self, column: usize, out: &mut dyn Write) -> fmt::Result {
        match column {
            0 => out.write_str(self.name),
            1 => out.write_str(if self.present { "yes" } else { "no" }),
            2 => out.write_str(self.effect),
            _ => out.write_str(self.place),
        }
    }
}

/// Writes the answer to `help`: all commands, or one.
pub fn help(topic: Option<&Entry>, out: &mut dyn Write) -> fmt::Result {
    let Some(entry) = topic else {
        for entry in &COMMANDS {
            write!(out, "  {:<20} {}\r\n", entry.usage, entry.help)?;
        }
        return out.write_str(
            "Ctrl-] leaves a guest's console; Tab completes; arrows edit and recall.\r\n",
        );
    };
    write!(out, "{}\r\n  {}\r\n", entry.usage, entry.help)
}

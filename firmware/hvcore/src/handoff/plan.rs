//! Admits the plan's partitions to this machine, one by one.
//!
//! The plan comes from flash and was made for some board, perhaps not this one.
//! A partition that does not fit is refused by name and the others go on; cores
//! and memory belong to the first partition that can have them.
//! Also called: plan re-check, admission.

use core::fmt::{self, Display, Formatter};

use abi::plan::{
    CBFS_NAME, Claims, FILE_LEN, Field, MAX_PARTITIONS, Name, Partition, PartitionProblem, Plan,
};
use heapless::Vec;

use super::memory::{TooLittleMemory, UsableRam};
use super::memory_map::Span;

/// What the partitions are checked against.
pub struct Machine<'a> {
    /// Cores there are, the housekeeping core included.
    pub cores: usize,
    /// Whether flash holds a file of this name.
    pub has_file: &'a dyn Fn(&str) -> bool,
}

/// Why a partition does not run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The plan itself is wrong.
    Plan(PartitionProblem),
    /// The machine does not have the core: its number, and how many there are.
    CoreAbsent(u8, usize),
    /// The flash does not have the file named in the field.
    FileAbsent(Field, [u8; FILE_LEN]),
    /// There is not enough memory left.
    Memory(TooLittleMemory),
}

/// A partition and why it does not run; prints as one sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Its name as written.
    pub partition: Name,
    /// Why.
    pub reason: Reason,
}

impl Display for Refusal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "partition {} is refused: ", self.partition)?;
        match self.reason {
            Reason::Plan(problem) => write!(f, "{}: {problem}", problem.field().name()),
            Reason::CoreAbsent(core, cores) => {
                write!(
                    f,
                    "cores: core {core} does not exist, this machine has cores 0 to {}",
                    cores.saturating_sub(1)
                )
            }
            Reason::FileAbsent(field, file) => {
                let file = abi::plan::text(&file).unwrap_or("");
                write!(
                    f,
                    "{}: the flash has no file {file}, pack it beside {CBFS_NAME}",
                    field.name()
                )
            }
            Reason::Memory(too_little) => write!(f, "memory: it {too_little}"),
        }
    }
}

/// What became of one partition.
pub type Admission = Result<Span, Refusal>;

/// Decides for each partition of the plan, in plan order: its memory, or why
/// not. Memory is taken from `ram` for those admitted.
pub fn admit(
    plan: &Plan<'_>,
    machine: &Machine<'_>,
    ram: &mut UsableRam,
) -> Vec<Admission, MAX_PARTITIONS> {
    let mut claims = Claims::none();
    let mut admissions = Vec::new();
    for (_, partition) in plan.partitions() {
        let decided = admit_one(&partition, &claims, machine, ram);
        if decided.is_ok() {
            claims.admit(&partition);
        }
        let admission = decided.map_err(|reason| Refusal {
            partition: Name(partition.name),
            reason,
        });
        // A plan that was read has at most MAX_PARTITIONS records.
        let _ = admissions.push(admission);
    }
    admissions
}

fn admit_one(
    partition: &Partition,
    claims: &Claims,
    machine: &Machine<'_>,
    ram: &mut UsableRam,
) -> Result<Span, Reason> {
    claims.check(partition).map_err(Reason::Plan)?;
    let absent = partition
        .used_cores()
        .iter()
        .find(|core| usize::from(**core) >= machine.cores);
    if let Some(core) = absent {
        return Err(Reason::CoreAbsent(*core, machine.cores));
    }
    if let Some((field, file)) = partition
        .files()
        .find(|(_, file)| !(machine.has_file)(file))
    {
        return Err(Reason::FileAbsent(field, field_of(file)));
    }
    ram.take_partition(partition.memory).map_err(Reason::Memory)
}

/// A file name back in its zero-padded field.
fn field_of(file: &str) -> [u8; FILE_LEN] {
    let mut field = [0; FILE_LEN];
    for (to, from) in field.iter_mut().zip(file.bytes()) {
        *to = from;
    }
    field
}

//! The compiled plan read back, for `inspect` and for tests of the compiler.
//!
//! Owns: the host's reader of `abi::plan`. It believes nothing either: a plan
//! that a payload would refuse is reported with the reason.

use super::compile::crc32;
use super::draft::{Kind, Policy, Word};
use abi::plan::{self, ATTACH_NONE, FILE_LEN, Header, MAGIC, Partition, VERSION, flags, text};
use board::Errata;
use serde::Serialize;
use zerocopy::FromBytes;

/// A plan as `inspect` shows it.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Decoded {
    /// Board it was checked against.
    pub board: String,
    /// Name of the attached partition.
    pub attach: Option<String>,
    /// Work-arounds that it leaves out, for an experiment.
    pub errata_off: Vec<&'static str>,
    /// The partitions.
    pub partitions: Vec<DecodedPartition>,
}

/// One partition of a compiled plan.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct DecodedPartition {
    /// Name.
    pub name: String,
    /// Kind in a plan's word.
    pub kind: &'static str,
    /// Host core of each vCPU.
    pub cores: Vec<u8>,
    /// Bytes of RAM.
    pub memory: u64,
    /// CBFS name of the image.
    pub image: String,
    /// CBFS name of the initrd.
    pub initrd: Option<String>,
    /// CBFS names of the modules with their strings.
    pub modules: Vec<(String, String)>,
    /// Command line.
    pub cmdline: String,
    /// Load and entry address of a flat binary.
    pub addresses: Option<(u64, u64)>,
    /// Whether it waits for `start`.
    pub manual: bool,
    /// Policies after crash, reboot, power-off.
    pub policies: [&'static str; 3],
    /// Restarts after crashes; 0 means no limit.
    pub restart_limit: u32,
}

/// Why bytes are not a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadPlan {
    /// Shorter than it says, or than a header.
    #[error("the plan is cut short")]
    Short,
    /// Another file.
    #[error("the magic `BULKPLAN` is missing")]
    Magic,
    /// Made by another version of the command.
    #[error("layout version {0}, this command reads {VERSION}")]
    Version(u32),
    /// Damaged.
    #[error("the checksum is wrong")]
    Checksum,
    /// A field out of its range.
    #[error("partition {0} has an impossible field")]
    Field(usize),
}

/// Reads a compiled plan.
pub fn decode(bytes: &[u8]) -> Result<Decoded, BadPlan> {
    let (header, rest) = Header::read_from_prefix(bytes).map_err(|_| BadPlan::Short)?;
    if header.magic != MAGIC {
        return Err(BadPlan::Magic);
    }
    if header.version != VERSION {
        return Err(BadPlan::Version(header.version));
    }
    let length = (header.length as usize)
        .checked_sub(size_of::<Header>())
        .ok_or(BadPlan::Short)?;
    let body = rest.get(..length).ok_or(BadPlan::Short)?;
    if crc32(body) != header.crc {
        return Err(BadPlan::Checksum);
    }
    let mut partitions = Vec::new();
    let mut left = body;
    for index in 0..header.partitions as usize {
        let (record, behind) = Partition::read_from_prefix(left).map_err(|_| BadPlan::Short)?;
        partitions.push(partition(&record).ok_or(BadPlan::Field(index))?);
        left = behind;
    }
    let attach = match header.attach {
        ATTACH_NONE => None,
        index => Some(
            partitions
                .get(index as usize)
                .ok_or(BadPlan::Field(index as usize))?
                .name
                .clone(),
        ),
    };
    Ok(Decoded {
        board: text(&header.board).unwrap_or("?").into(),
        attach,
        errata_off: Errata::from_bits_truncate(header.errata_off)
            .iter_names()
            .map(|(name, _)| name)
            .collect(),
        partitions,
    })
}

fn partition(record: &Partition) -> Option<DecodedPartition> {
    let kind = *Kind::WORDS
        .iter()
        .find(|(_, kind)| kind.number() == record.kind)?;
    let filled = record
        .modules
        .iter()
        .take_while(|module| module.file.first() != Some(&0));
    let modules: Option<_> = filled
        .map(|m: &plan::Module| Some((owned(&m.file)?, owned(&m.cmdline)?)))
        .collect();
    Some(DecodedPartition {
        name: owned(&record.name)?,
        kind: kind.0,
        cores: record.cores.get(..record.vcpus as usize)?.to_vec(),
        memory: record.memory,
        image: owned(&record.image)?,
        initrd: (record.initrd != [0; FILE_LEN])
            .then(|| owned(&record.initrd))
            .flatten(),
        modules: modules?,
        cmdline: owned(&record.cmdline)?,
        addresses: (kind.1 == Kind::Flat).then_some((record.load_address, record.entry_address)),
        manual: record.flags & flags::MANUAL_START != 0,
        policies: [
            policy(record.on_crash)?,
            policy(record.on_reboot)?,
            policy(record.on_poweroff)?,
        ],
        restart_limit: record.restart_limit,
    })
}

fn owned(field: &[u8]) -> Option<String> {
    text(field).map(str::to_owned)
}

fn policy(number: u8) -> Option<&'static str> {
    Policy::WORDS
        .iter()
        .find(|(_, policy)| policy.number() == number)
        .map(|(word, _)| *word)
}

//! The plan as a file: envelope checks and access to its records.
//!
//! The bytes may lie in flash at any alignment and are read by copy, so a
//! partition that was checked is the partition that is used.

use crc::{CRC_32_ISO_HDLC, Crc};
use zerocopy::FromBytes;

use super::{
    ATTACH_NONE, Claims, Header, MAGIC, MAX_PARTITIONS, Name, Partition, PartitionFault, PlanFault,
    VERSION, text,
};

pub(crate) const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// CRC-32 (ISO-HDLC) as [`Header::crc`] wants it: over everything behind the
/// header.
pub fn checksum(records: &[u8]) -> u32 {
    CRC.checksum(records)
}

/// A plan whose envelope is whole. Its partitions are not yet believed.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    header: Header,
    records: &'a [u8],
}

/// Reads a plan and checks every partition; the first fault refuses it. This
/// is what the host tool asks. The payload reads with [`Plan::read`] and refuses
/// partitions one by one.
pub fn check(bytes: &[u8]) -> Result<Plan<'_>, PlanFault> {
    let plan = Plan::read(bytes)?;
    let mut claims = Claims::none();
    for (index, partition) in plan.partitions() {
        let fault = |problem| PartitionFault {
            index,
            partition: Name(partition.name),
            problem,
        };
        claims
            .check(&partition)
            .map_err(|problem| PlanFault::Partition(fault(problem)))?;
        claims.admit(&partition);
    }
    Ok(plan)
}

impl<'a> Plan<'a> {
    /// Reads the envelope: magic, version, counts, length, checksum.
    pub fn read(bytes: &'a [u8]) -> Result<Self, PlanFault> {
        let (header, records) = Header::read_from_prefix(bytes).map_err(|_| PlanFault::Short)?;
        if header.magic != MAGIC {
            return Err(PlanFault::Magic);
        }
        if header.version != VERSION {
            return Err(PlanFault::Version(header.version));
        }
        if header.partitions > MAX_PARTITIONS as u32 {
            return Err(PlanFault::PartitionCount(header.partitions));
        }
        let wanted = header.partitions as usize * size_of::<Partition>();
        let records = records.get(..wanted).ok_or(PlanFault::Length)?;
        if header.length as usize != size_of::<Header>() + wanted {
            return Err(PlanFault::Length);
        }
        if checksum(records) != header.crc {
            return Err(PlanFault::Checksum);
        }
        Self::read_header(header)?;
        Ok(Self { header, records })
    }

    fn read_header(header: Header) -> Result<(), PlanFault> {
        if header.attach != ATTACH_NONE && header.attach >= header.partitions {
            return Err(PlanFault::Attach(header.attach));
        }
        text(&header.board).map(|_| ()).ok_or(PlanFault::Board)
    }

    /// Number of partitions, 0 to [`MAX_PARTITIONS`].
    pub const fn len(&self) -> usize {
        self.header.partitions as usize
    }

    /// Whether the plan has no partition.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of one record.
    pub fn partition(&self, index: usize) -> Option<Partition> {
        let record = self
            .records
            .chunks_exact(size_of::<Partition>())
            .nth(index)?;
        Partition::read_from_bytes(record).ok()
    }

    /// Copies of all records with their place in the plan.
    pub fn partitions(&self) -> impl Iterator<Item = (u8, Partition)> + 'a {
        let records = self.records.chunks_exact(size_of::<Partition>());
        (0u8..).zip(records.filter_map(|record| Partition::read_from_bytes(record).ok()))
    }

    /// Place of the partition whose console is attached at start.
    pub fn attached(&self) -> Option<u8> {
        u8::try_from(self.header.attach)
            .ok()
            .filter(|_| self.header.attach != ATTACH_NONE)
    }

    /// Work-arounds to leave out: [`Header::errata_off`].
    pub const fn errata_off(&self) -> u32 {
        self.header.errata_off
    }

    /// Board the plan was checked against.
    pub fn board(&self) -> &str {
        text(&self.header.board).unwrap_or("")
    }
}

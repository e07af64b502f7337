//! The number of a partition: its place in the plan, from 0.

/// Place of a partition in the plan, below `abi::plan::MAX_PARTITIONS`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct PartitionId(pub u8);

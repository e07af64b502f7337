//! Product numbers, each with its arithmetic, and the image's statics they size.

/// Partitions: those of a plan.
pub const PARTITIONS: usize = abi::plan::MAX_PARTITIONS;
/// Host cores: those a plan can name.
pub const CPUS: usize = abi::plan::MAX_CORES;
/// Bytes moved between two looks at the STOP request while images load (1 MiB:
/// well below a millisecond from RAM, a few from uncached flash).
pub const LOAD_CHUNK: usize = 1 << 20;
/// Frames every core owns: host save area and VMCB.
pub const FRAMES_PER_CPU: u64 = 2;

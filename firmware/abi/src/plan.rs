//! The compiled partition plan: a fixed-layout file in CBFS.
//!
//! `bulkhead check` compiles a TOML plan into it, `bulkhead pack` puts it into
//! CBFS as [`CBFS_NAME`], the payload checks it again and trusts none of it.
//! Little-endian, no pointers; a name is UTF-8 padded with zero bytes.
//! Also called: configuration, cell config, static partition table.

mod fault;
mod file;
mod partition;

pub use fault::{Field, Name, PartitionFault, PartitionProblem, PlanFault};
pub(crate) use file::CRC;
pub use file::{Plan, check, checksum};
pub use partition::Claims;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Name of the compiled plan in CBFS.
pub const CBFS_NAME: &str = "bulkhead/plan";
/// First eight bytes of the file.
pub const MAGIC: [u8; 8] = *b"BULKPLAN";
/// Layout version; a payload reads exactly its own.
pub const VERSION: u32 = 1;

/// Most partitions in one plan.
pub const MAX_PARTITIONS: usize = 8;
/// Most vCPUs in one partition.
pub const MAX_VCPUS: usize = 8;
/// Most host cores a plan can name (the highest is `MAX_CORES - 1`).
pub const MAX_CORES: usize = 16;
/// Most modules of one multiboot guest.
pub const MAX_MODULES: usize = 4;
/// Longest partition name in bytes.
pub const NAME_LEN: usize = 16;
/// Longest CBFS file name in bytes.
pub const FILE_LEN: usize = 64;
/// Longest command line in bytes, without a terminating zero.
pub const CMDLINE_LEN: usize = 1024;
/// Longest command line of a multiboot module.
pub const MODULE_CMDLINE_LEN: usize = 128;
/// Value of [`Header::attach`] when no guest console is attached at start.
pub const ATTACH_NONE: u32 = u32::MAX;

/// Start of the file; [`Header::partitions`] records of [`Partition`] follow.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: u32,
    /// Bytes of the whole file, header included.
    pub length: u32,
    /// CRC-32 (ISO-HDLC) of everything behind this header.
    pub crc: u32,
    /// Number of partition records, 0 to [`MAX_PARTITIONS`].
    pub partitions: u32,
    /// Partition whose console is attached at start, or [`ATTACH_NONE`].
    pub attach: u32,
    /// Work-arounds to leave out for an experiment, bits as crate `board`'s
    /// `Errata`; 0 in every plan that is not one. A bit without a name does nothing.
    pub errata_off: u32,
    /// Board name the plan was checked against.
    pub board: [u8; 32],
}

/// What kind of program a partition runs. Values of [`Partition::kind`].
pub mod kind {
    /// Linux bzImage, entered by the 64-bit boot protocol.
    pub const LINUX: u8 = 1;
    /// Multiboot (version 1) ELF32, entered as that protocol says.
    pub const MULTIBOOT: u8 = 2;
    /// Flat binary: copied to `load_address`, entered at `entry_address` in
    /// 32-bit protected mode without paging.
    pub const FLAT: u8 = 3;
}

/// What to do after an event. Values of the `on_*` fields.
pub mod policy {
    /// Leave the partition stopped.
    pub const STOP: u8 = 0;
    /// Start it again from its images.
    pub const RESTART: u8 = 1;
}

/// Bits of [`Partition::flags`].
pub mod flags {
    /// Do not start at boot; wait for `start NAME` on the console.
    pub const MANUAL_START: u32 = 1;
}

/// A module of a multiboot guest: a file and its string.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
pub struct Module {
    /// CBFS file name; empty ends the list.
    pub file: [u8; FILE_LEN],
    /// String handed to the guest with it.
    pub cmdline: [u8; MODULE_CMDLINE_LEN],
}

/// One partition.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
pub struct Partition {
    /// Name on the console: letters, digits, `-` and `_`; not empty.
    pub name: [u8; NAME_LEN],
    /// [`kind`].
    pub kind: u8,
    /// [`policy`] when the guest dies (triple fault, unknown exit).
    pub on_crash: u8,
    /// [`policy`] when the guest asks for a reset.
    pub on_reboot: u8,
    /// [`policy`] when the guest asks for power-off.
    pub on_poweroff: u8,
    /// Number of vCPUs, 1 to [`MAX_VCPUS`].
    pub vcpus: u32,
    /// Host core of each vCPU in MADT order; the first `vcpus` count. Never 0.
    pub cores: [u8; MAX_VCPUS],
    /// Guest RAM in bytes, a multiple of 2 MiB, at least 2 MiB.
    pub memory: u64,
    /// Flat binaries: where the image is copied (guest-physical).
    pub load_address: u64,
    /// Flat binaries: first instruction (guest-physical).
    pub entry_address: u64,
    /// [`flags`].
    pub flags: u32,
    /// Restarts after a crash before the partition is left stopped; 0 means no limit.
    pub restart_limit: u32,
    /// CBFS name of the kernel or image.
    pub image: [u8; FILE_LEN],
    /// CBFS name of the initrd (Linux); empty for none.
    pub initrd: [u8; FILE_LEN],
    /// Modules (multiboot); an empty file name ends the list.
    pub modules: [Module; MAX_MODULES],
    /// Command line, zero padded.
    pub cmdline: [u8; CMDLINE_LEN],
}

const _: () = assert!(size_of::<Header>() == 64);
const _: () = assert!(
    size_of::<Partition>() == 64 + 2 * FILE_LEN + MAX_MODULES * size_of::<Module>() + CMDLINE_LEN
);

/// The text of a zero-padded name field, up to the first zero byte.
/// `None` when it is not UTF-8.
pub fn text(field: &[u8]) -> Option<&str> {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    core::str::from_utf8(field.get(..end)?).ok()
}

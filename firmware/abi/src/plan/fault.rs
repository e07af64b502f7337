//! What can be wrong with a compiled plan, each in one sentence.
//!
//! A fault of the file refuses the whole plan; a fault of one partition refuses
//! that partition and names it and the field. The host tool and the payload
//! print the same sentences.

use core::fmt::{self, Display, Formatter};

use super::{MAX_CORES, MAX_PARTITIONS, MAX_VCPUS, NAME_LEN, VERSION, text};

/// A partition's name as it stands in the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Name(pub [u8; NAME_LEN]);

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match text(&self.0) {
            Some("") => f.write_str("(without a name)"),
            Some(name) => f.write_str(name),
            None => f.write_str("(name is not text)"),
        }
    }
}

/// A field of a partition, called as in the plan's source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// `name`
    Name,
    /// `kind`
    Kind,
    /// `on-crash`
    OnCrash,
    /// `on-reboot`
    OnReboot,
    /// `on-poweroff`
    OnPoweroff,
    /// `cores`
    Cores,
    /// `memory`
    Memory,
    /// `load-address`
    LoadAddress,
    /// `entry-address`
    EntryAddress,
    /// `flags`
    Flags,
    /// `image`
    Image,
    /// `initrd`
    Initrd,
    /// `modules`
    Modules,
    /// `cmdline`
    Cmdline,
}

impl Field {
    /// The field's name in the plan's source.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Kind => "kind",
            Self::OnCrash => "on-crash",
            Self::OnReboot => "on-reboot",
            Self::OnPoweroff => "on-poweroff",
            Self::Cores => "cores",
            Self::Memory => "memory",
            Self::LoadAddress => "load-address",
            Self::EntryAddress => "entry-address",
            Self::Flags => "flags",
            Self::Image => "image",
            Self::Initrd => "initrd",
            Self::Modules => "modules",
            Self::Cmdline => "cmdline",
        }
    }
}

/// Why a plan is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanFault {
    /// Fewer bytes than a header.
    Short,
    /// Other first bytes than a plan's.
    Magic,
    /// A layout of another version, given.
    Version(u32),
    /// More partitions than [`MAX_PARTITIONS`]: the number given.
    PartitionCount(u32),
    /// The length field does not fit the file or the partition count.
    Length,
    /// The checksum does not fit the contents.
    Checksum,
    /// The attached console is of a partition that does not exist.
    Attach(u32),
    /// The board name is not zero-padded text.
    Board,
    /// One partition is wrong.
    Partition(PartitionFault),
}

impl Display for PlanFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Short => f.write_str("the plan is shorter than its header"),
            Self::Magic => {
                f.write_str("the file is not a compiled plan: it does not begin with BULKPLAN")
            }
            Self::Version(found) => {
                write!(
                    f,
                    "the plan has layout version {found}, this payload reads {VERSION}: compile it again"
                )
            }
            Self::PartitionCount(found) => {
                write!(
                    f,
                    "the plan has {found} partitions, at most {MAX_PARTITIONS} are possible"
                )
            }
            Self::Length => f.write_str("the plan's length field does not match the file"),
            Self::Checksum => f.write_str("the plan's checksum is wrong: the file is damaged"),
            Self::Attach(found) => {
                write!(
                    f,
                    "the plan attaches the console to partition number {found}, which does not exist"
                )
            }
            Self::Board => f.write_str("the plan's board name is not text"),
            Self::Partition(fault) => fault.fmt(f),
        }
    }
}

/// Why one partition is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionFault {
    /// Place in the plan, from 0.
    pub index: u8,
    /// Its name as written.
    pub partition: Name,
    /// What is wrong.
    pub problem: PartitionProblem,
}

impl Display for PartitionFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "partition {}: {}: {}",
            self.partition,
            self.problem.field().name(),
            self.problem
        )
    }
}

/// What is wrong with a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartitionProblem {
    /// The name is empty.
    NameEmpty,
    /// The name has a character other than letters, digits, `-` and `_`, or is
    /// not zero-padded.
    NameCharacters,
    /// Another partition has the name.
    NameTaken,
    /// An unknown kind.
    Kind(u8),
    /// An unknown policy value in one of the `on-` fields.
    Policy(Field, u8),
    /// No vCPU, or more than [`MAX_VCPUS`].
    VcpuCount(u32),
    /// Core 0 does the housekeeping.
    CoreZero,
    /// A core number a plan cannot express.
    CoreBeyondPlan(u8),
    /// A core stands twice in the list.
    CoreTwice(u8),
    /// A core belongs to the named partition already.
    CoreTaken(u8, Name),
    /// Not a multiple of 2 MiB, or zero.
    MemorySize(u64),
    /// A flat image would be loaded outside the partition's memory.
    LoadOutside(u64),
    /// A flat image's entry lies before the image or outside memory.
    EntryOutside(u64),
    /// A flag bit that has no meaning.
    Flags(u32),
    /// The image is not named.
    ImageMissing,
    /// Text that is not UTF-8 or not zero-padded.
    NotText(Field),
    /// A file for a kind that does not take it.
    NotForKind(Field),
    /// A module stands behind the end of the list.
    ModuleGap,
}

impl PartitionProblem {
    /// The field it is about.
    pub const fn field(self) -> Field {
        match self {
            Self::NameEmpty | Self::NameCharacters | Self::NameTaken => Field::Name,
            Self::Kind(_) => Field::Kind,
            Self::Policy(field, _) | Self::NotText(field) | Self::NotForKind(field) => field,
            Self::VcpuCount(_) | Self::CoreZero | Self::CoreBeyondPlan(_) => Field::Cores,
            Self::CoreTwice(_) | Self::CoreTaken(..) => Field::Cores,
            Self::MemorySize(_) => Field::Memory,
            Self::LoadOutside(_) => Field::LoadAddress,
            Self::EntryOutside(_) => Field::EntryAddress,
            Self::Flags(_) => Field::Flags,
            Self::ImageMissing => Field::Image,
            Self::ModuleGap => Field::Modules,
        }
    }
}

impl Display for PartitionProblem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NameEmpty => f.write_str("it is empty, give one of letters, digits, - and _"),
            Self::NameCharacters => f.write_str("only letters, digits, - and _ are allowed"),
            Self::NameTaken => f.write_str("another partition has the same name"),
            Self::Kind(found) => write!(f, "{found} is not a kind, use linux, multiboot or flat"),
            Self::Policy(_, found) => write!(f, "{found} is not a policy, use stop or restart"),
            Self::VcpuCount(found) => write!(
                f,
                "{found} vCPUs are not possible, give 1 to {MAX_VCPUS} cores"
            ),
            Self::CoreZero => f.write_str("core 0 does the housekeeping and runs no guest"),
            Self::CoreBeyondPlan(core) => {
                write!(
                    f,
                    "core {core} cannot be named, the highest is {}",
                    MAX_CORES - 1
                )
            }
            Self::CoreTwice(core) => write!(f, "core {core} is listed twice"),
            Self::CoreTaken(core, by) => write!(f, "core {core} already belongs to partition {by}"),
            Self::MemorySize(found) => {
                write!(f, "{found} bytes are not a multiple of 2 MiB, or none")
            }
            Self::LoadOutside(at) => write!(f, "{at:#x} is outside the partition's memory"),
            Self::EntryOutside(at) => write!(
                f,
                "{at:#x} is before the image or outside the partition's memory"
            ),
            Self::Flags(found) => write!(f, "{found:#x} has bits without a meaning"),
            Self::ImageMissing => f.write_str("no file is named"),
            Self::NotText(_) => f.write_str("the text is not UTF-8 padded with zero bytes"),
            Self::NotForKind(_) => f.write_str("this kind of partition does not take one"),
            Self::ModuleGap => f.write_str("a module stands behind an empty one"),
        }
    }
}

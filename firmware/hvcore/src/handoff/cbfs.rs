//! CBFS: files in coreboot's flash region, found by name.
//!
//! Works on a slice of the flash window (or of RAM). A file is a header on a
//! 64-byte boundary, a name, attributes, data. A header that is damaged is
//! reported with its offset, and the walk goes on at the next boundary that
//! carries the magic, so that one bad sector does not hide the files behind it.
//! Also called: coreboot file system, LARCHIVE.

use super::wire::{array, be32};

const MAGIC: [u8; 8] = *b"LARCHIVE";
/// Headers start at multiples of this, counted from the start of the region.
pub const ALIGNMENT: usize = 64;
const HEADER_LEN: usize = 24;
/// Longest run of attributes looked at; five tags exist.
const MAX_ATTRIBUTES: usize = 32;
const COMPRESSION_TAG: u32 = 0x4243_5a4c;

/// Type word of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct FileKind(pub u32);

impl FileKind {
    /// Space that a deleted file left.
    pub const DELETED: Self = Self(0);
    /// Free space.
    pub const FREE: Self = Self(0xffff_ffff);
    /// Boot block.
    pub const BOOTBLOCK: Self = Self(0x01);
    /// A stage of coreboot.
    pub const STAGE: Self = Self(0x11);
    /// A payload (SELF).
    pub const PAYLOAD: Self = Self(0x20);
    /// Plain data.
    pub const RAW: Self = Self(0x50);

    /// Whether the entry is room rather than a file.
    pub const fn is_space(self) -> bool {
        matches!(self, Self::DELETED | Self::FREE)
    }
}

/// How a file's data is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stored {
    /// As it is.
    Plain,
    /// LZMA with the 13-byte "alone" header.
    Lzma {
        /// Bytes after unpacking.
        unpacked: u32,
    },
    /// LZ4 frame.
    Lz4 {
        /// Bytes after unpacking.
        unpacked: u32,
    },
    /// By an algorithm we do not know.
    Unknown {
        /// The algorithm's number.
        algorithm: u32,
        /// Bytes after unpacking.
        unpacked: u32,
    },
}

/// One file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct File<'a> {
    /// Its name; empty if it is not UTF-8.
    pub name: &'a str,
    /// Its type word.
    pub kind: FileKind,
    /// How the data is stored.
    pub stored: Stored,
    /// Its data as stored.
    pub data: &'a [u8],
    /// Where the data begins, counted from the start of the region.
    pub data_offset: usize,
}

/// A header that cannot be followed; both carry its offset in the region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CbfsFault {
    /// Neither a header nor erased flash stands where one must be.
    NoHeader {
        /// Offset of the place.
        offset: usize,
    },
    /// Name, attributes or data leave the region or each other's bounds.
    Bounds {
        /// Offset of the header.
        offset: usize,
    },
}

impl CbfsFault {
    /// The fault in one sentence, without the offset.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoHeader { .. } => "the file system has a damaged header",
            Self::Bounds { .. } => "the file system has a file that is longer than its region",
        }
    }

    /// Where, counted from the start of the region.
    pub const fn offset(self) -> usize {
        match self {
            Self::NoHeader { offset } | Self::Bounds { offset } => offset,
        }
    }
}

/// A region that may hold files.
#[derive(Clone, Copy, Debug)]
pub struct Cbfs<'a> {
    region: &'a [u8],
}

impl<'a> Cbfs<'a> {
    /// Over the bytes of one region.
    pub const fn new(region: &'a [u8]) -> Self {
        Self { region }
    }

    /// Files and faults in flash order. Free space is left out.
    pub const fn entries(self) -> Entries<'a> {
        Entries {
            region: self.region,
            at: 0,
            lost: false,
        }
    }

    /// The first whole file called `name`.
    pub fn find(self, name: &str) -> Option<File<'a>> {
        self.entries()
            .filter_map(Result::ok)
            .find(|file| file.name == name)
    }

    /// The first damaged place, if any.
    pub fn first_fault(self) -> Option<CbfsFault> {
        self.entries().find_map(Result::err)
    }
}

/// Iterator of [`Cbfs::entries`]; every step advances by at least [`ALIGNMENT`].
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    region: &'a [u8],
    at: usize,
    /// Looking for the next magic after a fault that was already reported.
    lost: bool,
}

/// What stands at one boundary.
enum Place<'a> {
    Entry { file: File<'a>, next: usize },
    Erased,
    Damaged(CbfsFault),
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<File<'a>, CbfsFault>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.at.checked_add(HEADER_LEN)? <= self.region.len() {
            match place(self.region, self.at) {
                Place::Entry { file, next } => {
                    self.at = next;
                    self.lost = false;
                    if !file.kind.is_space() {
                        return Some(Ok(file));
                    }
                }
                Place::Erased => self.at = self.at.checked_add(ALIGNMENT)?,
                Place::Damaged(fault) => {
                    self.at = self.at.checked_add(ALIGNMENT)?;
                    let known = core::mem::replace(&mut self.lost, true);
                    if !known || matches!(fault, CbfsFault::Bounds { .. }) {
                        return Some(Err(fault));
                    }
                }
            }
        }
        None
    }
}

fn place(region: &[u8], at: usize) -> Place<'_> {
    let head = region.get(at..at.saturating_add(HEADER_LEN)).unwrap_or(&[]);
    if array(head, 0) == Some(MAGIC) {
        let entry = entry(region, at);
        return entry.unwrap_or(Place::Damaged(CbfsFault::Bounds { offset: at }));
    }
    if head.iter().all(|b| *b == 0xff) || head.iter().all(|b| *b == 0) {
        return Place::Erased;
    }
    Place::Damaged(CbfsFault::NoHeader { offset: at })
}

/// Reads the entry at `at`; `None` when a field leaves its bounds.
fn entry(region: &[u8], at: usize) -> Option<Place<'_>> {
    let rest = region.get(at..)?;
    let field = |offset| be32(rest, offset).map(|value| value as usize);
    let (len, attributes, data_at) = (field(8)?, field(16)?, field(20)?);
    let kind = FileKind(be32(rest, 12)?);
    let name_end = if attributes == 0 { data_at } else { attributes };
    let name = abi::plan::text(rest.get(HEADER_LEN..name_end)?).unwrap_or("");
    let stored = match attributes {
        0 => Stored::Plain,
        _ => stored(rest.get(attributes..data_at)?),
    };
    let end = data_at.checked_add(len)?;
    let data = rest.get(data_at..end)?;
    let next = at.checked_add(end)?.checked_next_multiple_of(ALIGNMENT)?;
    let file = File {
        name,
        kind,
        stored,
        data,
        data_offset: at.checked_add(data_at)?,
    };
    Some(Place::Entry { file, next })
}

/// Looks for the compression attribute; anything else is passed over, and a
/// list that makes no sense ends.
fn stored(mut attributes: &[u8]) -> Stored {
    for _ in 0..MAX_ATTRIBUTES {
        let (Some(tag), Some(len)) = (be32(attributes, 0), be32(attributes, 4)) else {
            break;
        };
        if tag == COMPRESSION_TAG {
            let algorithm = be32(attributes, 8).unwrap_or(u32::MAX);
            let unpacked = be32(attributes, 12).unwrap_or(0);
            return match algorithm {
                0 => Stored::Plain,
                1 => Stored::Lzma { unpacked },
                2 => Stored::Lz4 { unpacked },
                _ => Stored::Unknown {
                    algorithm,
                    unpacked,
                },
            };
        }
        match attributes.get((len as usize).max(8)..) {
            Some(rest) => attributes = rest,
            None => break,
        }
    }
    Stored::Plain
}

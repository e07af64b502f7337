//! The loader script: allocate, point, sum, report back.
//!
//! All files go into one region whose size is the sum the script asks for, so the
//! whole run is arithmetic on one byte slice and the physical address of its
//! first byte. Scripts come from outside: each offset is checked.

use crate::bytes::{array, le32};
use crate::fw_cfg::NAME_BYTES;
use heapless::Vec;

/// Bytes of one script command.
pub const COMMAND_BYTES: usize = 128;
/// Files a script may allocate; QEMU 7.2 uses two to five.
pub const MAX_FILES: usize = 16;
/// Largest alignment honoured; the region itself is aligned to it.
pub const REGION_ALIGNMENT: usize = 4096;

/// A file name as it stands in a command.
pub type Name = [u8; NAME_BYTES];

/// One command of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Allocate {
        file: Name,
        align: u32,
    },
    AddPointer {
        dest: Name,
        src: Name,
        offset: u32,
        width: u8,
    },
    AddChecksum {
        file: Name,
        at: u32,
        start: u32,
        length: u32,
    },
    WritePointer {
        dest: Name,
        src: Name,
        dest_offset: u32,
        src_offset: u32,
        width: u8,
    },
    /// Commands of a newer emulator; the protocol says to step over them.
    Unknown,
}

/// Why the tables could not be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A command ends before its last field.
    ShortCommand,
    /// A command names a file that was not allocated.
    UnknownFile,
    /// The emulator does not have a file the script allocates.
    MissingFile,
    /// More files than [`MAX_FILES`].
    TooManyFiles,
    /// An alignment that is no power of two or above [`REGION_ALIGNMENT`].
    Alignment,
    /// Files need more room than the region has.
    NoRoom,
    /// A patch outside its file, or of a width that is not 1, 2, 4 or 8.
    PatchOutsideFile,
    /// The emulator refused an address it had asked for.
    ReportRefused,
    /// There is no usable RSDP among the files.
    NoRootPointer,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::ShortCommand => "ACPI: a loader command is cut short.",
            Self::UnknownFile => "ACPI: a loader command names a file never allocated.",
            Self::MissingFile => "ACPI: the emulator lacks a file its script asks for.",
            Self::TooManyFiles => "ACPI: the loader script has too many files.",
            Self::Alignment => "ACPI: the loader script asks for an impossible alignment.",
            Self::NoRoom => "ACPI: the tables do not fit their region.",
            Self::PatchOutsideFile => "ACPI: a loader command patches outside its file.",
            Self::ReportRefused => "ACPI: the emulator refused a table address.",
            Self::NoRootPointer => "ACPI: no usable RSDP among the tables.",
        })
    }
}

/// The emulator's files, as the script needs them.
pub trait Files {
    /// Size in bytes, `None` when there is no such file.
    fn size(&mut self, name: &Name) -> Option<usize>;
    /// Fills `into`, exactly as long as the file.
    fn read(&mut self, name: &Name, into: &mut [u8]);
    /// Writes `bytes` at `offset` of a file; false when refused.
    fn write(&mut self, name: &Name, offset: u32, bytes: &[u8]) -> bool;
}

/// A file in the region.
#[derive(Clone, Copy, Debug)]
struct Placed {
    name: Name,
    offset: usize,
    size: usize,
}

fn command(bytes: &[u8]) -> Option<Command> {
    let name = |at| array(bytes, at);
    let byte = |at: usize| bytes.get(at).copied();
    const AFTER: usize = 4 + NAME_BYTES;
    Some(match le32(bytes, 0)? {
        1 => Command::Allocate {
            file: name(4)?,
            align: le32(bytes, AFTER)?,
        },
        2 => Command::AddPointer {
            dest: name(4)?,
            src: name(AFTER)?,
            offset: le32(bytes, AFTER + NAME_BYTES)?,
            width: byte(AFTER + NAME_BYTES + 4)?,
        },
        3 => Command::AddChecksum {
            file: name(4)?,
            at: le32(bytes, AFTER)?,
            start: le32(bytes, AFTER + 4)?,
            length: le32(bytes, AFTER + 8)?,
        },
        4 => Command::WritePointer {
            dest: name(4)?,
            src: name(AFTER)?,
            dest_offset: le32(bytes, AFTER + NAME_BYTES)?,
            src_offset: le32(bytes, AFTER + NAME_BYTES + 4)?,
            width: byte(AFTER + NAME_BYTES + 8)?,
        },
        _ => Command::Unknown,
    })
}

fn commands(script: &[u8]) -> impl Iterator<Item = Result<Command, Error>> + '_ {
    script
        .chunks(COMMAND_BYTES)
        .map(|bytes| command(bytes).ok_or(Error::ShortCommand))
}

/// Puts a file behind what is already placed; `end` is the first free offset.
fn place(end: usize, align: u32, size: usize) -> Result<usize, Error> {
    let align = align.max(1) as usize;
    if !align.is_power_of_two() || align > REGION_ALIGNMENT {
        return Err(Error::Alignment);
    }
    let offset = end.checked_next_multiple_of(align).ok_or(Error::NoRoom)?;
    offset.checked_add(size).ok_or(Error::NoRoom)?;
    Ok(offset)
}

/// Bytes of region that `script` will use.
pub fn region_bytes(script: &[u8], files: &mut impl Files) -> Result<usize, Error> {
    let mut end = 0;
    for command in commands(script) {
        if let Command::Allocate { file, align } = command? {
            let size = files.size(&file).ok_or(Error::MissingFile)?;
            end = place(end, align, size)? + size;
        }
    }
    Ok(end)
}

/// Runs `script` over `region`, which lies at physical address `base`. The bytes
/// used; files lie in them in the order of the script.
pub fn run(
    script: &[u8],
    files: &mut impl Files,
    region: &mut [u8],
    base: u64,
) -> Result<usize, Error> {
    let mut run = Run {
        placed: Vec::new(),
        region,
        base,
        end: 0,
    };
    for command in commands(script) {
        match command? {
            Command::Allocate { file, align } => run.allocate(files, file, align)?,
            Command::AddPointer {
                dest,
                src,
                offset,
                width,
            } => {
                let target = run.find(&src)?.offset as u64 + base;
                let dest = run.find(&dest)?;
                run.add(dest, offset, width, target)?;
            }
            Command::AddChecksum {
                file,
                at,
                start,
                length,
            } => {
                let file = run.find(&file)?;
                run.checksum(file, at, start, length)?;
            }
            Command::WritePointer {
                dest,
                src,
                dest_offset,
                src_offset,
                width,
            } => {
                let target = run.find(&src)?.offset as u64 + base + u64::from(src_offset);
                let bytes = target.to_le_bytes();
                let bytes = bytes.get(..width.into()).ok_or(Error::PatchOutsideFile)?;
                if !files.write(&dest, dest_offset, bytes) {
                    return Err(Error::ReportRefused);
                }
            }
            Command::Unknown => {}
        }
    }
    Ok(run.end)
}

struct Run<'a> {
    placed: Vec<Placed, MAX_FILES>,
    region: &'a mut [u8],
    base: u64,
    end: usize,
}

impl Run<'_> {
    fn find(&self, name: &Name) -> Result<Placed, Error> {
        self.placed
            .iter()
            .find(|p| &p.name == name)
            .copied()
            .ok_or(Error::UnknownFile)
    }

    fn allocate(&mut self, files: &mut impl Files, name: Name, align: u32) -> Result<(), Error> {
        let size = files.size(&name).ok_or(Error::MissingFile)?;
        let offset = place(self.end, align, size)?;
        let into = self
            .region
            .get_mut(offset..offset + size)
            .ok_or(Error::NoRoom)?;
        files.read(&name, into);
        self.end = offset + size;
        self.placed
            .push(Placed { name, offset, size })
            .map_err(|_| Error::TooManyFiles)
    }

    /// The bytes `at..at + length` of a file.
    fn slice(&mut self, file: Placed, at: u32, length: usize) -> Result<&mut [u8], Error> {
        let file = self.region.get_mut(file.offset..file.offset + file.size);
        let at = at as usize;
        let end = at.checked_add(length).ok_or(Error::PatchOutsideFile)?;
        file.and_then(|bytes| bytes.get_mut(at..end))
            .ok_or(Error::PatchOutsideFile)
    }

    fn add(&mut self, file: Placed, at: u32, width: u8, value: u64) -> Result<(), Error> {
        if !matches!(width, 1 | 2 | 4 | 8) {
            return Err(Error::PatchOutsideFile);
        }
        debug_assert!(self.base.is_multiple_of(REGION_ALIGNMENT as u64));
        let width = usize::from(width);
        let field = self.slice(file, at, width)?;
        let mut word = [0; 8];
        word[..width].copy_from_slice(field);
        let sum = u64::from_le_bytes(word).wrapping_add(value);
        field.copy_from_slice(&sum.to_le_bytes()[..width]);
        Ok(())
    }

    fn checksum(&mut self, file: Placed, at: u32, start: u32, length: u32) -> Result<(), Error> {
        let sum = byte_sum(self.slice(file, start, length as usize)?);
        let field = self.slice(file, at, 1)?;
        field[0] = field[0].wrapping_sub(sum);
        Ok(())
    }
}

/// Sum of bytes modulo 256; 0 over a table whose checksum is right.
pub fn byte_sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, &b| sum.wrapping_add(b))
}

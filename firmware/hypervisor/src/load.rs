//! Loading a partition's images into its RAM, on the core of its vCPU 0.
//!
//! RAM is cleared first, so that a life finds nothing of the one before it. The
//! housekeeping core is not involved: partitions load side by side.

use crate::capacity::LOAD_CHUNK;
use crate::machine::Partition;
use abi::plan::{self, kind};
use hvcore::guest::entry::EntryState;
use hvcore::guest::linux_boot::{self, BootFault, Header, HeaderFault};
use hvcore::guest::memory_map::RamLayout;
use hvcore::guest::multiboot::{self, Image, ImageFault, LayoutFault};
use hvcore::guest::{acpi_tables, flat, reset_vector};
use hvcore::ids::Gpa;
use hvcore::port::{GuestMemory, NotRam};
use metal::guest_memory::GuestRam;

/// Why the images could not be loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadFault {
    /// STOP came while loading.
    Stopped,
    /// The partition's RAM is not what its plan says: ours.
    Ram,
    /// ACPI tables.
    Acpi(acpi_tables::AcpiFault),
    /// The Linux image.
    Header(HeaderFault),
    /// Linux does not fit.
    Linux(BootFault),
    /// The multiboot image.
    Image(ImageFault),
    /// The multiboot image does not fit.
    Layout(LayoutFault),
    /// The multiboot image could not be written.
    Multiboot(multiboot::LoadFault),
    /// The flat binary.
    Flat(flat::FlatFault),
    /// A kind this payload does not know.
    Kind(u8),
}

impl core::fmt::Display for LoadFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Stopped => f.write_str("it was stopped while its images were loaded"),
            Self::Ram => f.write_str("its RAM cannot be written: a bug of ours"),
            Self::Acpi(fault) => write!(f, "ACPI tables: {fault:?}"),
            Self::Header(fault) => write!(f, "kernel image: {fault:?}"),
            Self::Linux(fault) => write!(f, "kernel: {fault:?}"),
            Self::Multiboot(fault) => write!(f, "multiboot image: {fault:?}"),
            Self::Image(fault) => write!(f, "multiboot image: {fault:?}"),
            Self::Layout(fault) => write!(f, "multiboot image: {fault:?}"),
            Self::Flat(fault) => write!(f, "flat image: {fault:?}"),
            Self::Kind(kind) => write!(f, "images of kind {kind} are not known"),
        }
    }
}

/// Guest RAM that long copies leave when the partition is stopped: they come in
/// chunks, and the answer "not RAM" is what every loader gives up on.
struct Interruptible<'a, S> {
    ram: &'a GuestRam,
    stopped: S,
}

impl<S: Fn() -> bool> Interruptible<'_, S> {
    fn in_chunks(
        &self,
        len: u64,
        mut each: impl FnMut(u64, u64) -> Result<(), NotRam>,
    ) -> Result<(), NotRam> {
        let mut done = 0;
        while done < len {
            if (self.stopped)() {
                return Err(NotRam);
            }
            let chunk = (len - done).min(LOAD_CHUNK as u64);
            each(done, chunk)?;
            done += chunk;
        }
        Ok(())
    }
}

impl<S: Fn() -> bool> GuestMemory for Interruptible<'_, S> {
    fn read(&self, at: Gpa, into: &mut [u8]) -> Result<(), NotRam> {
        self.ram.read(at, into)
    }

    fn write(&self, at: Gpa, from: &[u8]) -> Result<(), NotRam> {
        self.in_chunks(from.len() as u64, |done, len| {
            let part = from
                .get(done as usize..(done + len) as usize)
                .ok_or(NotRam)?;
            self.ram.write(Gpa(at.0.wrapping_add(done)), part)
        })
    }

    fn fill(&self, at: Gpa, len: u64, value: u8) -> Result<(), NotRam> {
        self.in_chunks(len, |done, len| {
            self.ram.fill(Gpa(at.0.wrapping_add(done)), len, value)
        })
    }

    fn load_u64(&self, at: Gpa) -> Result<u64, NotRam> {
        self.ram.load_u64(at)
    }

    fn exchange_u64(&self, at: Gpa, old: u64, new: u64) -> Result<bool, NotRam> {
        self.ram.exchange_u64(at, old, new)
    }

    fn load_u32(&self, at: Gpa) -> Result<u32, NotRam> {
        self.ram.load_u32(at)
    }

    fn store_u32(&self, at: Gpa, value: u32) -> Result<(), NotRam> {
        self.ram.store_u32(at, value)
    }
}

/// Clears RAM and loads everything; the state of vCPU 0's first instruction.
/// `stopped` is asked between chunks.
pub fn load(partition: &Partition, stopped: impl Fn() -> bool) -> Result<EntryState, LoadFault> {
    let memory = Interruptible {
        ram: &partition.ram,
        stopped,
    };
    let loaded = load_into(partition, &memory);
    if loaded.is_err() && (memory.stopped)() {
        return Err(LoadFault::Stopped);
    }
    loaded
}

fn load_into(partition: &Partition, memory: &impl GuestMemory) -> Result<EntryState, LoadFault> {
    for run in partition.ram.runs() {
        memory
            .fill(run.guest, run.len, 0)
            .map_err(|_| LoadFault::Ram)?;
    }
    let ram = RamLayout::new(partition.ram_len).ok_or(LoadFault::Ram)?;
    let rsdp = acpi_tables::build(memory, partition.vcpus()).map_err(LoadFault::Acpi)?;
    reset_vector::install(memory).map_err(|_| LoadFault::Ram)?;
    let record = &partition.record;
    let cmdline = plan::text(&record.cmdline).unwrap_or("").as_bytes();
    let files = &partition.files;
    match record.kind {
        kind::LINUX => {
            let header = Header::parse(files.image).map_err(LoadFault::Header)?;
            let initrd_len = files.initrd.len() as u64;
            let layout = linux_boot::plan(header, ram, initrd_len, cmdline.len())
                .map_err(LoadFault::Linux)?;
            let files = linux_boot::Files {
                image: files.image,
                initrd: files.initrd,
                cmdline,
            };
            linux_boot::load(memory, &layout, &files, rsdp).map_err(LoadFault::Linux)
        }
        kind::MULTIBOOT => load_multiboot(partition, memory, &ram, cmdline),
        kind::FLAT => {
            let (at, start) = (Gpa(record.load_address), Gpa(record.entry_address));
            flat::load(memory, &ram, files.image, at, start).map_err(LoadFault::Flat)
        }
        other => Err(LoadFault::Kind(other)),
    }
}

fn load_multiboot(
    partition: &Partition,
    memory: &impl GuestMemory,
    ram: &RamLayout,
    cmdline: &[u8],
) -> Result<EntryState, LoadFault> {
    let lines = partition
        .record
        .modules
        .iter()
        .map(|module| plan::text(&module.cmdline).unwrap_or(""));
    let files = partition.files.modules.iter();
    let modules: heapless::Vec<multiboot::Module<'_>, { plan::MAX_MODULES }> = files
        .zip(lines)
        .map(|(bytes, line)| multiboot::Module {
            bytes,
            cmdline: line.as_bytes(),
        })
        .collect();
    let file = partition.files.image;
    let image = Image::parse(file).map_err(LoadFault::Image)?;
    let layout = multiboot::plan(image, *ram, cmdline, &modules).map_err(LoadFault::Layout)?;
    multiboot::load(memory, &layout, file, cmdline, &modules).map_err(LoadFault::Multiboot)
}

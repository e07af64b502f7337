//! The rules that need the image files: right kind, enough memory.
//!
//! Owns: reading each image once and holding its header against the plan. An image
//! that the command can still fetch or build is not missing; its size counts only
//! when it is there.

use super::diagnostic::{Code, Diagnostics};
use super::draft::{At, Draft, Kind, Partition};
use crate::image::source::ImageSource;
use crate::image::{bzimage, multiboot};
use crate::size::{self, MIB};
use std::path::{Path, PathBuf};

/// Tells where an image lies, when it is there.
pub type Locate<'a> = &'a dyn Fn(&ImageSource) -> Option<PathBuf>;

/// Room for page tables, boot data and ACPI tables in a partition's low memory.
const PLATFORM: u64 = MIB;

/// Checks the images of a plan that lies in `folder`.
pub fn check(plan: &Draft, folder: &Path, locate: Locate<'_>, found: &mut Diagnostics) {
    for partition in &plan.partitions {
        for image in partition.images() {
            missing(image, folder, found);
        }
        match partition.kind.as_ref().map(At::get_ref) {
            Some(Kind::Linux) => linux(partition, folder, locate, found),
            Some(Kind::Multiboot) => multiboot(partition, folder, locate, found),
            Some(Kind::Flat) => flat(partition, folder, locate, found),
            None => {}
        }
    }
}

fn missing(image: &At<ImageSource>, folder: &Path, found: &mut Diagnostics) {
    let ImageSource::File(path) = image.get_ref() else {
        return;
    };
    let full = folder.join(path);
    if !full.is_file() {
        let (message, help) = match full.exists() {
            true => (format!("`{}` is not a file", path.display()), "name a file".to_string()),
            false => (
                format!("`{}` is not there", path.display()),
                "paths start at the plan's folder; \"debian:6.1-cloud\" and \"initramfs:shell\" need no file".into(),
            ),
        };
        found.add(
            Code::ImageMissing,
            image.span(),
            message,
            "no such image",
            help,
        );
    }
}

fn bytes(image: &At<ImageSource>, folder: &Path, locate: Locate<'_>) -> Option<Vec<u8>> {
    std::fs::read(locate(&image.get_ref().below(folder))?).ok()
}

fn length(image: &At<ImageSource>, folder: &Path, locate: Locate<'_>) -> u64 {
    let file = locate(&image.get_ref().below(folder));
    file.and_then(|path| path.metadata().ok())
        .map_or(0, |data| data.len())
}

fn linux(partition: &Partition, folder: &Path, locate: Locate<'_>, found: &mut Diagnostics) {
    let Some(image) = &partition.image else {
        return;
    };
    let Some(file) = bytes(image, folder, locate) else {
        return;
    };
    let header = match bzimage::parse(&file) {
        Ok(header) => header,
        Err(why) => {
            let message = format!("`{}` is not a Linux bzImage: {why}", image.get_ref());
            found.add(
                Code::ImageKind,
                image.span(),
                message,
                "wrong kind",
                kind_help(&file, "vmlinuz or arch/x86/boot/bzImage"),
            );
            return;
        }
    };
    let initrd = partition
        .initrd
        .as_ref()
        .map_or(0, |initrd| length(initrd, folder, locate));
    enough(
        partition,
        header.needs + initrd + PLATFORM,
        "the kernel and its initrd need",
        found,
    );
    let Some(line) = &partition.cmdline else {
        return;
    };
    if line.get_ref().len() > header.cmdline as usize {
        let message = format!(
            "this kernel takes {} bytes of command line, not {}",
            header.cmdline,
            line.get_ref().len()
        );
        found.add(
            Code::CmdlineLength,
            line.span(),
            message,
            "too long",
            "shorten it",
        );
    }
}

fn multiboot(partition: &Partition, folder: &Path, locate: Locate<'_>, found: &mut Diagnostics) {
    let Some(image) = &partition.image else {
        return;
    };
    let Some(file) = bytes(image, folder, locate) else {
        return;
    };
    match multiboot::parse(&file) {
        Ok(header) => {
            let modules = partition.modules.iter().flat_map(|list| list.get_ref());
            let extra: u64 = modules
                .map(|module| length(&module.file, folder, locate).next_multiple_of(4096))
                .sum();
            enough(
                partition,
                header.needs + extra,
                "the image and its modules need",
                found,
            );
        }
        Err(why) => {
            let message = format!("`{}` is not a multiboot image: {why}", image.get_ref());
            found.add(
                Code::ImageKind,
                image.span(),
                message,
                "wrong kind",
                kind_help(&file, "a multiboot ELF32"),
            );
        }
    }
}

fn flat(partition: &Partition, folder: &Path, locate: Locate<'_>, found: &mut Diagnostics) {
    let (Some(image), Some(load)) = (&partition.image, &partition.load_address) else {
        return;
    };
    let start = *load.get_ref();
    if start < 4096 {
        let help = "the first page holds the real-mode vectors; write 0x1000 or more";
        found.add(
            Code::LoadOutside,
            load.span(),
            "a flat binary cannot begin below 4 KiB",
            "here",
            help,
        );
    }
    let Some(file) = bytes(image, folder, locate) else {
        return;
    };
    let end = start.saturating_add(file.len() as u64);
    if let Some(entry) = &partition.entry_address
        && !(start..end).contains(entry.get_ref())
    {
        let message = format!(
            "the entry {:#x} lies outside the image ({start:#x} to {end:#x})",
            entry.get_ref()
        );
        found.add(
            Code::EntryOutside,
            entry.span(),
            message,
            "not in the image",
            format!("write `entry-address = {start:#x}`"),
        );
    }
    if file.starts_with(b"\x7fELF") {
        let message = format!(
            "`{}` is an ELF file, which a flat load would not unpack",
            image.get_ref()
        );
        found.add(
            Code::ImageKind,
            image.span(),
            message,
            "wrong kind",
            "make it flat with `objcopy -O binary`",
        );
    }
    enough(partition, end, "the image needs", found);
}

fn enough(partition: &Partition, needs: u64, what: &str, found: &mut Diagnostics) {
    let Some(memory) = &partition.memory else {
        return;
    };
    if *memory.get_ref() < needs {
        let message = format!(
            "{} is too little; {what} {}",
            size::human(*memory.get_ref()),
            size::human(needs)
        );
        let help = format!(
            "write \"{}\" or more",
            size::human(needs.next_multiple_of(super::check::GRANULE))
        );
        found.add(
            Code::MemoryImages,
            memory.span(),
            message,
            "too little",
            help,
        );
    }
}

/// What the file seems to be, and what was wanted.
fn kind_help(file: &[u8], wanted: &str) -> String {
    let instead = if bzimage::parse(file).is_ok() {
        "this is a Linux kernel: write `kind = \"linux\"`"
    } else if multiboot::parse(file).is_ok() {
        "this is a multiboot image: write `kind = \"multiboot\"`"
    } else if file.starts_with(b"\x1f\x8b") || file.starts_with(b"070701") {
        "this looks like an initrd: it belongs to the key `initrd`"
    } else {
        return format!("name {wanted}");
    };
    instead.into()
}

//! What is in a flash image or a payload ELF, as data and as tables.
//!
//! Owns: the schema `bulkhead.inspect/1` and the look of the tables. Everything is read
//! by our own parsers, so it works on a machine without coreboot's tools, and a damaged
//! image shows what still reads.

use super::{cbfs, fmap, selfboot};
use crate::payload::elf_rules;
use crate::payload::sizes::{self, Section};
use crate::plan::decode::{self, Decoded};
use crate::size;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Everything found in a file.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Always `bulkhead.inspect/1`.
    pub schema: &'static str,
    /// Bytes of the file.
    pub size: usize,
    /// Digest of the file.
    pub sha256: String,
    /// Flash regions.
    pub regions: Vec<fmap::Region>,
    /// CBFS files of all regions.
    pub files: Vec<File>,
    /// The payload of the ROM.
    pub payload: Option<selfboot::Payload>,
    /// The plan, or why it cannot be read.
    pub plan: Option<Result<Decoded, String>>,
    /// Loaded sections, for an ELF.
    pub sections: Vec<Section>,
    /// Rules that the ELF breaks.
    pub broken: Vec<String>,
}

/// One CBFS file.
#[derive(Debug, Serialize)]
pub struct File {
    /// Region it lies in.
    pub region: String,
    /// Name.
    pub name: String,
    /// Type.
    pub kind: &'static str,
    /// Place of its data in the flash.
    pub offset: usize,
    /// Bytes in flash.
    pub stored: usize,
    /// Compression of the whole file.
    pub compression: &'static str,
    /// Digest of the data as stored.
    pub sha256: String,
}

/// Looks at a file.
pub fn report(bytes: &[u8]) -> Report {
    let mut out = Report {
        schema: "bulkhead.inspect/1",
        size: bytes.len(),
        sha256: digest(bytes),
        regions: Vec::new(),
        files: Vec::new(),
        payload: None,
        plan: None,
        sections: Vec::new(),
        broken: Vec::new(),
    };
    if bytes.starts_with(b"\x7fELF") {
        out.sections = sizes::sections(bytes);
        out.broken = elf_rules::broken(bytes)
            .iter()
            .map(ToString::to_string)
            .collect();
        return out;
    }
    out.regions = fmap::regions(bytes);
    let whole = fmap::Region {
        name: String::new(),
        offset: 0,
        length: bytes.len(),
    };
    let places = if out.regions.is_empty() {
        vec![whole]
    } else {
        out.regions.clone()
    };
    for place in places {
        // A region begins with a CBFS header or is none; sections that hold regions repeat them.
        let range = place.offset..place.offset + place.length;
        if !place.name.is_empty() && bytes.get(range.start..range.start + 8) != Some(b"LARCHIVE") {
            continue;
        }
        for file in cbfs::files(bytes, range) {
            look_into(&mut out, bytes, &file);
            out.files.extend(entry(&place.name, bytes, &file));
        }
    }
    out
}

fn look_into(out: &mut Report, bytes: &[u8], file: &cbfs::CbfsFile) {
    let data = bytes.get(file.data.clone()).unwrap_or_default();
    if file.is_payload() && out.payload.is_none() {
        out.payload = selfboot::parse(data);
    }
    if file.name == abi::plan::CBFS_NAME {
        out.plan = Some(decode::decode(data).map_err(|why| why.to_string()));
    }
}

fn entry(region: &str, bytes: &[u8], file: &cbfs::CbfsFile) -> Option<File> {
    (!file.name.is_empty()).then(|| File {
        region: region.into(),
        name: file.name.clone(),
        kind: file.kind_name(),
        offset: file.data.start,
        stored: file.data.len(),
        compression: cbfs::compression_name(file.compression.map_or(0, |(number, _)| number)),
        sha256: digest(bytes.get(file.data.clone()).unwrap_or_default()),
    })
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// The report for people.
pub fn tables(report: &Report) -> String {
    let mut out = format!(
        "{}, SHA-256 {}\n",
        size::human(report.size as u64),
        report.sha256
    );
    regions(report, &mut out);
    files(report, &mut out);
    payload(report, &mut out);
    plan(report, &mut out);
    sections(report, &mut out);
    for rule in &report.broken {
        let _ = writeln!(out, "\na board would not boot this: {rule}");
    }
    out
}

fn table(header: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn show(title: &str, table: &Table, out: &mut String) {
    let _ = writeln!(out, "\n{title}");
    for line in table.to_string().lines() {
        let _ = writeln!(out, "  {}", line.trim_end());
    }
}

fn regions(report: &Report, out: &mut String) {
    if report.regions.is_empty() {
        return;
    }
    let mut table = table(&["NAME", "OFFSET", "SIZE"], &[1, 2]);
    for region in &report.regions {
        table.add_row([
            region.name.clone(),
            format!("{:#x}", region.offset),
            size::human(region.length as u64),
        ]);
    }
    show("Regions", &table, out);
}

fn files(report: &Report, out: &mut String) {
    if report.files.is_empty() {
        return;
    }
    let mut table = table(
        &[
            "REGION",
            "NAME",
            "TYPE",
            "OFFSET",
            "SIZE",
            "COMPRESSION",
            "SHA-256",
        ],
        &[3, 4],
    );
    for file in &report.files {
        table.add_row([
            file.region.clone(),
            file.name.clone(),
            file.kind.into(),
            format!("{:#x}", file.offset),
            size::human(file.stored as u64),
            file.compression.into(),
            file.sha256.get(..16).unwrap_or_default().into(),
        ]);
    }
    show("Files", &table, out);
}

fn payload(report: &Report, out: &mut String) {
    let Some(payload) = &report.payload else {
        return;
    };
    let mut table = table(
        &["SEGMENT", "ADDRESS", "IN FLASH", "IN MEMORY", "COMPRESSION"],
        &[1, 2, 3],
    );
    for segment in &payload.segments {
        table.add_row([
            segment.kind.into(),
            format!("{:#x}", segment.address),
            size::human(segment.stored.into()),
            size::human(segment.memory.into()),
            segment.compression.to_string(),
        ]);
    }
    show(&format!("Payload, entry {:#x}", payload.entry), &table, out);
}

fn plan(report: &Report, out: &mut String) {
    let plan = match &report.plan {
        None => return,
        Some(Err(why)) => {
            let _ = writeln!(out, "\nPlan cannot be read: {why}");
            return;
        }
        Some(Ok(plan)) => plan,
    };
    let mut table = table(
        &[
            "NAME",
            "KIND",
            "CORES",
            "MEMORY",
            "START",
            "CRASH/REBOOT/OFF",
            "IMAGE",
        ],
        &[3],
    );
    for partition in &plan.partitions {
        let cores: Vec<_> = partition.cores.iter().map(u8::to_string).collect();
        let attached = if plan.attach.as_ref() == Some(&partition.name) {
            "*"
        } else {
            ""
        };
        table.add_row([
            format!("{}{attached}", partition.name),
            partition.kind.into(),
            cores.join(" "),
            size::human(partition.memory),
            if partition.manual { "manual" } else { "auto" }.into(),
            partition.policies.join("/"),
            partition.image.clone(),
        ]);
    }
    show(
        &format!("Plan for {} (* attached)", plan.board),
        &table,
        out,
    );
    if !plan.errata_off.is_empty() {
        let names = plan.errata_off.join(" ");
        let _ = writeln!(out, "  an experiment without the work-arounds: {names}");
    }
}

fn sections(report: &Report, out: &mut String) {
    if report.sections.is_empty() {
        return;
    }
    let mut table = table(&["SECTION", "ADDRESS", "IN FILE", "IN MEMORY"], &[1, 2, 3]);
    let (mut file, mut memory) = (0, 0);
    for section in &report.sections {
        (file, memory) = (file + section.file, memory + section.memory);
        table.add_row([
            section.name.clone(),
            format!("{:#x}", section.address),
            size::human(section.file),
            size::human(section.memory),
        ]);
    }
    table.add_row([
        "sum".into(),
        String::new(),
        size::human(file),
        size::human(memory),
    ]);
    show("Sections that are loaded", &table, out);
}

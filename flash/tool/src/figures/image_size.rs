//! Bytes in flash: the payload by segment and compression, boot block and plan.
//!
//! Owns: which parts count as the image. The aim is for the payload as it is packed by
//! default; guests' images are the user's, and the boot block stands in for coreboot.

use super::plans::Subject;
use super::table::{Row, Unit};
use crate::failure::Failure;
use crate::payload::sizes;
use crate::rom::cbfstool::Compression;
use crate::rom::inspect::{self, Report};
use crate::workspace::Workspace;
use anyhow::Context;

/// Most that the compressed payload may take.
const AIM: u64 = 256 << 10;

/// Packs the same plan three times and looks into the results.
pub fn measure(workspace: &Workspace) -> Result<Vec<Row>, Failure> {
    let mut out = Vec::new();
    for (name, compression) in [
        ("LZMA", Compression::Lzma),
        ("LZ4", Compression::Lz4),
        ("not compressed", Compression::None),
    ] {
        let rom = Subject::Idle.pack(workspace, compression)?;
        let bytes = std::fs::read(&rom).context("reading a flash image")?;
        let report = inspect::report(&bytes);
        out.extend(payload_rows(&report, name)?);
        if compression == Compression::None {
            out.push(plan_row(&report)?);
        }
    }
    out.push(boot_block_row(workspace)?);
    Ok(out)
}

/// The payload's sum, which for LZMA has an aim, and its parts.
fn payload_rows(report: &Report, name: &str) -> anyhow::Result<Vec<Row>> {
    let payload = report
        .payload
        .as_ref()
        .context("the flash image has no payload")?;
    let stored = payload
        .segments
        .iter()
        .map(|segment| u64::from(segment.stored))
        .sum();
    let sum = Row::plain(format!("payload in flash, {name}"), Unit::Bytes, stored);
    let sum = if name == "LZMA" { sum.aim(AIM) } else { sum };
    let parts = payload
        .segments
        .iter()
        .filter(|segment| segment.stored != 0);
    let parts = parts.map(|segment| {
        let what = format!(
            "of these: {} at {:#x}, {name}",
            segment.kind, segment.address
        );
        Row::plain(what, Unit::Bytes, u64::from(segment.stored))
    });
    Ok(std::iter::once(sum).chain(parts).collect())
}

fn plan_row(report: &Report) -> anyhow::Result<Row> {
    let plan = report
        .files
        .iter()
        .find(|file| file.name == abi::plan::CBFS_NAME);
    let plan = plan.context("the flash image has no plan")?;
    Ok(Row::plain("plan in flash", Unit::Bytes, plan.stored as u64))
}

fn boot_block_row(workspace: &Workspace) -> anyhow::Result<Row> {
    let elf =
        std::fs::read(workspace.products().join("bootblock.elf")).context("the boot block")?;
    let sum = sizes::sections(&elf)
        .iter()
        .map(|section| section.file)
        .sum();
    Ok(Row::plain(
        "boot block for QEMU (coreboot's place)",
        Unit::Bytes,
        sum,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rom::selfboot::{Payload, Segment};

    #[test]
    fn segments_that_take_no_flash_are_not_listed() {
        let segment = |kind, stored| Segment {
            kind,
            address: 0x10_0000,
            stored,
            memory: 1 << 20,
            compression: "LZMA",
        };
        let mut report = inspect::report(&[]);
        report.payload = Some(Payload {
            entry: 0,
            segments: vec![
                segment("code", 1000),
                segment("data", 24),
                segment("bss", 0),
            ],
        });
        let rows = payload_rows(&report, "LZMA").expect("there is a payload");
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[0].ours, rows[0].aim), (1024, Some(AIM)));
        assert_eq!(
            payload_rows(&report, "LZ4").expect("as before")[0].aim,
            None
        );
    }
}

//! RAM that the hypervisor takes, on one core and on eight.
//!
//! Owns: reading the answer to `mem`. What grows with guest memory (nested tables) is
//! counted apart and shown for each GiB of guest RAM.

use super::dialogue::Dialogue;
use super::plans::{HOST_MEMORY, IDLE_MEMORY, Subject};
use super::table::{Row, Unit};
use crate::failure::Failure;
use crate::machine::qemu::MachineSpec;
use crate::rom::cbfstool::Compression;
use crate::workspace::Workspace;
use anyhow::Context;

/// Most for eight cores.
const AIM: u64 = 16 << 20;
/// Most that nested tables take for a GiB of guest RAM: 4.5 MiB.
const TABLES_AIM: u64 = 9 << 19;
/// Begins the line that sums up.
const SUMMARY: &str = "hypervisor: image ";
const CORES: &str = ", per core ";
const TABLES: &str = ", nested tables of guests ";

/// What `mem` says of the hypervisor's own memory, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Own {
    image: u64,
    cores: u64,
    tables: u64,
}

/// Boots both machines and asks.
pub fn measure(workspace: &Workspace) -> Result<Vec<Row>, Failure> {
    let rom = Subject::Idle.pack(workspace, Compression::default())?;
    let mut out = Vec::new();
    for cpus in [1, 8] {
        let spec = MachineSpec {
            rom: rom.clone(),
            cpus,
            threads_per_core: 1,
            memory: HOST_MEMORY,
            icount: false,
            more: Vec::new(),
        };
        let mut dialogue = Dialogue::start(&spec)?;
        dialogue.wait_for_shell()?;
        let answer = dialogue.ask("mem", TABLES)?;
        let own = own(&answer).context("`mem` does not say what the hypervisor takes")?;
        let cores = if cpus == 1 {
            "1 core".to_owned()
        } else {
            format!("{cpus} cores")
        };
        let row = Row::plain(
            format!("hypervisor's RAM, {cores}"),
            Unit::Bytes,
            own.image + own.cores,
        );
        if cpus == 1 {
            // Its core keeps the house; there is no guest and no nested table.
            out.push(row);
            continue;
        }
        let tables = own.tables.saturating_mul(1 << 30) / IDLE_MEMORY;
        out.push(row.aim(AIM));
        out.push(
            Row::plain("nested tables, a GiB of guest RAM", Unit::Bytes, tables).aim(TABLES_AIM),
        );
    }
    Ok(out)
}

fn own(answer: &str) -> Option<Own> {
    let (_, rest) = answer.split_once(SUMMARY)?;
    let (image, rest) = rest.split_once(CORES)?;
    let (cores, rest) = rest.split_once(TABLES)?;
    let tables = rest.lines().next()?;
    Some(Own {
        image: bytes(image)?,
        cores: bytes(cores)?,
        tables: bytes(tables)?,
    })
}

/// A size as the shell writes it: `1.5 MiB`, cut off behind one decimal.
fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let one: u64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let tenths = whole
        .parse::<u64>()
        .ok()?
        .checked_mul(10)?
        .checked_add(tenths.parse().ok()?)?;
    Some(one.checked_mul(tenths)? / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_read_among_the_rows() {
        let answer = "mem\r\nFROM  TO  SIZE\r\nhypervisor: image 2.5 MiB, per core 64 KiB, nested \
            tables of guests 1.1 MiB\r\nstack of core 1: 12 KiB never used\r\nbulkhead> ";
        let expected = Own {
            image: 5 << 19,
            cores: 64 << 10,
            tables: 11 * (1 << 20) / 10,
        };
        assert_eq!(own(answer), Some(expected));
    }

    #[test]
    fn a_size_without_a_binary_unit_is_none() {
        assert_eq!(bytes("512 B"), Some(512));
        assert_eq!(bytes("1 GiB"), Some(1 << 30));
        for wrong in ["512", "1 MB", "x KiB", "1.x MiB", "99999999999999999999 B"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}

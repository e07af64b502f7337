//! Instructions per exit, as the guest `bench` sees them.
//!
//! Owns: which of its lines stands beside which of KVM's figures. The least of all
//! iterations is taken: what the housekeeping core does meanwhile counts as well under
//! `-icount`, and is no part of the path.

use super::dialogue::Dialogue;
use super::plans::{HOST_MEMORY, Subject};
use super::table::{Row, Unit};
use crate::failure::Failure;
use crate::machine::qemu::MachineSpec;
use crate::rom::cbfstool::Compression;
use crate::workspace::Workspace;
use anyhow::Context;

/// What the guest prints last.
const LAST: &str = "PROBE bench ok";

/// One operation: the guest's word, ours, KVM's figure and our aim.
struct Operation(&'static str, &'static str, Option<u64>, Option<u64>);

/// KVM's figures and the aims are those of the design's performance notes.
// tidy: table
const OPERATIONS: &[Operation] = &[
    Operation("cpuid", "CPUID", Some(3257), Some(150)),
    Operation("vmmcall", "VMMCALL", Some(3229), Some(150)),
    Operation("wbinvd", "WBINVD", Some(3034), Some(150)),
    Operation(
        "port-read-unclaimed",
        "port read, in the hypervisor",
        Some(1761),
        Some(150),
    ),
    Operation(
        "port-write-unclaimed",
        "port write, in the hypervisor",
        Some(1769),
        Some(150),
    ),
    Operation(
        "port-read-uart-lsr",
        "port read, virtual UART (KVM: in the VMM)",
        Some(5515),
        Some(300),
    ),
    Operation(
        "port-write-uart-scratch",
        "port write, virtual UART",
        None,
        Some(300),
    ),
    Operation(
        "msr-read-emulated",
        "MSR read, emulated",
        Some(3229),
        Some(200),
    ),
    Operation(
        "msr-write-emulated",
        "MSR write, emulated",
        Some(3784),
        Some(200),
    ),
    Operation(
        "msr-read-passed",
        "KERNEL_GS_BASE read (no exit)",
        Some(10),
        Some(10),
    ),
    Operation("cr8-read", "CR8 read (no exit)", Some(10), Some(10)),
    Operation("cr8-write", "CR8 write (no exit)", Some(10), Some(10)),
    Operation("mmio-read-hole", "MMIO read, nobody there", None, Some(450)),
    Operation(
        "mmio-write-hole",
        "MMIO write, nobody there",
        None,
        Some(450),
    ),
    Operation(
        "mmio-read-ioapic",
        "MMIO read, IOAPIC",
        Some(4226),
        Some(450),
    ),
    Operation("mmio-read-lapic", "APIC read, ID", None, None),
    Operation("lapic-write-tpr", "APIC write, TPR", None, None),
    Operation(
        "icr-write-self",
        "APIC write, ICR (self IPI)",
        Some(4345),
        Some(450),
    ),
    Operation("eoi-write", "APIC write, EOI", Some(3814), Some(350)),
    Operation(
        "self-ipi-sti-nop",
        "self IPI round trip, STI NOP",
        Some(10405),
        Some(1200),
    ),
    Operation(
        "self-ipi-sti-hlt",
        "self IPI round trip, STI HLT",
        Some(13727),
        Some(1600),
    ),
    Operation("deadline-write", "TSC deadline write", None, None),
    Operation(
        "deadline-due-to-handler-end",
        "TSC deadline, set to handler and EOI",
        Some(9119),
        Some(1500),
    ),
    Operation(
        "deadline-lateness-in-hlt",
        "timer due to handler, out of HLT",
        None,
        None,
    ),
    Operation(
        "deadline-lateness-busy",
        "timer due to handler, out of a busy loop",
        None,
        None,
    ),
];

/// Packs the guest, runs it, and sets its lines beside KVM's.
pub fn measure(workspace: &Workspace) -> Result<Vec<Row>, Failure> {
    let spec = MachineSpec {
        rom: Subject::Bench.pack(workspace, Compression::default())?,
        cpus: 2,
        threads_per_core: 1,
        memory: HOST_MEMORY,
        icount: true,
        more: Vec::new(),
    };
    let mut dialogue = Dialogue::start(&spec)?;
    let said = dialogue.wait_for(LAST, 0)?;
    Ok(rows(said)?)
}

fn rows(said: &str) -> anyhow::Result<Vec<Row>> {
    OPERATIONS
        .iter()
        .map(|Operation(word, name, kvm, aim)| {
            let ours =
                least(said, word).with_context(|| format!("`bench` has no line `{word}`"))?;
            Ok(Row {
                what: (*name).to_owned(),
                unit: Unit::Count,
                kvm: *kvm,
                aim: *aim,
                ours,
            })
        })
        .collect()
}

/// The least of an operation: the line `bench WORD min=N mean=N`.
fn least(said: &str, word: &str) -> Option<u64> {
    said.lines().find_map(|line| {
        let mut parts = line.trim().strip_prefix("bench ")?.split(' ');
        (parts.next() == Some(word)).then_some(())?;
        parts.find_map(|part| part.strip_prefix("min=")?.parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "[attached]\r\nbench iterations=9 tsc-hz=1000000000\r\n\
        bench cpuid min=140 mean=151\r\nbench cpuid-like min=1 mean=1\r\n";

    #[test]
    fn a_line_belongs_to_the_whole_word() {
        assert_eq!(least(SAID, "cpuid"), Some(140));
        assert_eq!(least(SAID, "cpuid-like"), Some(1));
        assert_eq!(least(SAID, "cpu"), None);
        assert_eq!(least(SAID, "iterations=9"), None);
    }

    #[test]
    fn a_missing_line_fails_rather_than_leaving_a_gap() {
        let why = rows(SAID).expect_err("most lines are missing");
        assert!(why.to_string().contains("vmmcall"), "{why}");
    }

    #[test]
    fn every_operation_is_one_that_the_guest_prints() {
        let expected = include_str!("../../../../guests/probes/src/bin/bench.out");
        for Operation(word, ..) in OPERATIONS {
            assert!(expected.contains(&format!("bench {word} min=")), "{word}");
        }
    }
}

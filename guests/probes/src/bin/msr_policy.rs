//! Every class of MSR answers by the table: kept, benign, or not there at all.
//!
//! Owns the claims of PLT-41 as a guest can check them. Kept registers give back what was written and
//! refuse values that no CPU takes; benign ones read their one value and swallow writes; all others
//! are #GP, and a refused write changes nothing.
//! Manual: 24593 appendix A. Also called: RDMSR, WRMSR, MSR filter.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use probes::{claim, require};
use rt::fault::{Fault, vector::GP};
use rt::msr::{self, EFER, GS_BASE, try_read, try_write};
use rt::{fault, timer};

const NON_CANONICAL: u64 = 1 << 47;
const HIGH_HALF: u64 = 0xFFFF_8000_1234_5678;

/// Registers that hold a value: index, a value, and another.
const KEPT: [(u32, u64, u64); 24] = [
    (0x174, 0x10, 0x08),
    (0x175, 0x7_0000, HIGH_HALF),
    (0x176, 0x7_0008, HIGH_HALF),
    (0xC000_0081, 0x0010_0008_0000_0000, 0),
    (0xC000_0082, 0x10_0000, HIGH_HALF),
    (0xC000_0083, 0x10_0008, HIGH_HALF),
    (0xC000_0084, 0x4_7700, 0),
    (0xC000_0100, 0x5000, HIGH_HALF),
    (0xC000_0102, 0x6000, HIGH_HALF),
    (0xC000_0103, 7, 0),
    (0x277, 0x0007_0406_0007_0406, 0x0606_0606_0606_0606),
    (0x2FF, 0xC06, 0x806),
    (0x250, 0, 0x0606_0606_0606_0606),
    (0x258, 0, 0x0606_0606_0606_0606),
    (0x259, 0, 0x0606_0606_0606_0606),
    (0x268, 0x0505_0505_0505_0505, 0x0606_0606_0606_0606),
    (0x26F, 0x0505_0505_0505_0505, 0x0606_0606_0606_0606),
    (0x200, 0x8000_0000, 0),
    (0x201, 0xF_8000_0800, 0),
    (0x20E, 0xC000_0006, 0),
    (0x20F, 0xF_C000_0800, 0),
    (0x4B56_4D01, 0, 0),
    (0x12, 0, 0),
    (timer::TSC_DEADLINE, 0, 0),
];

/// Registers with one value for ever: index, mask of the bits looked at, their value.
const BENIGN: [(u32, u64, u64); 14] = [
    (0xFE, 0xFF, 8),
    (0x1D9, !0, 0),
    (0xC001_0015, 1 << 24, 1 << 24),
    (0xC001_0114, 1 << 4, 1 << 4),
    (0x8B, 0, 0),
    (0xC001_0010, 0, 0),
    (0xC001_001A, 0, 0),
    (0xC001_001D, 0, 0),
    (0xC001_0055, 0, 0),
    (0xC001_1020, 0, 0),
    (0xC001_1023, 0, 0),
    (0xC001_001F, 0, 0),
    (0xC001_1028, 0, 0),
    (0xC001_1029, 0, 0),
];

/// Registers that do not exist here: performance counters, SVM's own, x2APIC, other vendors', edges
/// of the three ranges of the permission map, and far outside.
const NONE: [u32; 28] = [
    0x0,
    0x17,
    0x3A,
    0xCE,
    0xE7,
    0x122,
    0x186,
    0x198,
    0x1A0,
    0x1FFF,
    0x2000,
    0x800,
    0x808,
    0x830,
    0x8FF,
    0x4B56_4D0F,
    0x4B56_4CFF,
    0x4000_0000,
    0xBFFF_FFFF,
    0xC000_0104,
    0xC000_1FFF,
    0xC001_0117,
    0xC001_0118,
    0xC001_011B,
    0xC001_0200,
    0xC001_1FFF,
    0xC001_2000,
    u32::MAX,
];

/// Values that a kept register must refuse.
const REFUSED: [(u32, u64); 13] = [
    (0x277, 2),
    (0x277, 0x0300_0000_0000_0000),
    (0x2FF, 0x100C06),
    (0x2FF, 0xC02),
    (0x250, 0x02),
    (0x200, 1 << 60 | 6),
    (0x201, 1 << 60 | 0x800),
    (0x20F, 1 << 10),
    (0x1B, 0xFED0_0900),
    (0x1B, 0xFEE0_0D00),
    (0x1B, 0xFEE0_0100),
    (0xFE, 0),
    (0x1D9, 1 << 40),
];

fn is_gp(fault: Option<Fault>) -> bool {
    matches!(
        fault,
        Some(Fault {
            vector: GP,
            error: 0,
            ..
        })
    )
}

fn msr_policy() {
    kept();
    addresses();
    benign();
    refused();
    not_there();
    extended_features();
    apic_base();
    clocks();
    unprivileged();
}

fn kept() {
    let mut held = 0;
    for (index, first, second) in KEPT {
        let Ok(before) = try_read(index) else {
            require!(false, "msr {index:#x} cannot be read");
            continue;
        };
        let round_trip = [first, second, before]
            .iter()
            .all(|v| try_write(index, *v).is_ok() && try_read(index) == Ok(*v));
        require!(
            round_trip,
            "msr {index:#x} does not give back what was written"
        );
        held += u32::from(round_trip);
    }
    claim!(
        held == KEPT.len() as u32,
        "kept registers give back what was written"
    );
}

/// Addresses in registers that the CPU itself keeps: silicon refuses what is not canonical, the emulator
/// takes it (`performance.md`). Nothing of the hypervisor's is at stake, so the answer is told, not judged.
fn addresses() {
    let addresses = [0xC000_0082, 0xC000_0083, 0xC000_0100, 0xC000_0102];
    let refused = addresses.map(|index| {
        let fault = try_write(index, NON_CANONICAL).err();
        let _ = try_write(index, 0);
        is_gp(fault)
    });
    rt::report!(
        "info non-canonical addresses are refused: {}",
        refused == [true; 4]
    );
}

fn benign() {
    let mut good = 0;
    for (index, mask, value) in BENIGN {
        let read = try_read(index);
        let Ok(before) = read else {
            require!(false, "msr {index:#x} cannot be read");
            continue;
        };
        require!(before & mask == value, "msr {index:#x} reads {before:#x}");
        // MTRRcap is read-only for good; all others swallow a write.
        let swallowed =
            index == 0xFE || try_write(index, before).is_ok() && try_read(index) == Ok(before);
        require!(swallowed, "msr {index:#x} does not swallow a write");
        good += u32::from(before & mask == value && swallowed);
    }
    claim!(
        good == BENIGN.len() as u32,
        "benign registers read their value and swallow writes"
    );
}

fn refused() {
    let mut good = 0;
    for (index, value) in REFUSED {
        let before = try_read(index);
        let fault = try_write(index, value).err();
        let unchanged = try_read(index) == before;
        require!(
            is_gp(fault) && unchanged,
            "msr {index:#x} takes {value:#x}: {fault:?}, unchanged {unchanged}"
        );
        good += u32::from(is_gp(fault) && unchanged);
    }
    claim!(
        good == REFUSED.len() as u32,
        "impossible values are refused and change nothing"
    );
}

fn not_there() {
    let mut absent = 0;
    for index in NONE {
        let (read, write) = (try_read(index).err(), try_write(index, 0).err());
        require!(
            is_gp(read) && is_gp(write),
            "msr {index:#x} exists: {read:?} {write:?}"
        );
        absent += u32::from(is_gp(read) && is_gp(write));
    }
    claim!(
        absent == NONE.len() as u32,
        "registers that are not there are #GP to read and to write"
    );
}

/// EFER: SVM is not the guest's, long mode cannot go away under paging, SCE and NXE can be set.
fn extended_features() {
    let before = msr::read(EFER);
    claim!(before & 1 << 12 == 0, "EFER.SVME reads as clear");
    #[expect(unsafe_code)]
    // SAFETY: each of these faults, or keeps long mode. UNSAFETY: writes EFER.
    let attempt = |value| fault::expect_fault(|| unsafe { msr::write_any(EFER, value) });
    claim!(is_gp(attempt(before | 1 << 12)), "EFER.SVME cannot be set");
    claim!(
        is_gp(attempt(before | 1 << 20)),
        "reserved bits of EFER are refused"
    );
    claim!(
        is_gp(attempt(before & !(1 << 8))),
        "EFER.LME cannot change under paging"
    );
    claim!(
        attempt(before | 1 | 1 << 11).is_none(),
        "SYSCALL and no-execute can be turned on"
    );
    claim!(
        msr::read(EFER) == before | 1 | 1 << 11,
        "EFER reads back with long mode active"
    );
    claim!(
        attempt(before).is_none() && msr::read(EFER) == before,
        "EFER can be set back"
    );
    let gs = msr::read(GS_BASE);
    claim!(
        gs > 0x10_0000 && gs < 1 << 32,
        "GS base is the one the runtime has set"
    );
}

fn apic_base() {
    let base = msr::read(0x1B);
    claim!(
        base == 0xFEE0_0900,
        "the APIC base says: boot CPU, enabled, usual place"
    );
    claim!(
        try_write(0x1B, base).is_ok(),
        "writing the APIC base as it is does nothing"
    );
}

fn clocks() {
    let first = msr::read(0x10);
    let between = rt::tsc::now();
    let second = msr::read(0x10);
    claim!(
        first <= between && between <= second,
        "the TSC register and RDTSC are one clock"
    );
    let wall = try_read(0x4B56_4D00);
    claim!(wall.is_ok(), "the wall clock register can be read");
}

/// RDMSR at CPL 3 is #GP, whatever the register.
fn unprivileged() {
    let faults = [0x10, 0xC000_0082, 0xDEAD_BEEF]
        .map(|index| probes::user_mode::run(probes::user_mode::Code::ReadMsr, index));
    let all = faults.iter().all(|fault| fault.vector == GP);
    claim!(all, "user code may not read any register");
}

probes::probe!(msr_policy, bulkhead);

//! QEMU's q35 machine under TCG: the board everyone has.

use crate::{Board, Errata, LogPort};

/// `qemu-system-x86_64 -M q35 -cpu EPYC,+svm,+npt`, 7.2 to 10.0.
pub const BOARD: Board = Board {
    name: "qemu_q35",
    vendor: "Emulation",
    part: "QEMU x86 q35/ich9",
    cores: 16,
    threads_per_core: 1,
    memory: 16 << 30,
    reserved: 64 << 20,
    flash: 16 << 20,
    log: LogPort::Port(0x2f8),
    exit_port: Some(0xf4),
    errata: Errata::all(),
    avic: false,
};

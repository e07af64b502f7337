//! The board that no record names: runs on what the tables say.

use crate::{Board, Errata, LogPort};

/// Used at run time when no board matches; never a target of a plan.
pub const UNKNOWN: Board = Board {
    name: "unknown",
    vendor: "",
    part: "",
    cores: 16,
    threads_per_core: 1,
    memory: 64 << 30,
    reserved: 256 << 20,
    flash: 16 << 20,
    log: LogPort::Console,
    exit_port: None,
    errata: Errata::empty(),
    avic: false,
};

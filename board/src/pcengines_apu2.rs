//! PC Engines apu2 family: GX-412TC, four Jaguar cores, 8 MiB flash, 4 GiB RAM.
//!
//! Never run on this board. COM2 at 2F8h exists on apu2, not on apu5.

use crate::{Board, Errata, LogPort};

/// apu2 to apu4.
pub const BOARD: Board = Board {
    name: "pcengines_apu2",
    vendor: "PC Engines",
    part: "apu2",
    cores: 4,
    threads_per_core: 1,
    memory: 4 << 30,
    reserved: 256 << 20,
    flash: 8 << 20,
    log: LogPort::Port(0x2f8),
    exit_port: None,
    errata: Errata::empty(),
    avic: false,
};

//! AMD Bilby (Ryzen Embedded R1000 and V1000): 16 MiB flash, FCH UART.
//!
//! Never run on this board. It has one usable UART, so the log shares the
//! console line.

use crate::{Board, Errata, LogPort};

/// Bilby with four cores of two threads.
pub const BOARD: Board = Board {
    name: "amd_bilby",
    vendor: "AMD",
    part: "Bilby",
    cores: 8,
    threads_per_core: 2,
    memory: 32 << 30,
    reserved: 1 << 30,
    flash: 16 << 20,
    log: LogPort::Console,
    exit_port: None,
    errata: Errata::empty(),
    avic: true,
};

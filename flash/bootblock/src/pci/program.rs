//! Writes what was assigned: BARs, windows, interrupt lines, command registers.
//!
//! A function answers in a space only when everything it asked for there has an
//! address. A window that holds nothing is closed by a base above its limit.

use super::config_space::{
    COMMAND, COMMAND_IO, COMMAND_MASTER, COMMAND_MEMORY, ConfigSpace, Function, INTERRUPT,
    IO_WINDOW, IO_WINDOW_HIGH, MEMORY_WINDOW, PREFETCH_BASE_HIGH, PREFETCH_LIMIT_HIGH,
    PREFETCH_WINDOW,
};
use super::walk::{Item, Need, Space, Topology};

/// Lines of the 8259 that the four interrupt pins are routed to, in turn.
pub const INTERRUPT_LINES: [u8; 4] = [10, 10, 11, 11];

/// Programs every function of `topology`.
pub fn program(config: &mut impl ConfigSpace, topology: &Topology) {
    for item in &topology.items {
        let Some(node) = topology.functions.get(item.owner) else {
            continue;
        };
        match item.need {
            Need::Bar { register, wide } => bar(config, node.function, item, register, wide),
            Need::Window => window(config, node.function, item),
        }
    }
    for (index, node) in topology.functions.iter().enumerate() {
        line(config, node.function);
        let mut command = COMMAND_MASTER;
        if node.bridge {
            command |= COMMAND_IO | COMMAND_MEMORY;
        } else {
            command |= enabled(topology, index, COMMAND_IO, |s| s == Space::Io);
            command |= enabled(topology, index, COMMAND_MEMORY, |s| s != Space::Io);
        }
        let before = config.read(node.function, COMMAND) & 0xffff;
        config.write(node.function, COMMAND, before | command);
    }
}

/// `bit` when the function has BARs of the space and all of them have addresses.
fn enabled(topology: &Topology, owner: usize, bit: u32, space: impl Fn(Space) -> bool) -> u32 {
    let mut bars = topology
        .items
        .iter()
        .filter(|i| i.owner == owner && i.need != Need::Window && space(i.space))
        .peekable();
    if bars.peek().is_some() && bars.all(|i| i.base.is_some()) {
        bit
    } else {
        0
    }
}

fn bar(config: &mut impl ConfigSpace, function: Function, item: &Item, register: u16, wide: bool) {
    let base = item.base.unwrap_or(0);
    config.write(function, register, base as u32);
    if wide {
        config.write(function, register + 4, (base >> 32) as u32);
    }
}

fn window(config: &mut impl ConfigSpace, function: Function, item: &Item) {
    // Base and limit are inclusive; an impossible pair closes the window.
    let (base, limit) = match item.base {
        Some(base) if item.size > 0 => (base, base + item.size - 1),
        _ => (u64::from(u32::MAX), 0),
    };
    match item.space {
        Space::Io => {
            let low = (base >> 8 & 0xf0) | (limit & 0xf000);
            config.write(function, IO_WINDOW, low as u32);
            config.write(function, IO_WINDOW_HIGH, 0);
        }
        Space::Memory => config.write(function, MEMORY_WINDOW, pair(base, limit)),
        Space::Prefetch => {
            config.write(function, PREFETCH_WINDOW, pair(base, limit));
            config.write(function, PREFETCH_BASE_HIGH, (base >> 32) as u32);
            config.write(function, PREFETCH_LIMIT_HIGH, (limit >> 32) as u32);
        }
    }
}

/// Bits 31:20 of base and limit, packed as both memory windows want them.
fn pair(base: u64, limit: u64) -> u32 {
    (base as u32 >> 16 & 0xfff0) | (limit as u32 & 0xfff0_0000)
}

/// The line a function's pin arrives on. Pins rotate by device, as on any board.
fn line(config: &mut impl ConfigSpace, function: Function) {
    let word = config.read(function, INTERRUPT);
    let pin = (word >> 8 & 0xff) as usize;
    if pin == 0 {
        return;
    }
    let line = INTERRUPT_LINES[(usize::from(function.device) + pin - 1) % INTERRUPT_LINES.len()];
    config.write(function, INTERRUPT, word & !0xff | u32::from(line));
}

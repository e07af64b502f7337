//! Depth-first walk: numbers buses behind bridges and measures every BAR.
//!
//! Functions are listed in the order they are met, so a bridge stands before
//! everything behind it. The arithmetic relies on that order.

use super::config_space::{
    BAR0, BUSES, COMMAND, COMMAND_IO, COMMAND_MEMORY, ConfigSpace, Function, HEADER, ID,
};
use heapless::Vec;

/// Functions a machine may have. QEMU's q35 has five; 24 root ports with a device
/// of two functions each stay below.
pub const MAX_FUNCTIONS: usize = 96;
/// BARs and bridge windows together: six for each of 40 functions.
pub const MAX_ITEMS: usize = 240;
/// Bridges in a row; the walk recurses once for each.
const MAX_DEPTH: u8 = 8;

/// Kinds of address a device can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Port I/O.
    Io,
    /// Memory whose reads have side effects.
    Memory,
    /// Memory that may be read ahead.
    Prefetch,
}

/// Index of a bridge in [`Topology::functions`]; `None` is the root bus.
pub type Parent = Option<usize>;

/// A function that answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its address.
    pub function: Function,
    /// The bridge it is behind.
    pub parent: Parent,
    /// Whether it is a PCI-to-PCI bridge itself.
    pub bridge: bool,
}

/// Who needs the addresses of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A BAR at a register; `wide` takes the next register for the upper half.
    Bar {
        /// Configuration register.
        register: u16,
        /// Whether it is a 64-bit BAR.
        wide: bool,
    },
    /// Everything of this space behind the bridge.
    Window,
}

/// A piece of address space that somebody needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Index of the function that owns it.
    pub owner: usize,
    /// What for.
    pub need: Need,
    /// Which space.
    pub space: Space,
    /// Bytes; 0 for a window with nothing behind it.
    pub size: u64,
    /// Alignment in bytes, a power of two.
    pub align: u64,
    /// First address once assigned.
    pub base: Option<u64>,
}

/// What the walk found.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// All functions, parents first.
    pub functions: Vec<Node, MAX_FUNCTIONS>,
    /// All BARs and windows, parents first.
    pub items: Vec<Item, MAX_ITEMS>,
    /// Functions, BARs or bridges that did not fit the lists.
    pub dropped: u32,
    /// Highest bus number given out.
    pub last_bus: u8,
}

impl Topology {
    /// The bridge an item is behind.
    pub fn parent_of(&self, item: &Item) -> Parent {
        self.functions.get(item.owner).and_then(|node| node.parent)
    }
}

/// Walks from bus 0. BARs decode nothing afterwards.
pub fn walk(config: &mut impl ConfigSpace) -> Topology {
    let mut topology = Topology::default();
    walk_bus(config, &mut topology, 0, None, 0);
    topology
}

fn walk_bus(config: &mut impl ConfigSpace, out: &mut Topology, bus: u8, parent: Parent, depth: u8) {
    for device in 0..32 {
        let mut functions = 1;
        let mut function = 0;
        while function < functions {
            let address = Function {
                bus,
                device,
                function,
            };
            let present = !matches!(config.read(address, ID) & 0xffff, 0xffff | 0);
            if present {
                let header = config.read(address, HEADER) >> 16;
                if function == 0 && header & 0x80 != 0 {
                    functions = 8;
                }
                visit(config, out, address, parent, header & 0x7f == 1, depth);
            }
            function += 1;
        }
    }
}

fn visit(
    config: &mut impl ConfigSpace,
    out: &mut Topology,
    function: Function,
    parent: Parent,
    bridge: bool,
    depth: u8,
) {
    let owner = out.functions.len();
    if out
        .functions
        .push(Node {
            function,
            parent,
            bridge,
        })
        .is_err()
    {
        out.dropped += 1;
        return;
    }
    let command = config.read(function, COMMAND) & 0xffff;
    config.write(function, COMMAND, command & !(COMMAND_IO | COMMAND_MEMORY));
    measure(config, out, owner, function, if bridge { 2 } else { 6 });
    if !bridge {
        return;
    }
    for space in [Space::Io, Space::Memory, Space::Prefetch] {
        let item = Item {
            owner,
            need: Need::Window,
            space,
            size: 0,
            align: 1,
            base: None,
        };
        out.dropped += u32::from(out.items.push(item).is_err());
    }
    if depth == MAX_DEPTH || out.last_bus == u8::MAX {
        out.dropped += 1;
        return;
    }
    out.last_bus += 1;
    let secondary = out.last_bus;
    let buses =
        |last: u8| u32::from(function.bus) | u32::from(secondary) << 8 | u32::from(last) << 16;
    config.write(function, BUSES, buses(u8::MAX));
    walk_bus(config, out, secondary, Some(owner), depth + 1);
    config.write(function, BUSES, buses(out.last_bus));
}

fn measure(
    config: &mut impl ConfigSpace,
    out: &mut Topology,
    owner: usize,
    function: Function,
    bars: u16,
) {
    let mut index = 0;
    while index < bars {
        let register = BAR0 + index * 4;
        index += 1;
        let low = probe(config, function, register);
        let wide = low & 0b111 == 0b100;
        let high = if wide {
            index += 1;
            probe(config, function, register + 4)
        } else {
            u32::MAX
        };
        let Some((space, size)) = decode(low, high) else {
            continue;
        };
        let need = Need::Bar { register, wide };
        let item = Item {
            owner,
            need,
            space,
            size,
            align: size,
            base: None,
        };
        out.dropped += u32::from(out.items.push(item).is_err());
    }
}

/// What a BAR answers after all ones were written to it.
fn probe(config: &mut impl ConfigSpace, function: Function, register: u16) -> u32 {
    let before = config.read(function, register);
    config.write(function, register, u32::MAX);
    let answer = config.read(function, register);
    config.write(function, register, before);
    answer
}

/// Space and size of a BAR from its answers; `None` when it is not there.
pub fn decode(low: u32, high: u32) -> Option<(Space, u64)> {
    if low & 1 != 0 {
        // Devices may leave the upper half of an I/O BAR unimplemented.
        let mask = low & !0b11 | 0xffff_0000;
        return (low & 0xfffc != 0).then(|| (Space::Io, u64::from(mask.wrapping_neg())));
    }
    let mask = u64::from(high) << 32 | u64::from(low & !0xf);
    let wide = low & 0b111 == 0b100;
    if low & !0xf == 0 && !wide {
        return None;
    }
    let size = mask.wrapping_neg();
    let space = if low & 0b1000 != 0 {
        Space::Prefetch
    } else {
        Space::Memory
    };
    (size.is_power_of_two()).then_some((space, size))
}

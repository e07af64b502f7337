//! PCI set-up against a model: bus numbers, sizes, windows, what is switched on.

use bootblock::pci::assign::{Aperture, Apertures, assign};
use bootblock::pci::config_space::{ConfigSpace, Function};
use bootblock::pci::program::program;
use bootblock::pci::walk::{MAX_FUNCTIONS, Need, Space, Topology, decode, walk};
use proptest::prelude::*;
use std::collections::BTreeMap;

const ROOT: Apertures = Apertures {
    io: Aperture {
        start: 0x1000,
        end: 0x1_0000,
    },
    memory: Aperture {
        start: 0xe000_0000,
        end: 0xfec0_0000,
    },
    prefetch: Aperture {
        start: 0xc000_0000,
        end: 0xe000_0000,
    },
};

/// One function of the model: registers, and which bits of each can be written.
#[derive(Clone, Debug)]
struct Device {
    registers: [u32; 64],
    writable: [u32; 64],
    behind: BTreeMap<(u8, u8), Device>,
}

impl Device {
    fn new(bars: &[Bar]) -> Self {
        let mut device = Self {
            registers: [0; 64],
            writable: [0; 64],
            behind: BTreeMap::new(),
        };
        device.registers[0] = 0x1234_8086;
        device.registers[15] = 0x0100;
        device.writable[1] = 0xffff;
        device.writable[15] = 0xff;
        let mut index = 4;
        for bar in bars {
            let (flags, mask) = match bar.space {
                Space::Io => (1, !(bar.size - 1)),
                Space::Memory => (0, !(bar.size - 1)),
                Space::Prefetch => (8, !(bar.size - 1)),
            };
            device.registers[index] = flags | if bar.wide { 4 } else { 0 };
            device.writable[index] = mask as u32;
            if bar.wide {
                device.writable[index + 1] = (mask >> 32) as u32;
                index += 1;
            }
            index += 1;
        }
        device
    }

    fn bridge(behind: BTreeMap<(u8, u8), Device>) -> Self {
        let mut device = Self::new(&[]);
        device.registers[3] = 1 << 16;
        device.writable[6] = 0xff_ffff;
        for register in [7, 8, 9, 10, 11, 12] {
            device.writable[register] = u32::MAX;
        }
        device.behind = behind;
        device
    }

    fn find(&mut self, f: Function) -> Option<&mut Device> {
        let (secondary, last) = (
            (self.registers[6] >> 8) as u8,
            (self.registers[6] >> 16) as u8,
        );
        if self.behind.is_empty() || f.bus < secondary || f.bus > last {
            return None;
        }
        find(&mut self.behind, secondary, f)
    }
}

fn find(bus: &mut BTreeMap<(u8, u8), Device>, number: u8, f: Function) -> Option<&mut Device> {
    if number == f.bus {
        return bus.get_mut(&(f.device, f.function));
    }
    bus.values_mut().find_map(|bridge| bridge.find(f))
}

#[derive(Clone, Copy, Debug)]
struct Bar {
    space: Space,
    size: u64,
    wide: bool,
}

/// A machine routes configuration accesses by the bus numbers in its bridges.
struct Machine(BTreeMap<(u8, u8), Device>);

impl ConfigSpace for Machine {
    fn read(&mut self, f: Function, register: u16) -> u32 {
        find(&mut self.0, 0, f).map_or(u32::MAX, |d| d.registers[usize::from(register / 4)])
    }
    fn write(&mut self, f: Function, register: u16, value: u32) {
        if let Some(d) = find(&mut self.0, 0, f) {
            let at = usize::from(register / 4);
            d.registers[at] = d.registers[at] & !d.writable[at] | value & d.writable[at];
        }
    }
}

fn memory(size: u64) -> Bar {
    Bar {
        space: Space::Memory,
        size,
        wide: false,
    }
}

fn set_up(machine: &mut Machine) -> (Topology, u32) {
    let mut topology = walk(machine);
    let homeless = assign(&mut topology, &ROOT);
    program(machine, &topology);
    (topology, homeless)
}

#[test]
fn sizes_are_read_from_the_bits_that_stick() {
    assert_eq!(decode(0xffff_f000, u32::MAX), Some((Space::Memory, 0x1000)));
    assert_eq!(
        decode(0xff00_0008, u32::MAX),
        Some((Space::Prefetch, 0x100_0000))
    );
    assert_eq!(
        decode(0x0000_000c, 0xffff_ffff),
        Some((Space::Prefetch, 1 << 32))
    );
    assert_eq!(decode(0x0000_000c, 0), None);
    assert_eq!(
        decode(0x0000_000c, 0xffff_fffe),
        Some((Space::Prefetch, 1 << 33))
    );
    assert_eq!(decode(0x0000_ffe1, u32::MAX), Some((Space::Io, 0x20)));
    assert_eq!(decode(0xffff_ff01, u32::MAX), Some((Space::Io, 0x100)));
    assert_eq!(decode(0, u32::MAX), None);
    assert_eq!(decode(1, u32::MAX), None);
}

#[test]
fn buses_are_numbered_depth_first_and_a_bridge_spans_those_behind_it() {
    let leaf = || Device::new(&[memory(0x1000)]);
    let inner = Device::bridge([((0, 0), leaf())].into());
    let outer = Device::bridge([((0, 0), inner.clone()), ((1, 0), inner)].into());
    let mut machine = Machine([((1, 0), outer), ((2, 0), leaf())].into());
    let (topology, homeless) = set_up(&mut machine);
    assert_eq!((topology.last_bus, topology.dropped, homeless), (3, 0, 0));
    let buses = |bus, device| machine_buses(&mut Machine(machine.0.clone()), bus, device);
    assert_eq!(buses(0, 1), 0x03_01_00);
    assert_eq!(buses(1, 0), 0x02_02_01);
    assert_eq!(buses(1, 1), 0x03_03_01);
}

fn machine_buses(machine: &mut Machine, bus: u8, device: u8) -> u32 {
    machine.read(
        Function {
            bus,
            device,
            function: 0,
        },
        0x18,
    ) & 0xff_ffff
}

#[test]
fn functions_beyond_the_first_are_looked_at_only_when_the_first_says_so() {
    let mut first = Device::new(&[]);
    let other = Device::new(&[memory(0x1000)]);
    let bus = |first: Device| Machine([((3, 0), first), ((3, 2), other.clone())].into());
    assert_eq!(walk(&mut bus(first.clone())).functions.len(), 1);
    first.registers[3] = 0x80 << 16;
    assert_eq!(walk(&mut bus(first)).functions.len(), 2);
}

#[test]
fn a_bar_too_large_for_every_aperture_leaves_its_device_off() {
    let large = Bar {
        space: Space::Prefetch,
        size: 1 << 32,
        wide: true,
    };
    let io = Bar {
        space: Space::Io,
        size: 32,
        wide: false,
    };
    let device = Device::new(&[memory(0x1000), large, io]);
    let mut machine = Machine([((1, 0), device)].into());
    let (_, homeless) = set_up(&mut machine);
    assert_eq!(homeless, 1);
    let command = machine.read(
        Function {
            bus: 0,
            device: 1,
            function: 0,
        },
        4,
    );
    assert_eq!(command & 7, 0b101, "I/O and master on, memory off");
}

#[test]
fn a_window_with_nothing_in_it_is_closed() {
    let leaf = Device::new(&[memory(0x1000)]);
    let mut machine = Machine([((1, 0), Device::bridge([((0, 0), leaf)].into()))].into());
    set_up(&mut machine);
    let bridge = Function {
        bus: 0,
        device: 1,
        function: 0,
    };
    let io = machine.read(bridge, 0x1c);
    assert!(io & 0xf0 > io >> 8 & 0xf0);
    let prefetch = machine.read(bridge, 0x24);
    assert!(prefetch & 0xffff > prefetch >> 16);
    assert_eq!(machine.read(bridge, 0x20), 0xe000_e000);
}

#[test]
fn more_functions_than_the_list_holds_are_counted() {
    let mut bus = BTreeMap::new();
    for device in 0..32 {
        for function in 0..8 {
            let mut model = Device::new(&[]);
            model.registers[3] = 0x80 << 16;
            bus.insert((device, function), model);
        }
    }
    let topology = walk(&mut Machine(bus));
    assert_eq!(topology.functions.len(), MAX_FUNCTIONS);
    assert_eq!(topology.dropped as usize, 256 - MAX_FUNCTIONS);
}

fn bar() -> impl Strategy<Value = Bar> {
    prop_oneof![
        (2u32..8).prop_map(|bits| Bar {
            space: Space::Io,
            size: 1 << bits,
            wide: false
        }),
        (4u32..22, any::<bool>()).prop_map(|(bits, wide)| Bar {
            space: Space::Memory,
            size: 1 << bits,
            wide
        }),
        (4u32..26, any::<bool>()).prop_map(|(bits, wide)| Bar {
            space: Space::Prefetch,
            size: 1 << bits,
            wide
        }),
    ]
}

fn device() -> impl Strategy<Value = Device> {
    prop::collection::vec(bar(), 0..4).prop_map(|bars| Device::new(&bars[..bars.len().min(3)]))
}

fn bus() -> impl Strategy<Value = BTreeMap<(u8, u8), Device>> {
    let leaf = device().boxed();
    let node = leaf.prop_recursive(3, 20, 3, |inner| {
        prop_oneof![
            inner.clone(),
            prop::collection::btree_map((0u8..32, Just(0u8)), inner, 1..4).prop_map(Device::bridge)
        ]
    });
    prop::collection::btree_map((1u8..32, Just(0u8)), node, 1..6)
}

proptest! {
    #[test]
    fn addresses_are_aligned_disjoint_and_inside_every_bridge_above(bus in bus()) {
        let (topology, homeless) = set_up(&mut Machine(bus));
        prop_assume!(homeless == 0);
        let items = &topology.items;
        for item in items.iter().filter(|i| i.size > 0) {
            let base = item.base.unwrap();
            prop_assert!(base.is_multiple_of(item.align));
            let parent = topology.parent_of(item);
            let (start, end) = match parent {
                Some(bridge) => {
                    let window = items.iter().find(|i| {
                        i.owner == bridge && i.need == Need::Window && i.space == item.space
                    }).unwrap();
                    (window.base.unwrap(), window.base.unwrap() + window.size)
                }
                None => match item.space {
                    Space::Io => (ROOT.io.start, ROOT.io.end),
                    Space::Memory => (ROOT.memory.start, ROOT.memory.end),
                    Space::Prefetch => (ROOT.prefetch.start, ROOT.prefetch.end),
                },
            };
            prop_assert!(start <= base && base + item.size <= end);
            let overlaps = items.iter().filter(|o| {
                o.size > 0 && (o.space == Space::Io) == (item.space == Space::Io)
                    && topology.parent_of(o) == parent
                    && o.base.unwrap() < base + item.size && base < o.base.unwrap() + o.size
            }).count();
            prop_assert_eq!(overlaps, 1, "only itself");
        }
    }
}

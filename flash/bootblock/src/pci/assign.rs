//! The arithmetic: windows from the leaves up, addresses from the root down.
//!
//! Inside a window the most strictly aligned item comes first. As every BAR is as
//! large as its alignment, that leaves no gaps between BARs, and a window's size
//! is the sum of its items, rounded to what a bridge can decode.

use super::walk::{Item, MAX_ITEMS, Need, Parent, Space, Topology};
use heapless::Vec;

/// Granularity of a bridge's memory windows.
pub const MEMORY_GRAIN: u64 = 1 << 20;
/// Granularity of a bridge's I/O window.
pub const IO_GRAIN: u64 = 1 << 12;

/// Where the root bus may place things, `start` inclusive, `end` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aperture {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
}

/// Root apertures for the three spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apertures {
    /// Ports.
    pub io: Aperture,
    /// Memory.
    pub memory: Aperture,
    /// Prefetchable memory.
    pub prefetch: Aperture,
}

/// Sizes all windows and gives every item an address. The number of items that
/// did not fit; those keep `base == None`, and so does everything behind them.
pub fn assign(topology: &mut Topology, root: &Apertures) -> u32 {
    for index in (0..topology.functions.len()).rev() {
        size_windows(topology, index);
    }
    let mut homeless = 0;
    let spaces = [
        (Space::Io, root.io),
        (Space::Memory, root.memory),
        (Space::Prefetch, root.prefetch),
    ];
    for (space, aperture) in spaces {
        homeless += place(topology, None, space, aperture);
        for bridge in 0..topology.functions.len() {
            if !topology.functions[bridge].bridge {
                continue;
            }
            let window = window_of(topology, bridge, space);
            let inside = match window.and_then(|i| topology.items.get(i)) {
                Some(Item {
                    base: Some(base),
                    size,
                    ..
                }) => Aperture {
                    start: *base,
                    end: base + size,
                },
                _ => Aperture { start: 0, end: 0 },
            };
            homeless += place(topology, Some(bridge), space, inside);
        }
    }
    homeless
}

fn window_of(topology: &Topology, bridge: usize, space: Space) -> Option<usize> {
    topology
        .items
        .iter()
        .position(|i| i.owner == bridge && i.need == Need::Window && i.space == space)
}

/// The items right behind `parent`, most strictly aligned first.
fn members(topology: &Topology, parent: Parent, space: Space) -> Vec<usize, MAX_ITEMS> {
    let mut members: Vec<usize, MAX_ITEMS> = topology
        .items
        .iter()
        .enumerate()
        .filter(|(_, i)| i.space == space && i.size > 0 && topology.parent_of(i) == parent)
        .map(|(index, _)| index)
        .collect();
    members.sort_unstable_by_key(|&i| {
        core::cmp::Reverse((topology.items[i].align, topology.items[i].size))
    });
    members
}

fn size_windows(topology: &mut Topology, bridge: usize) {
    if !topology.functions[bridge].bridge {
        return;
    }
    for space in [Space::Io, Space::Memory, Space::Prefetch] {
        let grain = if space == Space::Io {
            IO_GRAIN
        } else {
            MEMORY_GRAIN
        };
        let (mut end, mut align) = (0u64, grain);
        for i in members(topology, Some(bridge), space) {
            let item = topology.items[i];
            end = end.next_multiple_of(item.align).saturating_add(item.size);
            align = align.max(item.align);
        }
        if let Some(window) = window_of(topology, bridge, space) {
            let window = &mut topology.items[window];
            window.size = end.checked_next_multiple_of(grain).unwrap_or(u64::MAX);
            window.align = align;
        }
    }
}

fn place(topology: &mut Topology, parent: Parent, space: Space, aperture: Aperture) -> u32 {
    let mut next = aperture.start;
    let mut homeless = 0;
    for i in members(topology, parent, space) {
        let item = &mut topology.items[i];
        let base = next.checked_next_multiple_of(item.align);
        let end = base.and_then(|base| base.checked_add(item.size));
        match (base, end) {
            (Some(base), Some(end)) if end <= aperture.end => {
                item.base = Some(base);
                next = end;
            }
            _ => homeless += 1,
        }
    }
    homeless
}

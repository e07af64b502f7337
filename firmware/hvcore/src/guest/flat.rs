//! Flat binaries: copied to an address, entered at an address.
//!
//! For programs without a container: first tests of a port, small real-time
//! images. They start as multiboot images do (32-bit protected mode, paging
//! off, interrupts off) with all general-purpose registers zero.
//! Also called: raw image, bare binary.

use super::entry::{self, EntryState};
use super::memory_map::RamLayout;
use crate::ids::Gpa;
use crate::port::{GuestMemory, NotRam};

/// Why a flat binary cannot be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlatFault {
    /// The binary has no bytes.
    Empty,
    /// The binary does not fit into usable RAM below 4 GiB where it wants to be.
    OutsideRam,
    /// The first instruction is not one of the binary's bytes.
    EntryOutside,
    /// A range that was RAM by the layout is not: layout and memory disagree.
    NotRam,
}

impl From<NotRam> for FlatFault {
    fn from(_: NotRam) -> Self {
        Self::NotRam
    }
}

/// Copies `image` to `at` and gives the state that starts it at `start`.
pub fn load<M: GuestMemory>(
    mem: &M,
    ram: &RamLayout,
    image: &[u8],
    at: Gpa,
    start: Gpa,
) -> Result<EntryState, FlatFault> {
    let len = image.len() as u64;
    if len == 0 {
        return Err(FlatFault::Empty);
    }
    let Ok(rip) = u32::try_from(start.0) else {
        return Err(FlatFault::OutsideRam);
    };
    if !ram.is_usable(at, len) {
        return Err(FlatFault::OutsideRam);
    }
    if start.0.checked_sub(at.0).is_none_or(|offset| offset >= len) {
        return Err(FlatFault::EntryOutside);
    }
    mem.write(at, image)?;
    Ok(entry::protected_state(rip, 0, 0))
}

//! MCFG: where PCI configuration space lies in memory.
//!
//! On x86 coreboot gives no record of its own for this, so this table is the
//! only source besides a board constant.
//! Manual: PCI Firmware Specification 3.3 section 4.1.2. Also called: ECAM.

use heapless::Vec;

use super::root::{AcpiFault, HEAD_LEN};
use crate::handoff::wire::{le16, le64, u8_at};
use crate::ids::Hpa;

/// Most segments kept; boards have one, servers one a socket.
pub const MAX_SEGMENTS: usize = 4;
const ENTRIES: usize = HEAD_LEN + 8;
const ENTRY_LEN: usize = 16;

/// One window of configuration space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Address of bus 0 of the segment (even when `first_bus` is not 0).
    pub base: Hpa,
    /// Segment group number.
    pub number: u16,
    /// First bus decoded.
    pub first_bus: u8,
    /// Last bus decoded.
    pub last_bus: u8,
}

/// The windows, and how many did not fit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mcfg {
    /// In table order.
    pub segments: Vec<Segment, MAX_SEGMENTS>,
    /// Segments beyond [`MAX_SEGMENTS`].
    pub lost: u32,
}

/// Reads a table that [`super::root::TableList::find`] has proved whole.
/// Entries whose bus range is upside down are a fault.
pub fn parse(table: &[u8]) -> Result<Mcfg, AcpiFault> {
    let mut mcfg = Mcfg {
        segments: Vec::new(),
        lost: 0,
    };
    for entry in table.get(ENTRIES..).unwrap_or(&[]).chunks_exact(ENTRY_LEN) {
        let segment = segment(entry).ok_or(AcpiFault::Entry)?;
        if mcfg.segments.push(segment).is_err() {
            mcfg.lost = mcfg.lost.saturating_add(1);
        }
    }
    Ok(mcfg)
}

fn segment(entry: &[u8]) -> Option<Segment> {
    let found = Segment {
        base: Hpa(le64(entry, 0)?),
        number: le16(entry, 8)?,
        first_bus: u8_at(entry, 10)?,
        last_bus: u8_at(entry, 11)?,
    };
    (found.first_bus <= found.last_bus).then_some(found)
}

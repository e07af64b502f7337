//! MADT: processors, I/O APICs and rewired interrupt lines.
//!
//! A plan names cores by their place in this list, so the order here is the
//! numbering users see. Processors that can never run are left out; those that
//! are merely not enabled yet are kept and marked. A processor listed twice
//! (once as APIC, once as x2APIC) counts once.
//! Manual: ACPI 6.5 section 5.2.12. Also called: APIC table.

use heapless::Vec;

use super::root::{AcpiFault, HEAD_LEN};
use crate::handoff::wire::{le16, le32, le64, u8_at};
use crate::ids::{ApicId, Hpa};

/// Most processors kept: four times what a plan can name, so that the console
/// can show cores that are left over.
pub const MAX_PROCESSORS: usize = 4 * abi::plan::MAX_CORES;
/// Most I/O APICs kept; boards have one to four.
pub const MAX_IO_APICS: usize = 8;
/// Most overrides kept: there are 16 ISA lines.
pub const MAX_OVERRIDES: usize = 16;

/// Offset of the first entry.
const ENTRIES: usize = HEAD_LEN + 8;
/// Bits of a processor's flags.
const ENABLED: u32 = 1;
const ONLINE_CAPABLE: u32 = 2;

/// Whether a processor can be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Startable {
    /// Ready.
    Enabled,
    /// Not enabled by the firmware, but the platform can enable it later.
    OnlineCapable,
}

/// One processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Processor {
    /// Its physical APIC id.
    pub apic: ApicId,
    /// ACPI's own number for it.
    pub uid: u32,
    /// Whether it can be started.
    pub startable: Startable,
}

/// One I/O APIC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoApic {
    /// Its id.
    pub id: u8,
    /// Its registers.
    pub registers: Hpa,
    /// Global interrupt number of its pin 0.
    pub gsi_base: u32,
}

/// An ISA line that is wired or triggered unlike the default.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Override {
    /// ISA line, 0 to 15.
    pub isa: u8,
    /// Global interrupt it arrives at.
    pub gsi: u32,
    /// Polarity (bits 1:0) and trigger mode (bits 3:2).
    pub flags: u16,
}

/// Entries that did not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MadtLosses {
    /// Processors beyond [`MAX_PROCESSORS`].
    pub processors: u32,
    /// I/O APICs beyond [`MAX_IO_APICS`].
    pub io_apics: u32,
    /// Overrides beyond [`MAX_OVERRIDES`].
    pub overrides: u32,
}

/// What the table says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Madt {
    /// Registers of the local APICs.
    pub local_apic: Hpa,
    /// The machine also has a pair of 8259s, to be masked.
    pub has_8259: bool,
    /// Processors in table order.
    pub processors: Vec<Processor, MAX_PROCESSORS>,
    /// I/O APICs in table order.
    pub io_apics: Vec<IoApic, MAX_IO_APICS>,
    /// Rewired ISA lines.
    pub overrides: Vec<Override, MAX_OVERRIDES>,
    /// What did not fit.
    pub losses: MadtLosses,
}

impl Madt {
    /// Processors as cores: the boot processor first, the others in table order
    /// behind it. `None` when the boot processor is not in the table.
    pub fn cores(&self, boot: ApicId) -> Option<Vec<Processor, MAX_PROCESSORS>> {
        let first = self.processors.iter().find(|p| p.apic == boot)?;
        let others = self.processors.iter().filter(|p| p.apic != boot);
        Some(core::iter::once(first).chain(others).copied().collect())
    }

    /// Global interrupt and flags an ISA line arrives with: its override, or
    /// the line's own number with bus-default flags.
    pub fn isa_line(&self, isa: u8) -> (u32, u16) {
        let rewired = self.overrides.iter().find(|o| o.isa == isa);
        rewired.map_or((u32::from(isa), 0), |o| (o.gsi, o.flags))
    }
}

/// Reads a table that [`super::root::TableList::find`] has proved whole.
pub fn parse(table: &[u8]) -> Result<Madt, AcpiFault> {
    let mut madt = Madt {
        local_apic: Hpa(u64::from(
            le32(table, HEAD_LEN).ok_or(AcpiFault::TableLength)?,
        )),
        has_8259: le32(table, HEAD_LEN + 4).ok_or(AcpiFault::TableLength)? & 1 != 0,
        processors: Vec::new(),
        io_apics: Vec::new(),
        overrides: Vec::new(),
        losses: MadtLosses::default(),
    };
    let mut rest = table.get(ENTRIES..).unwrap_or(&[]);
    while !rest.is_empty() {
        // Two bytes at least, so that the loop always advances.
        let len = u8_at(rest, 1)
            .map(usize::from)
            .filter(|len| *len >= 2)
            .ok_or(AcpiFault::Entry)?;
        let entry = rest.get(..len).ok_or(AcpiFault::Entry)?;
        take(&mut madt, entry).ok_or(AcpiFault::Entry)?;
        rest = rest.get(len..).unwrap_or(&[]);
    }
    Ok(madt)
}

/// Takes one entry; `None` when it is too short for its type.
fn take(madt: &mut Madt, entry: &[u8]) -> Option<()> {
    match u8_at(entry, 0)? {
        0 => {
            let id = u32::from(u8_at(entry, 3)?);
            // 255 is the broadcast id: firmware marks unused slots with it.
            if id != 0xff {
                processor(madt, id, u32::from(u8_at(entry, 2)?), le32(entry, 4)?);
            }
        }
        1 => {
            let found = IoApic {
                id: u8_at(entry, 2)?,
                registers: Hpa(u64::from(le32(entry, 4)?)),
                gsi_base: le32(entry, 8)?,
            };
            keep(&mut madt.io_apics, found, &mut madt.losses.io_apics);
        }
        2 => {
            let found = Override {
                isa: u8_at(entry, 3)?,
                gsi: le32(entry, 4)?,
                flags: le16(entry, 8)?,
            };
            keep(&mut madt.overrides, found, &mut madt.losses.overrides);
        }
        5 => madt.local_apic = Hpa(le64(entry, 4)?),
        9 => {
            let id = le32(entry, 4)?;
            if id != u32::MAX {
                processor(madt, id, le32(entry, 12)?, le32(entry, 8)?);
            }
        }
        _ => {}
    }
    Some(())
}

fn processor(madt: &mut Madt, apic: u32, uid: u32, flags: u32) {
    let startable = match (flags & ENABLED != 0, flags & ONLINE_CAPABLE != 0) {
        (true, _) => Startable::Enabled,
        (false, true) => Startable::OnlineCapable,
        (false, false) => return,
    };
    let apic = ApicId(apic);
    if madt.processors.iter().all(|p| p.apic != apic) {
        keep(
            &mut madt.processors,
            Processor {
                apic,
                uid,
                startable,
            },
            &mut madt.losses.processors,
        );
    }
}

fn keep<T, const N: usize>(list: &mut Vec<T, N>, item: T, lost: &mut u32) {
    if list.push(item).is_err() {
        *lost = lost.saturating_add(1);
    }
}

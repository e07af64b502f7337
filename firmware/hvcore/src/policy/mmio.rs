//! Guest-physical addresses that are not RAM: who answers there.
//!
//! Two pages have a device; the rest of the hole below 4 GiB, and everything
//! above RAM, is a bus where nobody answers: reads give all ones, writes are
//! lost, both are counted.
//! Also called: memory-mapped I/O, unmapped access.

use crate::ids::Gpa;

/// The local APIC's page.
pub const LOCAL_APIC: u64 = 0xFEE0_0000;
/// The I/O APIC's page.
pub const IO_APIC: u64 = 0xFEC0_0000;
const PAGE: u64 = 0x1000;

/// Who answers at an address without RAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// Local APIC register at this offset, below 0x1000.
    LocalApic(u16),
    /// I/O APIC register at this offset, below 0x1000.
    IoApic(u16),
    /// Nobody.
    Nobody,
}

/// Who answers at `at`.
#[inline]
pub const fn owner(at: Gpa) -> Owner {
    let offset = (at.0 & (PAGE - 1)) as u16;
    match at.0 & !(PAGE - 1) {
        LOCAL_APIC => Owner::LocalApic(offset),
        IO_APIC => Owner::IoApic(offset),
        _ => Owner::Nobody,
    }
}

/// All ones in the width of an access; `size` is 1, 2, 4 or 8 bytes, and more
/// counts as 8.
pub const fn all_ones(size: u8) -> u64 {
    if size >= 8 {
        u64::MAX
    } else {
        (1 << (size * 8)) - 1
    }
}

/// Accesses of one vCPU that nobody answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unanswered {
    /// Reads so far.
    pub reads: u32,
    /// Writes so far.
    pub writes: u32,
    /// Address of the last one.
    pub last: u64,
}

impl Unanswered {
    /// Counts a read of `size` bytes and gives its value.
    pub const fn read(&mut self, at: Gpa, size: u8) -> u64 {
        self.reads = self.reads.saturating_add(1);
        self.last = at.0;
        all_ones(size)
    }

    /// Counts a write; its value is lost.
    pub const fn write(&mut self, at: Gpa) {
        self.writes = self.writes.saturating_add(1);
        self.last = at.0;
    }
}

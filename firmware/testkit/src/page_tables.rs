//! Guest page tables for tests, built entry by entry.
//!
//! Deliberately simpler than the walk it tests: it knows where entries go, not
//! what they mean.

use crate::guest_ram::GuestRam;

/// Tables of 64-bit entries, taken one after the other from an arena.
pub struct PageTables<'a> {
    ram: &'a GuestRam,
    next: u64,
    /// Address of the top table: the value for CR3.
    pub root: u64,
    top: u32,
}

/// Present, writable, user, accessed: what intermediate entries carry.
pub const OPEN: u64 = 0x27;

impl<'a> PageTables<'a> {
    /// Empty tables of `levels` levels (2 to 5) in zeroed RAM from `arena` on,
    /// a multiple of 4096.
    pub fn new(ram: &'a GuestRam, arena: u64, levels: u32) -> Self {
        PageTables {
            ram,
            next: arena + 0x1000,
            root: arena,
            top: 3 + 9 * levels,
        }
    }

    /// Writes `entry` where `linear` is translated at the level whose pages
    /// have `1 << shift` bytes (12, 21, 30, 39 or 48), making open tables above
    /// it. Returns the address of the entry.
    pub fn set(&mut self, linear: u64, shift: u32, entry: u64) -> u64 {
        let (mut table, mut level) = (self.root, self.top);
        loop {
            let at = table + (linear >> level & 0x1FF) * 8;
            if level == shift {
                self.ram.put_u64(at, entry);
                return at;
            }
            if self.ram.get_u64(at) == 0 {
                self.ram.put_u64(at, self.next | OPEN);
                self.next += 0x1000;
            }
            table = self.ram.get_u64(at) & 0x000F_FFFF_FFFF_F000;
            level -= 9;
        }
    }
}

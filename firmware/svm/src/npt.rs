//! A nested page-table entry as a value (24593 sections 5.3 and 15.25).
//!
//! The layout is that of ordinary long-mode entries. The user bit is always
//! set, because nested walks are user accesses.
//! Also called: NPT entry, nPTE.

/// One entry of any level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Entry(pub u64);

/// Bytes of a page at level 1, 2 and 3.
pub const PAGE_4K: u64 = 1 << 12;
/// Bytes of a level-2 leaf.
pub const PAGE_2M: u64 = 1 << 21;
/// Bytes of a level-3 leaf.
pub const PAGE_1G: u64 = 1 << 30;

impl Entry {
    /// Not present.
    pub const ABSENT: Self = Self(0);
    const PRESENT: u64 = 1 << 0;
    const WRITE: u64 = 1 << 1;
    const USER: u64 = 1 << 2;
    const LARGE: u64 = 1 << 7;
    const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

    /// Points at the next table.
    pub const fn table(at: u64) -> Self {
        Self((at & Self::ADDRESS) | Self::PRESENT | Self::WRITE | Self::USER)
    }

    /// Maps guest RAM: readable, writable, executable. `large` for 2 MiB and 1 GiB.
    pub const fn leaf(at: u64, large: bool) -> Self {
        let size = if large { Self::LARGE } else { 0 };
        Self(Self::table(at).0 | size)
    }

    /// Is present.
    pub const fn present(self) -> bool {
        self.0 & Self::PRESENT != 0
    }

    /// Is a leaf above level 1.
    pub const fn large(self) -> bool {
        self.0 & Self::LARGE != 0
    }

    /// Physical address of the page or table.
    pub const fn address(self) -> u64 {
        self.0 & Self::ADDRESS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MMU-10.
    #[test]
    fn the_user_bit_is_set_in_every_present_entry() {
        for entry in [
            Entry::table(0x5000),
            Entry::leaf(0x20_0000, true),
            Entry::leaf(0x1000, false),
        ] {
            assert_eq!(entry.0 & 0b111, 0b111);
        }
    }
}

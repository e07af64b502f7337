//! CBMEM: the block at the top of low RAM that outlives the boot block.
//!
//! Entries are carved downwards from the end of RAM below 4 GiB. All of it is of
//! type 16 in the memory map, except the ACPI tables right below, which are type
//! 3. A payload that reclaims type 16 before it has moved the other processors
//! pulls the code from under them: they are parked in here.

use heapless::Vec;

/// What an entry is for, with coreboot's id for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Id {
    /// The directory of entries.
    Root = 0xff40_07ff,
    /// The console ring.
    Console = 0x434f_4e53,
    /// The copy of the flash map.
    FlashMap = 0x464d_4150,
    /// Running code: parking loops, descriptor tables, stacks.
    Ramstage = 0x9a35_7a9e,
    /// The coreboot table.
    Table = 0x4342_5442,
    /// ACPI tables.
    Acpi = 0x4143_5049,
}

/// One carved piece, page aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is for.
    pub id: Id,
    /// Physical address.
    pub address: u64,
    /// Bytes, a multiple of 4096.
    pub size: u32,
}

/// Carves entries from the end of low RAM downwards.
#[derive(Clone, Debug)]
pub struct Cbmem {
    top: u64,
    bottom: u64,
    entries: Vec<Entry, 16>,
}

impl Cbmem {
    /// Nothing carved yet below `top`, rounded down to a page.
    pub const fn new(top: u64) -> Self {
        let top = top & !0xfff;
        Self {
            top,
            bottom: top,
            entries: Vec::new(),
        }
    }

    /// Takes `bytes`, rounded up to pages; `None` when address space or the entry
    /// list is exhausted.
    pub fn carve(&mut self, id: Id, bytes: usize) -> Option<Entry> {
        let size = u32::try_from(bytes).ok()?.checked_next_multiple_of(4096)?;
        let address = self.bottom.checked_sub(size.into())?;
        let entry = Entry { id, address, size };
        self.entries.push(entry).ok()?;
        self.bottom = address;
        Some(entry)
    }

    /// All entries, in the order they were carved.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// First byte in use.
    pub const fn bottom(&self) -> u64 {
        self.bottom
    }

    /// First byte after it.
    pub const fn top(&self) -> u64 {
        self.top
    }
}

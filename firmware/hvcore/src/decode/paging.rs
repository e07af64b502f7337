//! Paging controls of a vCPU, and the permission rules they make.
//!
//! The register values are gathered once per exit; which bit means what in a
//! page-table entry and in a #PF error code stands here, the walk itself in
//! `walk`. Protection keys and shadow stacks are not modelled: the CPUID policy
//! does not show them to guests.
//! Also called: page-fault error code, SMEP, SMAP, NX, write protect.
//!
//! Manual: 24593 sections 5.3 to 5.6, 8.4.2 (error code).

use super::mode::EFER_LMA;
use crate::ids::Gpa;

const CR0_WP: u64 = 1 << 16;
const CR0_PG: u64 = 1 << 31;
const CR4_PSE: u64 = 1 << 4;
const CR4_PAE: u64 = 1 << 5;
const CR4_LA57: u64 = 1 << 12;
const CR4_SMEP: u64 = 1 << 20;
const CR4_SMAP: u64 = 1 << 21;
const EFER_NXE: u64 = 1 << 11;
const RFLAGS_AC: u64 = 1 << 18;

/// Entry bit 0: present.
pub(super) const PRESENT: u64 = 1 << 0;
/// Entry bit 1: writable.
pub(super) const WRITABLE: u64 = 1 << 1;
/// Entry bit 2: reachable from user code.
pub(super) const USER: u64 = 1 << 2;
/// Entry bit 5: used by a translation.
pub(super) const ACCESSED: u64 = 1 << 5;
/// Entry bit 6: written through; in the last entry only.
pub(super) const DIRTY: u64 = 1 << 6;
/// Entry bit 7: this entry maps a large page.
pub(super) const LARGE: u64 = 1 << 7;
/// Entry bit 63: no instruction fetch.
pub(super) const NO_EXECUTE: u64 = 1 << 63;
/// Bits 12 to 51, the address field of a 64-bit entry.
pub(super) const ADDRESS: u64 = 0x000F_FFFF_FFFF_F000;

/// #PF error code bits, 24593 section 8.4.2.
pub mod fault {
    /// The page was present: a permission or a reserved bit was wrong.
    pub const PRESENT: u32 = 1 << 0;
    /// The access was a write.
    pub const WRITE: u32 = 1 << 1;
    /// The access was made by user code.
    pub const USER: u32 = 1 << 2;
    /// A reserved bit was set in an entry.
    pub const RESERVED: u32 = 1 << 3;
    /// The access was an instruction fetch, and NX or SMEP is on.
    pub const FETCH: u32 = 1 << 4;
}

/// What a translation is wanted for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// A write; sets the dirty bit.
    pub write: bool,
    /// Made with user privilege. Implicit accesses to descriptor tables have
    /// supervisor privilege even at CPL 3.
    pub user: bool,
    /// An instruction fetch.
    pub fetch: bool,
}

/// Why a linear address has no translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WalkFault {
    /// The guest gets #PF.
    PageFault {
        /// Error code to push.
        code: u32,
        /// Linear address for CR2.
        address: u64,
    },
    /// The address is not canonical: the guest gets #GP, or #SS if it went
    /// through SS.
    NonCanonical,
    /// A page table (or, from `fetch`, the code) is not in guest RAM: the
    /// guest cannot go on.
    OutsideRam {
        /// What was to be read.
        at: Gpa,
    },
    /// Another vCPU kept changing the page tables: enter the guest again, it
    /// will come back with the same exit if it has to.
    Contended,
}

/// The translation rules in force on a vCPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paging {
    /// CR0.
    pub cr0: u64,
    /// CR3.
    pub cr3: u64,
    /// CR4.
    pub cr4: u64,
    /// EFER, as the guest sees it.
    pub efer: u64,
    /// RFLAGS.
    pub rflags: u64,
    /// Privilege level, 0 to 3.
    pub cpl: u8,
    /// Physical address bits as CPUID shows them to the guest, 32 to 52.
    pub phys_bits: u8,
}

/// Layout of the page tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Paging off.
    Off,
    /// Two levels of 32-bit entries.
    Legacy,
    /// Four pointers and two levels of 64-bit entries.
    Pae,
    /// Four levels of 64-bit entries.
    Long4,
    /// Five.
    Long5,
}

impl Paging {
    /// The page-table layout in force.
    pub const fn format(&self) -> Format {
        if self.cr0 & CR0_PG == 0 {
            Format::Off
        } else if self.efer & EFER_LMA != 0 {
            if self.cr4 & CR4_LA57 == 0 {
                Format::Long4
            } else {
                Format::Long5
            }
        } else if self.cr4 & CR4_PAE != 0 {
            Format::Pae
        } else {
            Format::Legacy
        }
    }

    /// A data access at the current privilege level.
    pub const fn data(&self, write: bool) -> Access {
        Access {
            write,
            user: self.cpl == 3,
            fetch: false,
        }
    }

    /// An instruction fetch at the current privilege level.
    pub const fn instruction_fetch(&self) -> Access {
        Access {
            write: false,
            user: self.cpl == 3,
            fetch: true,
        }
    }

    pub(super) const fn large_pages(&self) -> bool {
        self.cr4 & CR4_PSE != 0
    }

    /// Bits that must be clear in every 64-bit entry, the address beyond the
    /// physical width and NX while it is off; `also` adds those of the format.
    pub(super) const fn reserved(&self, also: u64) -> u64 {
        let beyond = match self.phys_bits {
            bits @ 0..52 => ADDRESS & (u64::MAX << bits),
            _ => 0,
        };
        let no_execute = if self.efer & EFER_NXE == 0 {
            NO_EXECUTE
        } else {
            0
        };
        beyond | no_execute | also
    }

    /// Whether entries whose AND is `all` (USER, WRITABLE) and whose OR is
    /// `any` (NO_EXECUTE) allow `access`.
    pub(super) const fn allows(&self, access: Access, all: u64, any: u64) -> bool {
        let user_page = all & USER != 0;
        if access.user && !user_page {
            return false;
        }
        let write_checked = access.user || self.cr0 & CR0_WP != 0;
        if access.write && write_checked && all & WRITABLE == 0 {
            return false;
        }
        if access.fetch {
            // NX is reserved, hence clear, unless it is on.
            let smep = self.cr4 & CR4_SMEP != 0 && !access.user && user_page;
            return any & NO_EXECUTE == 0 && !smep;
        }
        // An implicit supervisor access at CPL 3 has no way out through AC.
        let smap = self.cr4 & CR4_SMAP != 0 && !access.user && user_page;
        !smap || (self.cpl < 3 && self.rflags & RFLAGS_AC != 0)
    }

    /// A #PF for `access`; `what` is `fault::PRESENT` and `fault::RESERVED` as
    /// found.
    #[cold]
    pub(super) const fn fault(&self, access: Access, address: u64, what: u32) -> WalkFault {
        let mut code = what;
        if access.write {
            code |= fault::WRITE;
        }
        if access.user {
            code |= fault::USER;
        }
        let no_execute = self.efer & EFER_NXE != 0 && self.cr4 & CR4_PAE != 0;
        if access.fetch && (no_execute || self.cr4 & CR4_SMEP != 0) {
            code |= fault::FETCH;
        }
        WalkFault::PageFault { code, address }
    }
}

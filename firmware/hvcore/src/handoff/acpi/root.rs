//! ACPI root pointer and table list: finds a table by signature, proved whole.
//!
//! The root pointer is checked at both lengths (revision 0 and 2). The list of
//! 64-bit addresses (XSDT) is preferred; the 32-bit one (RSDT) is used when
//! there is no whole XSDT.
//! Manual: ACPI 6.5 sections 5.2.5 to 5.2.8.

use crate::handoff::physical::PhysicalMemory;
use crate::handoff::wire::{array, le32, le64, u8_at};
use crate::ids::Hpa;

/// Length of the head every table starts with.
pub const HEAD_LEN: usize = 36;
/// Longest table read. The largest seen (DSDT) is below 256 KiB.
const MAX_TABLE_LEN: u32 = 4 * 1024 * 1024;
/// Most list entries looked at; boards list 10 to 40.
const MAX_LISTED: usize = 256;
const SIGNATURE: [u8; 8] = *b"RSD PTR ";
/// Bytes the first checksum covers (all of revision 0).
const FIRST_LEN: usize = 20;
/// Bytes of the structure from revision 2 on.
const WHOLE_LEN: usize = 36;

/// Why an ACPI table cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AcpiFault {
    /// No root pointer at the address.
    NoRoot,
    /// A checksum of the root pointer is wrong.
    RootChecksum,
    /// Neither table list is whole.
    NoList,
    /// No table with the signature.
    NotListed,
    /// A table's length is out of range or outside memory.
    TableLength,
    /// A table's bytes do not sum to zero.
    TableChecksum,
    /// An entry inside a table leaves the table or has length 0.
    Entry,
}

impl AcpiFault {
    /// The fault in one sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoRoot => "there is no ACPI root pointer at the address the firmware gave",
            Self::RootChecksum => "the ACPI root pointer has a wrong checksum",
            Self::NoList => "neither the XSDT nor the RSDT is whole",
            Self::NotListed => "the ACPI tables do not include the one wanted",
            Self::TableLength => {
                "an ACPI table states a length that is out of range or outside memory"
            }
            Self::TableChecksum => "an ACPI table has a wrong checksum",
            Self::Entry => "an ACPI table has an entry that leaves the table",
        }
    }
}

/// A proved list of table addresses.
#[derive(Clone, Copy, Debug)]
pub struct TableList<'m> {
    addresses: &'m [u8],
    width: usize,
}

/// Reads the root pointer at `at` and the list it names.
pub fn list<M: PhysicalMemory + ?Sized>(memory: &M, at: Hpa) -> Result<TableList<'_>, AcpiFault> {
    let first = memory.slice(at, FIRST_LEN).ok_or(AcpiFault::NoRoot)?;
    if array(first, 0) != Some(SIGNATURE) {
        return Err(AcpiFault::NoRoot);
    }
    if !sums_to_zero(first) {
        return Err(AcpiFault::RootChecksum);
    }
    if u8_at(first, 15).is_some_and(|revision| revision >= 2)
        && let Some(list) = wide_list(memory, at)?
    {
        return Ok(list);
    }
    let narrow = le32(first, 16)
        .map(|at| Hpa(u64::from(at)))
        .ok_or(AcpiFault::NoRoot)?;
    let table = table_at(memory, narrow, *b"RSDT").map_err(|_| AcpiFault::NoList)?;
    Ok(TableList {
        addresses: table.get(HEAD_LEN..).unwrap_or(&[]),
        width: 4,
    })
}

/// The XSDT's list, or `None` when the root names none or a damaged one.
fn wide_list<M: PhysicalMemory + ?Sized>(
    memory: &M,
    at: Hpa,
) -> Result<Option<TableList<'_>>, AcpiFault> {
    let whole = memory.slice(at, WHOLE_LEN).ok_or(AcpiFault::NoRoot)?;
    if !sums_to_zero(whole) {
        return Err(AcpiFault::RootChecksum);
    }
    let Some(address) = le64(whole, 24).filter(|at| *at != 0) else {
        return Ok(None);
    };
    let table = table_at(memory, Hpa(address), *b"XSDT").ok();
    Ok(table.map(|table| TableList {
        addresses: table.get(HEAD_LEN..).unwrap_or(&[]),
        width: 8,
    }))
}

impl<'m> TableList<'m> {
    /// Physical addresses of the tables, in list order.
    pub fn addresses(self) -> impl Iterator<Item = Hpa> + 'm {
        let width = self.width;
        self.addresses
            .chunks_exact(width)
            .take(MAX_LISTED)
            .filter_map(move |entry| {
                let at = if width == 8 {
                    le64(entry, 0)?
                } else {
                    u64::from(le32(entry, 0)?)
                };
                (at != 0).then_some(Hpa(at))
            })
    }

    /// The first table with `signature`, head included, checksum proved. Of a
    /// signature that is listed twice a whole table is preferred to a damaged
    /// one.
    pub fn find<M: PhysicalMemory + ?Sized>(
        self,
        memory: &'m M,
        signature: [u8; 4],
    ) -> Result<&'m [u8], AcpiFault> {
        let mut fault = AcpiFault::NotListed;
        for at in self.addresses() {
            match table_at(memory, at, signature) {
                Ok(table) => return Ok(table),
                Err(AcpiFault::NotListed) => {}
                Err(other) => fault = other,
            }
        }
        Err(fault)
    }
}

/// The table at `at`; `NotListed` when it has another signature.
fn table_at<M: PhysicalMemory + ?Sized>(
    memory: &M,
    at: Hpa,
    signature: [u8; 4],
) -> Result<&[u8], AcpiFault> {
    let head = memory.slice(at, HEAD_LEN).ok_or(AcpiFault::TableLength)?;
    if array(head, 0) != Some(signature) {
        return Err(AcpiFault::NotListed);
    }
    let len = le32(head, 4).filter(|len| (HEAD_LEN as u32..=MAX_TABLE_LEN).contains(len));
    let len = len.ok_or(AcpiFault::TableLength)?;
    let table = memory
        .slice(at, len as usize)
        .ok_or(AcpiFault::TableLength)?;
    if sums_to_zero(table) {
        Ok(table)
    } else {
        Err(AcpiFault::TableChecksum)
    }
}

fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

//! Finds coreboot's table, proves it whole, and walks its records.
//!
//! The payload's stack argument points at the table; when it does not, a short
//! stub lies in the first page or at 0xF0000 and forwards to the real one. Both
//! checksums must hold before a record is believed.
//! Also called: LBIO, coreboot tables, lb_header, cbtable.

use super::board_tables::{BoardTables, Source};
use super::coreboot_records::{self, tag};
use super::physical::PhysicalMemory;
use super::wire::{array, le32, le64};
use crate::ids::Hpa;

const SIGNATURE: [u8; 4] = *b"LBIO";
const HEADER_LEN: usize = 24;
/// Longest header accepted; coreboot writes [`HEADER_LEN`].
const MAX_HEADER_LEN: u32 = 256;
/// Longest table accepted. Tables seen are below 1 KiB.
const MAX_TABLE_LEN: u32 = 256 * 1024;
/// Forward records followed before we call it a loop. coreboot uses one.
const MAX_FORWARDS: u32 = 4;
/// Areas searched when the argument is no table, in steps of [`SCAN_STEP`].
const SCAN_AREAS: [(u64, u64); 2] = [(0, 0x1000), (0xf_0000, 0xf_1000)];
const SCAN_STEP: usize = 16;

/// Why there is no coreboot table to use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CorebootFault {
    /// No signature at the argument or in the search areas.
    NotFound,
    /// Header bytes do not sum to zero.
    HeaderChecksum,
    /// Header or table length out of range, or not in memory.
    Length,
    /// Table bytes do not have the sum the header gives.
    TableChecksum,
    /// A record is shorter than its own header or leaves the table.
    RecordLength,
    /// Forward records form a loop.
    ForwardLoop,
    /// No range of type RAM.
    NoMemory,
    /// More memory ranges than we can hold; dropping one could hand out memory
    /// that is in use.
    MemoryMapFull,
}

impl CorebootFault {
    /// The fault in one sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotFound => {
                "no coreboot table was found at the payload argument, below 0x1000 or at 0xF0000"
            }
            Self::HeaderChecksum => "the coreboot table header has a wrong checksum",
            Self::Length => {
                "the coreboot table states a length that is out of range or outside memory"
            }
            Self::TableChecksum => "the coreboot table has a wrong checksum",
            Self::RecordLength => {
                "a record of the coreboot table is longer than the table or shorter than its head"
            }
            Self::ForwardLoop => "the coreboot table forwards more than four times",
            Self::NoMemory => "the coreboot table lists no RAM",
            Self::MemoryMapFull => "the coreboot table lists more than 64 memory ranges",
        }
    }
}

/// Reads the board's tables: those `argument` points at, else those a search
/// finds. The first whole table wins; if there is none, the fault of the first
/// candidate is given.
pub fn find<M: PhysicalMemory + ?Sized>(
    memory: &M,
    argument: Option<Hpa>,
) -> Result<BoardTables, CorebootFault> {
    let mut first_fault = None;
    for at in argument.into_iter().chain(search(memory)) {
        match read(memory, at) {
            Ok(tables) => return Ok(tables),
            Err(CorebootFault::NotFound) => {}
            Err(fault) => first_fault = first_fault.or(Some(fault)),
        }
    }
    Err(first_fault.unwrap_or(CorebootFault::NotFound))
}

/// Every address in the search areas that carries the signature.
fn search<M: PhysicalMemory + ?Sized>(memory: &M) -> impl Iterator<Item = Hpa> + '_ {
    let steps = SCAN_AREAS
        .into_iter()
        .flat_map(|(from, to)| (from..to).step_by(SCAN_STEP));
    steps.map(Hpa).filter(|at| {
        memory
            .slice(*at, SIGNATURE.len())
            .is_some_and(|found| found == SIGNATURE)
    })
}

/// Reads the table whose header is at `at`, following forward records.
fn read<M: PhysicalMemory + ?Sized>(memory: &M, mut at: Hpa) -> Result<BoardTables, CorebootFault> {
    for _ in 0..=MAX_FORWARDS {
        let records = whole_table(memory, at)?;
        match forwarded_to(records)? {
            Some(next) => at = next,
            None => return tables_of(records),
        }
    }
    Err(CorebootFault::ForwardLoop)
}

/// The record bytes behind the header at `at`, both checksums proved.
fn whole_table<M: PhysicalMemory + ?Sized>(memory: &M, at: Hpa) -> Result<&[u8], CorebootFault> {
    let fixed = memory
        .slice(at, HEADER_LEN)
        .ok_or(CorebootFault::NotFound)?;
    if array(fixed, 0) != Some(SIGNATURE) {
        return Err(CorebootFault::NotFound);
    }
    let word = |offset| le32(fixed, offset).ok_or(CorebootFault::Length);
    let (header_len, table_len, table_sum) = (word(4)?, word(12)?, word(16)?);
    if header_len < HEADER_LEN as u32 || header_len > MAX_HEADER_LEN || table_len > MAX_TABLE_LEN {
        return Err(CorebootFault::Length);
    }
    let header = memory
        .slice(at, header_len as usize)
        .ok_or(CorebootFault::Length)?;
    if internet_checksum(header) != 0 {
        return Err(CorebootFault::HeaderChecksum);
    }
    let start =
        at.0.checked_add(u64::from(header_len))
            .ok_or(CorebootFault::Length)?;
    let records = memory
        .slice(Hpa(start), table_len as usize)
        .ok_or(CorebootFault::Length)?;
    if u32::from(internet_checksum(records)) != table_sum {
        return Err(CorebootFault::TableChecksum);
    }
    Ok(records)
}

fn forwarded_to(records: &[u8]) -> Result<Option<Hpa>, CorebootFault> {
    for record in Records::of(records) {
        let (found, body) = record?;
        if found == tag::FORWARD {
            return le64(body, 0)
                .map(|at| Some(Hpa(at)))
                .ok_or(CorebootFault::RecordLength);
        }
    }
    Ok(None)
}

fn tables_of(records: &[u8]) -> Result<BoardTables, CorebootFault> {
    let mut tables = BoardTables::empty(Source::Coreboot);
    for record in Records::of(records) {
        let (found, body) = record?;
        coreboot_records::take(&mut tables, found, body)
            .map_err(|_| CorebootFault::MemoryMapFull)?;
    }
    if tables.memory.resolve().ram().next().is_none() {
        return Err(CorebootFault::NoMemory);
    }
    Ok(tables)
}

/// Internet checksum of coreboot's headers and tables: the one's complement of
/// the one's-complement sum of little-endian 16-bit words, an odd last byte
/// counting as a word. Bytes that contain their own checksum give 0.
pub fn internet_checksum(bytes: &[u8]) -> u16 {
    let sum = bytes.chunks(2).fold(0u64, |sum, pair| {
        let low = pair.first().copied().unwrap_or(0);
        let high = pair.get(1).copied().unwrap_or(0);
        sum.wrapping_add(u64::from(u16::from_le_bytes([low, high])))
    });
    // At most 2^17 words of 16 bits: two folds bring any such sum below 2^16,
    // the third takes the last carry.
    let fold = |sum: u64| (sum & 0xffff) + (sum >> 16);
    !(fold(fold(fold(sum))) as u16)
}

/// Iterates (tag, body) over record bytes; ends after the first fault.
struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    const fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn split(&mut self) -> Option<(u32, &'a [u8])> {
        let (found, len) = (le32(self.rest, 0)?, le32(self.rest, 4)?);
        let len = usize::try_from(len).ok()?;
        let body = self.rest.get(8..len)?;
        self.rest = self.rest.get(len..)?;
        Some((found, body))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(u32, &'a [u8]), CorebootFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.split();
        if record.is_none() {
            self.rest = &[];
        }
        Some(record.ok_or(CorebootFault::RecordLength))
    }
}

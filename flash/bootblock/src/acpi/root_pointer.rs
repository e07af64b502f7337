//! RSDP revision 2 and XSDT, built from what QEMU offers.
//!
//! QEMU 7.2 gives a revision 0 RSDP with an RSDT. coreboot hands over revision 2
//! with an XSDT on this board, and payloads are written for that. So both are
//! made here, behind the emulator's tables; the RSDT stays for old readers.

use super::loader::{Error, byte_sum};
use crate::bytes::{le32, le64};

/// Bytes of an RSDP of revision 2.
pub const RSDP_BYTES: usize = 36;
/// Bytes of the header every table begins with.
const HEADER_BYTES: usize = 36;
/// Room to leave behind the emulator's tables: an XSDT of 64 entries, the RSDP,
/// and alignment of both to 16.
pub const EXTRA_BYTES: usize = HEADER_BYTES + 64 * 8 + RSDP_BYTES + 2 * 16;

/// Writes XSDT and RSDP behind the first `used` bytes of `region` (which lies at
/// `base`). The offset of the new RSDP in the region.
pub fn upgrade(region: &mut [u8], used: usize, base: u64) -> Result<usize, Error> {
    let old = find(region.get(..used).ok_or(Error::NoRoom)?).ok_or(Error::NoRootPointer)?;
    let oem: [u8; 6] = crate::bytes::array(region, old + 9).ok_or(Error::NoRootPointer)?;
    let rsdt_address = le32(region, old + 16).ok_or(Error::NoRootPointer)?;

    let xsdt = used.next_multiple_of(16);
    let existing = xsdt_of(region, old).filter(|_| region.get(old + 15) >= Some(&2));
    let (xsdt_address, end) = match existing {
        Some(address) => (address, xsdt),
        None => (base + xsdt as u64, widen(region, rsdt_address, base, xsdt)?),
    };

    let at = end.next_multiple_of(16);
    let rsdp = region.get_mut(at..at + RSDP_BYTES).ok_or(Error::NoRoom)?;
    rsdp.fill(0);
    rsdp[0..8].copy_from_slice(b"RSD PTR ");
    rsdp[9..15].copy_from_slice(&oem);
    rsdp[15] = 2;
    rsdp[16..20].copy_from_slice(&rsdt_address.to_le_bytes());
    rsdp[20..24].copy_from_slice(&(RSDP_BYTES as u32).to_le_bytes());
    rsdp[24..32].copy_from_slice(&xsdt_address.to_le_bytes());
    rsdp[8] = byte_sum(&rsdp[..20]).wrapping_neg();
    rsdp[32] = byte_sum(rsdp).wrapping_neg();
    Ok(at)
}

/// Offset of the emulator's RSDP.
fn find(tables: &[u8]) -> Option<usize> {
    (0..tables.len()).step_by(16).find(|&at| {
        tables
            .get(at..at + 20)
            .is_some_and(|r| r.starts_with(b"RSD PTR ") && byte_sum(r) == 0)
    })
}

fn xsdt_of(region: &[u8], rsdp: usize) -> Option<u64> {
    le64(region, rsdp + 24).filter(|&address| address != 0)
}

/// Copies the RSDT at physical `rsdt` to an XSDT at offset `to`; its end.
fn widen(region: &mut [u8], rsdt: u32, base: u64, to: usize) -> Result<usize, Error> {
    let from = u64::from(rsdt)
        .checked_sub(base)
        .ok_or(Error::NoRootPointer)? as usize;
    let length = le32(region, from + 4).ok_or(Error::NoRootPointer)? as usize;
    let table = region
        .get(from..from + length)
        .ok_or(Error::NoRootPointer)?;
    if !table.starts_with(b"RSDT") || length < HEADER_BYTES || byte_sum(table) != 0 {
        return Err(Error::NoRootPointer);
    }
    let entries = (length - HEADER_BYTES) / 4;
    let bytes = HEADER_BYTES + entries * 8;
    if to + bytes > region.len() {
        return Err(Error::NoRoom);
    }
    region.copy_within(from..from + HEADER_BYTES, to);
    for i in 0..entries {
        let entry = le32(region, from + HEADER_BYTES + i * 4).ok_or(Error::NoRootPointer)?;
        let at = to + HEADER_BYTES + i * 8;
        region[at..at + 8].copy_from_slice(&u64::from(entry).to_le_bytes());
    }
    let xsdt = &mut region[to..to + bytes];
    xsdt[0..4].copy_from_slice(b"XSDT");
    xsdt[4..8].copy_from_slice(&(bytes as u32).to_le_bytes());
    xsdt[8] = 1;
    xsdt[9] = 0;
    xsdt[9] = byte_sum(xsdt).wrapping_neg();
    Ok(to + bytes)
}

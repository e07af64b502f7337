//! Reads of fixed-width words from byte slices that nobody vouches for.
//!
//! Flash formats are big-endian, fw_cfg and coreboot tables are little-endian,
//! and neither is aligned. Every read answers `None` beyond the end, so a parser
//! above cannot step outside its slice.

/// The `N` bytes at `at`, or `None` when the slice ends before them.
pub fn array<const N: usize>(from: &[u8], at: usize) -> Option<[u8; N]> {
    from.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// Little-endian 16-bit word at `at`.
pub fn le16(from: &[u8], at: usize) -> Option<u16> {
    array(from, at).map(u16::from_le_bytes)
}

/// Little-endian 32-bit word at `at`.
pub fn le32(from: &[u8], at: usize) -> Option<u32> {
    array(from, at).map(u32::from_le_bytes)
}

/// Little-endian 64-bit word at `at`.
pub fn le64(from: &[u8], at: usize) -> Option<u64> {
    array(from, at).map(u64::from_le_bytes)
}

/// Big-endian 16-bit word at `at`.
pub fn be16(from: &[u8], at: usize) -> Option<u16> {
    array(from, at).map(u16::from_be_bytes)
}

/// Big-endian 32-bit word at `at`.
pub fn be32(from: &[u8], at: usize) -> Option<u32> {
    array(from, at).map(u32::from_be_bytes)
}

/// Big-endian 64-bit word at `at`.
pub fn be64(from: &[u8], at: usize) -> Option<u64> {
    array(from, at).map(u64::from_be_bytes)
}

/// A name field: the bytes before the first zero, or all of them.
pub fn until_zero(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
    field.get(..end).unwrap_or(field)
}

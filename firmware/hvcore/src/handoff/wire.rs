//! Integers at an offset of a byte slice, of either byte order, bounds checked.
//!
//! Why not a cast: coreboot's records, FMAP areas and ACPI entries are not
//! aligned. Why not indexing: every offset is a foreign value.

/// `N` bytes at `at`, or `None` when they do not all lie in the slice.
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// One byte.
pub fn u8_at(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// Little-endian 16 bits.
pub fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// Little-endian 32 bits.
pub fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

/// Little-endian 64 bits.
pub fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// Big-endian 32 bits.
pub fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// Printable ASCII up to the first zero byte, anything else as `?`, cut at the
/// capacity of the result: foreign text that is safe to print.
pub fn printable<const N: usize>(bytes: &[u8]) -> heapless::String<N> {
    let mut text = heapless::String::new();
    for byte in bytes.iter().take_while(|b| **b != 0) {
        let shown = if byte.is_ascii_graphic() || *byte == b' ' {
            char::from(*byte)
        } else {
            '?'
        };
        if text.push(shown).is_err() {
            break;
        }
    }
    text
}

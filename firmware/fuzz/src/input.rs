//! Shapes a fuzzer's bytes into what a parser expects at least in part.
//!
//! A mutation engine does not guess checksums, and seldom a magic number next
//! to a length that fits. So targets start from something valid and lay the
//! input over it; zero bytes leave it valid.

/// Exclusive-ors `over` onto the start of `onto`; gives what is left of `over`.
pub fn overlay<'a>(onto: &mut [u8], over: &'a [u8]) -> &'a [u8] {
    for (byte, mask) in onto.iter_mut().zip(over) {
        *byte ^= mask;
    }
    over.get(onto.len()..).unwrap_or_default()
}

/// Applies patches of four bytes: an offset (16 bits, taken modulo the length),
/// a repeat count, and a byte to exclusive-or.
pub fn patch(onto: &mut [u8], patches: &[u8]) {
    if onto.is_empty() {
        return;
    }
    for patch in patches.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([patch[0], patch[1]])) % onto.len();
        for byte in onto[at..].iter_mut().take(1 + usize::from(patch[2] % 8)) {
            *byte ^= patch[3];
        }
    }
}

/// Sets byte `at` so that all bytes sum to zero.
pub fn balance(bytes: &mut [u8], at: usize) {
    bytes[at] = 0;
    bytes[at] = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte));
}

/// Little-endian words laid out at `at`.
pub fn put(bytes: &mut [u8], at: usize, words: &[u32]) {
    for (place, word) in bytes[at..].chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}

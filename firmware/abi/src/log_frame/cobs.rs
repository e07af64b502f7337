//! COBS for one block: up to 254 bytes without their zeros.
//!
//! Each zero is replaced by the distance to the next one; a code byte before the
//! block gives the distance to the first. One block is enough for our frames and
//! keeps both directions a single pass over a fixed buffer.
//! Also called: consistent overhead byte stuffing.

/// Longest block.
pub const BLOCK: usize = 254;

/// Replaces the zeros of `block` and returns the code byte that goes before it.
/// `None` when the block is longer than [`BLOCK`].
pub fn stuff(block: &mut [u8]) -> Option<u8> {
    if block.len() > BLOCK {
        return None;
    }
    let mut distance = 1u8;
    for byte in block.iter_mut().rev() {
        if *byte == 0 {
            *byte = distance;
            distance = 1;
        } else {
            distance = distance.wrapping_add(1);
        }
    }
    Some(distance)
}

/// Puts the zeros back, given the code byte. `None` when a distance leads out of
/// the block or the block holds a zero.
pub fn unstuff(code: u8, block: &mut [u8]) -> Option<()> {
    if block.len() > BLOCK {
        return None;
    }
    let mut left = code;
    for byte in block.iter_mut() {
        if *byte == 0 || left == 0 {
            return None;
        }
        left -= 1;
        if left == 0 {
            left = core::mem::replace(byte, 0);
        }
    }
    // The last distance ends just behind the block.
    (left == 1).then_some(())
}

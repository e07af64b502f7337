//! The multiboot header: magic, flags, checksum, and addresses if it has any.

use super::image::ImageFault;
use crate::guest::field::u32_at;

/// First word of a multiboot header.
const MAGIC: u32 = 0x1BAD_B002;
/// The header lies wholly in this many first bytes of the image.
const SEARCH: usize = 8192;
/// Flag 0: modules on page boundaries; they always are. Flag 1: memory
/// information; always given.
const SERVED_FLAGS: u32 = 0b11;
/// Flag 16: the header has addresses, which count instead of ELF's.
const HAS_ADDRESSES: u32 = 1 << 16;
/// Flags whose requests must be refused if unknown.
const MUST_KNOW: u32 = 0xFFFF;

/// Addresses of an image that is not ELF, or that does not want to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Addresses {
    /// Guest address of the header itself.
    pub header: u32,
    /// Guest address of the first byte to load.
    pub load: u32,
    /// End of the bytes to load; 0 means the end of the image.
    pub load_end: u32,
    /// End of the zeroed part; 0 means there is none.
    pub bss_end: u32,
    /// First instruction.
    pub entry: u32,
}

/// A header that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Its offset in the image.
    pub offset: usize,
    /// Its addresses, if it has some.
    pub addresses: Option<Addresses>,
}

/// Finds the header: magic and a sum of zero on a 4-byte boundary.
pub fn find(image: &[u8]) -> Result<Header, ImageFault> {
    let window = image.get(..SEARCH.min(image.len())).unwrap_or(image);
    for offset in (0..window.len()).step_by(4) {
        let word = |rank: usize| u32_at(window, offset + 4 * rank);
        if word(0) != Some(MAGIC) {
            continue;
        }
        let (Some(flags), Some(sum)) = (word(1), word(2)) else {
            break;
        };
        if MAGIC.wrapping_add(flags).wrapping_add(sum) != 0 {
            continue;
        }
        if flags & MUST_KNOW & !SERVED_FLAGS != 0 {
            return Err(ImageFault::UnknownRequest { flags });
        }
        let addresses = if flags & HAS_ADDRESSES == 0 {
            None
        } else {
            Some(addresses(word)?)
        };
        return Ok(Header { offset, addresses });
    }
    Err(ImageFault::NoHeader)
}

fn addresses(word: impl Fn(usize) -> Option<u32>) -> Result<Addresses, ImageFault> {
    let field = |rank| word(rank).ok_or(ImageFault::Truncated);
    Ok(Addresses {
        header: field(3)?,
        load: field(4)?,
        load_end: field(5)?,
        bss_end: field(6)?,
        entry: field(7)?,
    })
}

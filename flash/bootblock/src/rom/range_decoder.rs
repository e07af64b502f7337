//! The arithmetic decoder below LZMA: bits of learned and of even odds.
//!
//! Each answer is `Truncated` when the input ends, so that no caller has to count
//! bytes, and `Damaged` when a symbol falls outside its tree.

use super::lzma::Error;

/// The probability nothing is known about.
pub const HALF: u16 = 1 << 10;

/// Bits out of bytes. Probabilities are of a zero bit, in 1/2048.
pub struct RangeDecoder<'a> {
    input: core::slice::Iter<'a, u8>,
    range: u32,
    code: u32,
}

impl<'a> RangeDecoder<'a> {
    /// Begins at the five bytes every stream begins with.
    pub fn new(input: &'a [u8]) -> Result<Self, Error> {
        let mut input = input.iter();
        let mut code = 0;
        if input.next() != Some(&0) {
            return Err(Error::Damaged);
        }
        for _ in 0..4 {
            code = code << 8 | u32::from(*input.next().ok_or(Error::Truncated)?);
        }
        Ok(Self {
            input,
            range: u32::MAX,
            code,
        })
    }

    #[inline]
    fn normalise(&mut self) -> Result<(), Error> {
        if self.range < 1 << 24 {
            let byte = *self.input.next().ok_or(Error::Truncated)?;
            self.range <<= 8;
            self.code = self.code << 8 | u32::from(byte);
        }
        Ok(())
    }

    /// One bit; its probability learns from it.
    #[inline]
    pub fn bit(&mut self, probability: &mut u16) -> Result<usize, Error> {
        let bound = (self.range >> 11).wrapping_mul(u32::from(*probability));
        let bit = if self.code < bound {
            self.range = bound;
            *probability += (2 * HALF - *probability) >> 5;
            0
        } else {
            self.range = self.range.wrapping_sub(bound);
            self.code -= bound;
            *probability -= *probability >> 5;
            1
        };
        self.normalise()?;
        Ok(bit)
    }

    /// `bits` bits of even odds, most significant first.
    pub fn direct(&mut self, bits: u32) -> Result<u32, Error> {
        let mut value = 0;
        for _ in 0..bits {
            self.range >>= 1;
            let one = self.code >= self.range;
            if one {
                self.code -= self.range;
            }
            value = value << 1 | u32::from(one);
            self.normalise()?;
        }
        Ok(value)
    }

    /// A symbol of `N.ilog2()` bits, most significant first.
    #[inline]
    pub fn tree<const N: usize>(&mut self, tree: &mut [u16; N]) -> Result<usize, Error> {
        let mut symbol = 1;
        while symbol < N {
            symbol = symbol << 1 | self.bit(&mut tree[symbol])?;
        }
        Ok(symbol - N)
    }

    /// A symbol of `bits` bits, least significant first; `tree` is indexed from 1.
    pub fn reverse_tree(&mut self, tree: &mut [u16], bits: u32) -> Result<u32, Error> {
        let (mut symbol, mut value) = (1, 0);
        for i in 0..bits {
            let bit = self.bit(tree.get_mut(symbol).ok_or(Error::Damaged)?)?;
            symbol = symbol << 1 | bit;
            value |= (bit as u32) << i;
        }
        Ok(value)
    }

    /// Whether nothing is left, as at the end of every complete stream.
    pub fn is_finished(&self) -> bool {
        self.code == 0
    }
}

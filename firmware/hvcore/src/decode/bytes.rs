//! Instruction bytes, taken one after the other and never more than fifteen.
//!
//! Running out of bytes before the end is told apart from an instruction that
//! is too long, because the first asks for another page and the second is the
//! guest's fault.
//!
//! Manual: 24594 section 1.1 (maximum length).

/// Longest legal instruction; one more raises #GP.
pub const MAX_LENGTH: usize = 15;

/// Why bytes were not decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// The instruction goes on past the bytes given: fetch more.
    NeedMore,
    /// More than fifteen bytes: the guest gets #GP.
    TooLong,
    /// No such instruction in this mode, or a prefix it does not take: the
    /// guest gets #UD.
    Invalid,
    /// A legal instruction perhaps, but none that this decoder knows.
    Unsupported,
}

/// Reading position in an instruction.
pub(super) struct Bytes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Bytes { bytes, at: 0 }
    }

    /// Bytes taken so far, at most [`MAX_LENGTH`].
    pub(super) const fn taken(&self) -> u8 {
        self.at as u8
    }

    #[inline(always)]
    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        if self.at >= MAX_LENGTH {
            return Err(DecodeError::TooLong);
        }
        let byte = *self.bytes.get(self.at).ok_or(DecodeError::NeedMore)?;
        self.at += 1;
        Ok(byte)
    }

    /// `N` bytes, at most eight, as a little-endian number.
    #[inline]
    fn unsigned<const N: usize>(&mut self) -> Result<u64, DecodeError> {
        const { assert!(N <= 8) };
        if self.at + N > MAX_LENGTH {
            return Err(DecodeError::TooLong);
        }
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken: &[u8; N] = rest.first_chunk().ok_or(DecodeError::NeedMore)?;
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(taken) {
            *to = *from;
        }
        self.at += N;
        Ok(u64::from_le_bytes(word))
    }

    pub(super) fn u16(&mut self) -> Result<u64, DecodeError> {
        self.unsigned::<2>()
    }

    pub(super) fn u32(&mut self) -> Result<u64, DecodeError> {
        self.unsigned::<4>()
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.unsigned::<8>()
    }

    /// One byte, sign-extended.
    pub(super) fn i8(&mut self) -> Result<u64, DecodeError> {
        Ok(self.u8()? as i8 as u64)
    }

    /// Two bytes, sign-extended.
    pub(super) fn i16(&mut self) -> Result<u64, DecodeError> {
        Ok(self.u16()? as i16 as u64)
    }

    /// Four bytes, sign-extended.
    pub(super) fn i32(&mut self) -> Result<u64, DecodeError> {
        Ok(self.u32()? as i32 as u64)
    }
}

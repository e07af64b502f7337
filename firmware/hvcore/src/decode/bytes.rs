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
    /// Fifteen at most.
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    #[inline(always)]
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.get(..MAX_LENGTH).unwrap_or(bytes);
        Bytes { bytes, at: 0 }
    }

    /// Bytes taken so far, at most [`MAX_LENGTH`].
    pub(super) const fn taken(&self) -> u8 {
        self.at as u8
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(taken) = rest.first_chunk() else {
            return Err(self.short(N));
        };
        self.at += N;
        Ok(*taken)
    }

    /// Why `wanted` more bytes are not there.
    #[cold]
    const fn short(&self, wanted: usize) -> DecodeError {
        if self.at + wanted > MAX_LENGTH {
            DecodeError::TooLong
        } else {
            DecodeError::NeedMore
        }
    }

    #[inline(always)]
    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    #[inline(always)]
    pub(super) fn u16(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from(u16::from_le_bytes(self.array()?)))
    }

    #[inline(always)]
    pub(super) fn u32(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from(u32::from_le_bytes(self.array()?)))
    }

    #[inline(always)]
    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// One byte, sign-extended.
    #[inline(always)]
    pub(super) fn i8(&mut self) -> Result<u64, DecodeError> {
        Ok(self.u8()? as i8 as u64)
    }

    /// Two bytes, sign-extended.
    #[inline(always)]
    pub(super) fn i16(&mut self) -> Result<u64, DecodeError> {
        Ok(self.u16()? as i16 as u64)
    }

    /// Four bytes, sign-extended.
    #[inline(always)]
    pub(super) fn i32(&mut self) -> Result<u64, DecodeError> {
        Ok(self.u32()? as i32 as u64)
    }
}

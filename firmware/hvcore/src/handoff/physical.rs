//! The one way hand-off code reaches physical memory.
//!
//! Owns the trait; the touch crate implements it over its own mapping. A
//! request outside mapped memory is answered with `None`, never with a fault,
//! because the address came out of a table that may be damaged.

use crate::ids::Hpa;

/// Read access to physical memory that nobody else changes during boot.
pub trait PhysicalMemory {
    /// `len` bytes at `at`, or `None` when the range wraps or is not wholly
    /// readable. A length of 0 gives an empty slice at any readable address.
    fn slice(&self, at: Hpa, len: usize) -> Option<&[u8]>;
}

impl<M: PhysicalMemory + ?Sized> PhysicalMemory for &M {
    fn slice(&self, at: Hpa, len: usize) -> Option<&[u8]> {
        (**self).slice(at, len)
    }
}

/// Memory that is one contiguous piece starting at `base`: a test's RAM, or a
/// window that has been mapped as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Physical address of the first byte.
    pub base: Hpa,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl PhysicalMemory for Piece<'_> {
    fn slice(&self, at: Hpa, len: usize) -> Option<&[u8]> {
        let from = usize::try_from(at.0.checked_sub(self.base.0)?).ok()?;
        self.bytes.get(from..from.checked_add(len)?)
    }
}

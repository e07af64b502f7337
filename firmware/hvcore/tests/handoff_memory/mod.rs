//! Sparse physical memory for hand-off tests.

use hvcore::handoff::physical::PhysicalMemory;
use hvcore::ids::Hpa;

/// A few pieces of memory; everything else is absent.
#[derive(Clone, Default)]
pub struct Sparse {
    pub pieces: Vec<(u64, Vec<u8>)>,
}

impl Sparse {
    pub fn with(mut self, at: u64, bytes: Vec<u8>) -> Self {
        self.pieces.push((at, bytes));
        self
    }
}

impl PhysicalMemory for Sparse {
    fn slice(&self, at: Hpa, len: usize) -> Option<&[u8]> {
        self.pieces.iter().find_map(|(base, bytes)| {
            let from = usize::try_from(at.0.checked_sub(*base)?).ok()?;
            bytes.get(from..from.checked_add(len)?)
        })
    }
}

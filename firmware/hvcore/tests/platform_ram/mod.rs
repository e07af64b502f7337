//! Guest RAM for the platform tests: one block from address 0, every store logged.

use std::cell::RefCell;

use hvcore::ids::Gpa;
use hvcore::port::{GuestMemory, NotRam};

/// RAM of a test partition.
pub struct Ram {
    bytes: RefCell<Vec<u8>>,
    stores: RefCell<Vec<(u64, u32)>>,
}

impl Ram {
    pub fn new(size: usize) -> Self {
        Self {
            bytes: RefCell::new(vec![0xA5; size]),
            stores: RefCell::new(Vec::new()),
        }
    }

    /// The `len` bytes at `at`.
    pub fn bytes(&self, at: u64, len: usize) -> Vec<u8> {
        self.bytes.borrow()[at as usize..][..len].to_vec()
    }

    pub fn u16(&self, at: u64) -> u16 {
        u16::from_le_bytes(self.bytes(at, 2).try_into().unwrap())
    }

    pub fn u32(&self, at: u64) -> u32 {
        u32::from_le_bytes(self.bytes(at, 4).try_into().unwrap())
    }

    pub fn u64(&self, at: u64) -> u64 {
        u64::from_le_bytes(self.bytes(at, 8).try_into().unwrap())
    }

    /// Everything, to compare before and after.
    pub fn snapshot(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }

    /// The 32-bit stores so far, oldest first; clears the log.
    pub fn take_stores(&self) -> Vec<(u64, u32)> {
        self.stores.take()
    }

    fn range(&self, at: Gpa, len: u64) -> Result<std::ops::Range<usize>, NotRam> {
        let end = at.0.checked_add(len).ok_or(NotRam)?;
        if end > self.bytes.borrow().len() as u64 {
            return Err(NotRam);
        }
        Ok(at.0 as usize..end as usize)
    }
}

impl GuestMemory for Ram {
    fn read(&self, at: Gpa, into: &mut [u8]) -> Result<(), NotRam> {
        let range = self.range(at, into.len() as u64)?;
        into.copy_from_slice(&self.bytes.borrow()[range]);
        Ok(())
    }

    fn write(&self, at: Gpa, from: &[u8]) -> Result<(), NotRam> {
        let range = self.range(at, from.len() as u64)?;
        self.bytes.borrow_mut()[range].copy_from_slice(from);
        Ok(())
    }

    fn fill(&self, at: Gpa, len: u64, value: u8) -> Result<(), NotRam> {
        let range = self.range(at, len)?;
        self.bytes.borrow_mut()[range].fill(value);
        Ok(())
    }

    fn load_u64(&self, at: Gpa) -> Result<u64, NotRam> {
        let range = self.range(at, 8)?;
        if !at.0.is_multiple_of(8) {
            return Err(NotRam);
        }
        Ok(u64::from_le_bytes(
            self.bytes.borrow()[range].try_into().unwrap(),
        ))
    }

    fn exchange_u64(&self, at: Gpa, old: u64, new: u64) -> Result<bool, NotRam> {
        let same = self.load_u64(at)? == old;
        if same {
            self.write(at, &new.to_le_bytes())?;
        }
        Ok(same)
    }

    fn load_u32(&self, at: Gpa) -> Result<u32, NotRam> {
        let range = self.range(at, 4)?;
        if !at.0.is_multiple_of(4) {
            return Err(NotRam);
        }
        Ok(u32::from_le_bytes(
            self.bytes.borrow()[range].try_into().unwrap(),
        ))
    }

    fn store_u32(&self, at: Gpa, value: u32) -> Result<(), NotRam> {
        if !at.0.is_multiple_of(4) {
            return Err(NotRam);
        }
        self.write(at, &value.to_le_bytes())?;
        self.stores.borrow_mut().push((at.0, value));
        Ok(())
    }
}

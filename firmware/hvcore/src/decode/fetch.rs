//! Fetch: the bytes of the instruction at CS:RIP.
//!
//! One walk and one or two 64-bit loads give eight bytes, which is enough for
//! nearly all exits. Otherwise two loads give at least nine, or all there are up
//! to the end of the page. The rest, and above all the next page, is read only
//! if the decoder asks for it: an instruction that ends at a page boundary must
//! not fault on what follows.
//! The byte buffer of the decode assists is not used: it may be empty although
//! the code is there (AVIC-31).
//!
//! Manual: 24593 section 15.8.4 (why the bytes must be found by hand).

use super::bytes::{DecodeError, MAX_LENGTH};
use super::instruction::{Instruction, decode_in_full};
use super::mode::CodeSize;
use super::paging::{Paging, WalkFault};
use super::plain;
use super::walk::walk;
use crate::ids::{Gpa, Gva};
use crate::port::GuestMemory;

const PAGE: u64 = 0x1000;

/// Why there is no instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FetchError {
    /// The code cannot be reached.
    Walk(WalkFault),
    /// The code makes no instruction that is known here.
    Decode(DecodeError),
}

/// Code bytes fetched so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fetched {
    bytes: [u8; 16],
    len: u8,
    /// Linear address of the first byte.
    linear: u64,
    /// Guest-physical address of the first byte.
    at: Gpa,
}

impl Fetched {
    /// The bytes, 1 to 15.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Guest-physical address of the first byte.
    pub const fn at(&self) -> Gpa {
        self.at
    }

    /// Bytes from the first one to the end of its page.
    const fn in_page(&self) -> usize {
        (PAGE - self.linear % PAGE) as usize
    }

    /// Tops up to fifteen bytes, from the following page if need be; false if
    /// there were fifteen already.
    ///
    /// # Errors
    /// The second page's walk.
    pub fn extend<M: GuestMemory + ?Sized>(
        &mut self,
        memory: &M,
        paging: &Paging,
        size: CodeSize,
    ) -> Result<bool, WalkFault> {
        let have = usize::from(self.len);
        if have >= MAX_LENGTH {
            return Ok(false);
        }
        let here = self.in_page().min(MAX_LENGTH);
        if have < here {
            self.copy(memory, Gpa(self.at.0 + have as u64), have, here)?;
            return Ok(true);
        }
        let next = size.linear(0, self.linear.wrapping_add(have as u64));
        let at = walk(memory, paging, Gva(next), paging.instruction_fetch())?;
        self.copy(memory, at, have, MAX_LENGTH)?;
        Ok(true)
    }

    /// Reads bytes `from..to` of the instruction at `at`.
    fn copy<M: GuestMemory + ?Sized>(
        &mut self,
        memory: &M,
        at: Gpa,
        from: usize,
        to: usize,
    ) -> Result<(), WalkFault> {
        let into = self.bytes.get_mut(from..to).unwrap_or_default();
        memory
            .read(at, into)
            .map_err(|_| WalkFault::OutsideRam { at })?;
        self.len = to as u8;
        Ok(())
    }
}

/// Fetches the first bytes at `cs_base` + `rip`, as many as come cheaply, all
/// from one page.
///
/// # Errors
/// The walk's, or `OutsideRam` if the code is in no RAM.
pub fn fetch<M: GuestMemory + ?Sized>(
    memory: &M,
    paging: &Paging,
    cs_base: u64,
    rip: u64,
    size: CodeSize,
) -> Result<Fetched, WalkFault> {
    let linear = size.linear(cs_base, rip);
    let at = walk(memory, paging, Gva(linear), paging.instruction_fetch())?;
    first_bytes(memory, linear, at)
}

/// Two words' worth of bytes at `at`, less if the page ends.
fn first_bytes<M: GuestMemory + ?Sized>(
    memory: &M,
    linear: u64,
    at: Gpa,
) -> Result<Fetched, WalkFault> {
    let outside = |_| WalkFault::OutsideRam { at };
    let word = at.0 & !7;
    let skip = at.0 & 7;
    let low = memory.load_u64(Gpa(word)).map_err(outside)?;
    // The last word of a page has no neighbour to read.
    let (high, loaded) = if word % PAGE == PAGE - 8 {
        (0, 8)
    } else {
        (memory.load_u64(Gpa(word + 8)).map_err(outside)?, 16)
    };
    let both = u128::from(low) | u128::from(high) << 64;
    let bytes = (both >> (skip * 8)).to_le_bytes();
    let len = (loaded - skip as u8).min(MAX_LENGTH as u8);
    Ok(Fetched {
        bytes,
        len,
        linear,
        at,
    })
}

/// Fetches and decodes the instruction at `cs_base` + `rip`.
///
/// # Errors
/// See [`FetchError`]; never `DecodeError::NeedMore`.
#[inline]
pub fn instruction_at<M: GuestMemory + ?Sized>(
    memory: &M,
    paging: &Paging,
    cs_base: u64,
    rip: u64,
    size: CodeSize,
) -> Result<Instruction, FetchError> {
    let linear = size.linear(cs_base, rip);
    let at =
        walk(memory, paging, Gva(linear), paging.instruction_fetch()).map_err(FetchError::Walk)?;
    if let Some(word) = eight_bytes(memory, at)
        && let Some(instruction) = plain::recognise(word, size)
    {
        return Ok(instruction);
    }
    decode_at(memory, paging, linear, at, size)
}

/// Eight bytes at `at` as a number; `None` if they are not all in one page.
#[inline(always)]
fn eight_bytes<M: GuestMemory + ?Sized>(memory: &M, at: Gpa) -> Option<u64> {
    let shift = (at.0 & 7) * 8;
    let low = memory.load_u64(Gpa(at.0 & !7)).ok()?;
    if shift == 0 {
        return Some(low);
    }
    if at.0 % PAGE > PAGE - 8 {
        return None;
    }
    let high = memory.load_u64(Gpa((at.0 & !7) + 8)).ok()?;
    Some(low >> shift | high << (64 - shift))
}

/// Fetches and decodes whatever is at `linear`, which is at `at`.
#[inline(never)]
fn decode_at<M: GuestMemory + ?Sized>(
    memory: &M,
    paging: &Paging,
    linear: u64,
    at: Gpa,
    size: CodeSize,
) -> Result<Instruction, FetchError> {
    let mut fetched = first_bytes(memory, linear, at).map_err(FetchError::Walk)?;
    loop {
        match decode_in_full(fetched.bytes(), size) {
            Ok(instruction) => return Ok(instruction),
            Err(DecodeError::NeedMore) => {}
            Err(error) => return Err(FetchError::Decode(error)),
        }
        // Each round adds bytes, so there are three at most: first words, rest
        // of the page, next page.
        if !fetched
            .extend(memory, paging, size)
            .map_err(FetchError::Walk)?
        {
            return Err(FetchError::Decode(DecodeError::TooLong));
        }
    }
}

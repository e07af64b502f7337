//! Memory operands: the terms of an address, and what they come to.
//!
//! The address of a device access is already known (the nested page fault
//! reports it). The sum is made for the other side of a MOVS, for INVLPG, and
//! for the text of an epitaph.
//! Also called: effective address, segment override.
//!
//! Manual: 24592 section 2.2 (memory addressing), 24594 section 1.7.

use super::mode::CodeSize;
use super::modrm::EncodedAddress;
use super::regs::{Gpr, Regs, Width};

/// Segment that a memory operand goes through, by its number in instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Segment {
    /// ES.
    Es,
    /// CS.
    Cs,
    /// SS, the default with rSP or rBP as base.
    Ss,
    /// DS, the default otherwise.
    Ds,
    /// FS.
    Fs,
    /// GS.
    Gs,
}

/// Bases of the cached segments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentBases {
    /// ES base.
    pub es: u64,
    /// CS base.
    pub cs: u64,
    /// SS base.
    pub ss: u64,
    /// DS base.
    pub ds: u64,
    /// FS base.
    pub fs: u64,
    /// GS base.
    pub gs: u64,
}

impl SegmentBases {
    /// The base of one segment.
    pub const fn of(&self, segment: Segment) -> u64 {
        match segment {
            Segment::Es => self.es,
            Segment::Cs => self.cs,
            Segment::Ss => self.ss,
            Segment::Ds => self.ds,
            Segment::Fs => self.fs,
            Segment::Gs => self.gs,
        }
    }
}

/// First term of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// Displacement only.
    None,
    /// A general register.
    Register(Gpr),
    /// The address of the next instruction.
    NextRip,
}

/// A memory operand as encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address {
    /// Base term.
    pub base: Base,
    /// Index register and the left shift that scales it (0 to 3).
    pub index: Option<(Gpr, u8)>,
    /// Displacement, sign-extended.
    pub displacement: u64,
    /// Width of the sum: `Word`, `Dword` or `Qword`.
    pub width: Width,
    /// Segment, overrides applied.
    pub segment: Segment,
}

impl Address {
    /// Offset in the segment; `rip_next` is the offset of the next instruction.
    pub const fn offset(&self, regs: &Regs, rip_next: u64) -> u64 {
        let base = match self.base {
            Base::None => 0,
            Base::Register(gpr) => regs.full(gpr),
            Base::NextRip => rip_next,
        };
        let index = match self.index {
            None => 0,
            Some((gpr, shift)) => regs.full(gpr) << (shift & 3),
        };
        let sum = base.wrapping_add(index).wrapping_add(self.displacement);
        sum & self.width.mask()
    }

    /// Linear address of `offset` through this operand's segment.
    pub const fn linear(&self, size: CodeSize, bases: &SegmentBases, offset: u64) -> u64 {
        match self.segment {
            // Only these two keep their base in 64-bit mode.
            Segment::Fs => full_linear(size, bases.fs, offset),
            Segment::Gs => full_linear(size, bases.gs, offset),
            Segment::Es => size.linear(bases.es, offset),
            Segment::Cs => size.linear(bases.cs, offset),
            Segment::Ss => size.linear(bases.ss, offset),
            Segment::Ds => size.linear(bases.ds, offset),
        }
    }
}

const fn full_linear(size: CodeSize, base: u64, offset: u64) -> u64 {
    match size {
        CodeSize::Bits64 => base.wrapping_add(offset),
        CodeSize::Bits32 | CodeSize::Bits16 => size.linear(base, offset),
    }
}

/// The operand that the r/m field names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegMem {
    /// A general register.
    Register(Gpr),
    /// Memory.
    Memory(EncodedAddress),
}

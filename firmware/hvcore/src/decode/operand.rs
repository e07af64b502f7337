//! Memory operands: how ModRM and SIB name an address, and what it comes to.
//!
//! The address of a device access is already known (the nested page fault
//! reports it), so decoding only describes the operand; the sum is made when
//! somebody needs it: the other side of a MOVS, or the text of an epitaph.
//! Also called: effective address, addressing form, ModRM, SIB.
//!
//! Manual: 24594 sections 1.4, 1.5 and 1.7 (RIP-relative).

use super::bytes::{Bytes, DecodeError};
use super::mode::CodeSize;
use super::prefix::Prefixes;
use super::regs::{Gpr, Regs, Width};

/// Segment that a memory operand goes through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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

    /// The operand of a string instruction.
    pub(super) const fn string(register: Gpr, width: Width, segment: Segment) -> Address {
        Address {
            base: Base::Register(register),
            index: None,
            displacement: 0,
            width,
            segment,
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
    Memory(Address),
}

/// A ModRM byte with all that belongs to it.
pub(super) struct ModRm {
    /// The reg field as encoded, 0 to 7: an opcode extension.
    pub(super) extension: u8,
    /// The reg field with REX.R: a register number.
    pub(super) reg: u8,
    pub(super) operand: RegMem,
}

impl ModRm {
    /// Takes ModRM, SIB and displacement.
    pub(super) fn read(bytes: &mut Bytes, prefixes: &Prefixes) -> Result<ModRm, DecodeError> {
        let byte = bytes.u8()?;
        Self::after(byte, bytes, prefixes)
    }

    /// As `read`, when the ModRM byte was already taken.
    pub(super) fn after(
        byte: u8,
        bytes: &mut Bytes,
        prefixes: &Prefixes,
    ) -> Result<ModRm, DecodeError> {
        let extension = byte >> 3 & 7;
        let operand = if byte >= 0xC0 {
            RegMem::Register(Gpr::new(byte & 7 | prefixes.base_high()))
        } else if prefixes.address_width() == Width::Word {
            RegMem::Memory(address_16(byte, bytes, prefixes)?)
        } else {
            RegMem::Memory(address_32(byte, bytes, prefixes)?)
        };
        Ok(ModRm {
            extension,
            reg: extension | prefixes.reg_high(),
            operand,
        })
    }

    /// The memory operand; register forms touch no device.
    pub(super) const fn memory(&self) -> Result<Address, DecodeError> {
        match self.operand {
            RegMem::Memory(address) => Ok(address),
            RegMem::Register(_) => Err(DecodeError::Unsupported),
        }
    }
}

fn displacement(mode: u8, bytes: &mut Bytes, width: Width) -> Result<u64, DecodeError> {
    match (mode, width) {
        (0, _) => Ok(0),
        (1, _) => bytes.i8(),
        (_, Width::Word) => bytes.i16(),
        (_, Width::Byte | Width::Dword | Width::Qword) => bytes.i32(),
    }
}

/// The eight 16-bit forms.
fn address_16(byte: u8, bytes: &mut Bytes, prefixes: &Prefixes) -> Result<Address, DecodeError> {
    let mode = byte >> 6;
    let (base, index) = match byte & 7 {
        0 => (Some(Gpr::RBX), Some(Gpr::RSI)),
        1 => (Some(Gpr::RBX), Some(Gpr::RDI)),
        2 => (Some(Gpr::RBP), Some(Gpr::RSI)),
        3 => (Some(Gpr::RBP), Some(Gpr::RDI)),
        4 => (Some(Gpr::RSI), None),
        5 => (Some(Gpr::RDI), None),
        6 if mode == 0 => (None, None),
        6 => (Some(Gpr::RBP), None),
        _ => (Some(Gpr::RBX), None),
    };
    let displacement = match base {
        None => bytes.i16()?,
        Some(_) => displacement(mode, bytes, Width::Word)?,
    };
    let default = if base == Some(Gpr::RBP) {
        Segment::Ss
    } else {
        Segment::Ds
    };
    Ok(Address {
        base: base.map_or(Base::None, Base::Register),
        index: index.map(|gpr| (gpr, 0)),
        displacement,
        width: Width::Word,
        segment: prefixes.segment_or(default),
    })
}

/// 32- and 64-bit forms.
fn address_32(byte: u8, bytes: &mut Bytes, prefixes: &Prefixes) -> Result<Address, DecodeError> {
    let width = prefixes.address_width();
    let mode = byte >> 6;
    let (low, index) = match byte & 7 {
        4 => sib(bytes.u8()?, prefixes),
        low => (low, None),
    };
    let (base, displacement) = match (mode, low) {
        // Low 5 without displacement is "no base"; without SIB, 64-bit mode
        // makes it relative to the next instruction.
        (0, 5) if byte & 7 == 5 && prefixes.size == CodeSize::Bits64 => {
            (Base::NextRip, bytes.i32()?)
        }
        (0, 5) => (Base::None, bytes.i32()?),
        _ => (
            Base::Register(Gpr::new(low | prefixes.base_high())),
            displacement(mode, bytes, width)?,
        ),
    };
    let stack = matches!(base, Base::Register(gpr) if gpr == Gpr::RSP || gpr == Gpr::RBP);
    let default = if stack { Segment::Ss } else { Segment::Ds };
    let segment = prefixes.segment_or(default);
    Ok(Address {
        base,
        index,
        displacement,
        width,
        segment,
    })
}

/// Base field and scaled index of a SIB byte; index 4 without REX.X is none.
const fn sib(byte: u8, prefixes: &Prefixes) -> (u8, Option<(Gpr, u8)>) {
    let index = byte >> 3 & 7 | prefixes.index_high();
    if index == 4 {
        (byte & 7, None)
    } else {
        (byte & 7, Some((Gpr::new(index), byte >> 6)))
    }
}

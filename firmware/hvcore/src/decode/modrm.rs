//! ModRM and SIB: the bytes that name an instruction's operands.
//!
//! Decoding only finds where they end and keeps them with the prefixes, in one
//! word; nearly nobody asks which registers they name. Who does has them taken
//! apart into the terms of `operand`.
//! Also called: addressing form, displacement, RIP-relative.
//!
//! Manual: 24594 sections 1.4, 1.5 and 1.7.

use super::bytes::{Bytes, DecodeError};
use super::operand::{Address, Base, RegMem, Segment};
use super::prefix::Prefixes;
use super::regs::{Gpr, Width};

/// A memory operand as the bytes have it.
///
/// ```text
/// form: 0-31 prefixes    32-39 ModRM    40-47 SIB    48-49 shape
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EncodedAddress {
    displacement: u64,
    form: u64,
}

/// How an operand is named.
#[derive(Clone, Copy)]
enum Shape {
    ModRm,
    /// An address in the instruction, through DS.
    Direct,
    /// rSI through DS.
    Source,
    /// rDI through ES.
    Destination,
}

impl EncodedAddress {
    #[inline(always)]
    const fn new(prefixes: Prefixes, shape: Shape, modrm: u8, sib: u8, displacement: u64) -> Self {
        let form = prefixes.word() as u64
            | (modrm as u64) << 32
            | (sib as u64) << 40
            | (shape as u64) << 48;
        EncodedAddress { displacement, form }
    }

    /// What ModRM names, mode 3 excepted; `sib` is 0 if there is none.
    #[inline(always)]
    pub(super) const fn modrm(prefixes: Prefixes, modrm: u8, sib: u8, displacement: u64) -> Self {
        Self::new(prefixes, Shape::ModRm, modrm, sib, displacement)
    }

    /// An address that stands in the instruction.
    #[inline(always)]
    pub(super) const fn direct(prefixes: Prefixes, displacement: u64) -> Self {
        Self::new(prefixes, Shape::Direct, 0, 0, displacement)
    }

    /// The source of a string instruction.
    #[inline(always)]
    pub(super) const fn string_source(prefixes: Prefixes) -> Self {
        Self::new(prefixes, Shape::Source, 0, 0, 0)
    }

    /// The destination of a string instruction, which no prefix moves to
    /// another segment.
    #[inline(always)]
    pub(super) const fn string_destination(prefixes: Prefixes) -> Self {
        Self::new(prefixes, Shape::Destination, 0, 0, 0)
    }

    /// The destination that belongs to the same string instruction.
    pub(super) const fn paired_destination(&self) -> Self {
        Self::string_destination(self.prefixes())
    }

    const fn prefixes(&self) -> Prefixes {
        Prefixes::from_word(self.form as u32)
    }

    /// Width of the address, and of the registers a string instruction counts
    /// and steps with.
    pub const fn width(&self) -> Width {
        self.prefixes().address_width()
    }

    /// The operand, taken apart.
    pub const fn decode(&self) -> Address {
        let (modrm, sib) = ((self.form >> 32) as u8, (self.form >> 40) as u8);
        match self.form >> 48 & 3 {
            0 if matches!(self.width(), Width::Word) => self.decode_16(modrm),
            0 => self.decode_32(modrm, sib),
            1 => self.built(Base::None, None, Segment::Ds),
            2 => self.built(Base::Register(Gpr::RSI), None, Segment::Ds),
            _ => Address {
                segment: Segment::Es,
                ..self.built(Base::Register(Gpr::RDI), None, Segment::Es)
            },
        }
    }

    const fn built(&self, base: Base, index: Option<(Gpr, u8)>, default: Segment) -> Address {
        let segment = self.prefixes().segment_or(default);
        Address {
            base,
            index,
            displacement: self.displacement,
            width: self.width(),
            segment,
        }
    }

    /// The eight 16-bit forms.
    const fn decode_16(&self, modrm: u8) -> Address {
        let (base, index) = match modrm & 7 {
            0 => (Gpr::RBX, Some((Gpr::RSI, 0))),
            1 => (Gpr::RBX, Some((Gpr::RDI, 0))),
            2 => (Gpr::RBP, Some((Gpr::RSI, 0))),
            3 => (Gpr::RBP, Some((Gpr::RDI, 0))),
            4 => (Gpr::RSI, None),
            5 => (Gpr::RDI, None),
            6 if modrm < 0x40 => return self.built(Base::None, None, Segment::Ds),
            6 => (Gpr::RBP, None),
            _ => (Gpr::RBX, None),
        };
        self.built(Base::Register(base), index, base.default_segment())
    }

    /// 32- and 64-bit forms.
    const fn decode_32(&self, modrm: u8, sib: u8) -> Address {
        let prefixes = self.prefixes();
        let (low, index) = match modrm & 7 {
            4 => (sib & 7, index(sib, prefixes)),
            low => (low, None),
        };
        if modrm < 0x40 && low == 5 {
            // Low 5 without displacement is "no base"; without SIB, 64-bit mode
            // makes it relative to the next instruction.
            let relative = modrm & 7 == 5 && prefixes.is_64();
            let base = if relative { Base::NextRip } else { Base::None };
            return self.built(base, index, Segment::Ds);
        }
        let base = Gpr::new(low | prefixes.base_high());
        self.built(Base::Register(base), index, base.default_segment())
    }
}

/// Scaled index of a SIB byte; index 4 without REX.X is none.
const fn index(sib: u8, prefixes: Prefixes) -> Option<(Gpr, u8)> {
    match sib >> 3 & 7 | prefixes.index_high() {
        4 => None,
        index => Some((Gpr::new(index), sib >> 6)),
    }
}

impl Gpr {
    /// Segment of an operand whose base this is.
    const fn default_segment(self) -> Segment {
        // RSP and RBP, but not R12 and R13.
        if self.number() & 14 == 4 {
            Segment::Ss
        } else {
            Segment::Ds
        }
    }
}

/// A ModRM byte, with what follows it already taken.
pub(super) struct ModRm {
    byte: u8,
    sib: u8,
    displacement: u64,
    prefixes: Prefixes,
}

impl ModRm {
    /// Takes ModRM, SIB and displacement.
    #[inline(always)]
    pub(super) fn read(bytes: &mut Bytes, prefixes: Prefixes) -> Result<ModRm, DecodeError> {
        let byte = bytes.u8()?;
        Self::after(byte, bytes, prefixes)
    }

    /// As `read`, when the ModRM byte was already taken.
    #[inline(always)]
    pub(super) fn after(
        byte: u8,
        bytes: &mut Bytes,
        prefixes: Prefixes,
    ) -> Result<ModRm, DecodeError> {
        let mut modrm = ModRm {
            byte,
            sib: 0,
            displacement: 0,
            prefixes,
        };
        if byte >= 0xC0 {
            return Ok(modrm);
        }
        if prefixes.address_width() == Width::Word {
            modrm.displacement = match byte >> 6 {
                0 if byte & 7 == 6 => bytes.i16()?,
                0 => 0,
                1 => bytes.i8()?,
                _ => bytes.i16()?,
            };
            return Ok(modrm);
        }
        let mut low = byte & 7;
        if low == 4 {
            modrm.sib = bytes.u8()?;
            low = modrm.sib & 7;
        }
        modrm.displacement = match byte >> 6 {
            0 if low == 5 => bytes.i32()?,
            0 => 0,
            1 => bytes.i8()?,
            _ => bytes.i32()?,
        };
        Ok(modrm)
    }

    /// The reg field as encoded, 0 to 7: an opcode extension.
    pub(super) const fn extension(&self) -> u8 {
        self.byte >> 3 & 7
    }

    /// The reg field with REX.R: a register number.
    pub(super) const fn reg(&self) -> u8 {
        self.extension() | self.prefixes.reg_high()
    }

    /// The memory operand; register forms touch no device.
    #[inline(always)]
    pub(super) const fn memory(&self) -> Result<EncodedAddress, DecodeError> {
        if self.byte >= 0xC0 {
            return Err(DecodeError::Unsupported);
        }
        Ok(EncodedAddress::modrm(
            self.prefixes,
            self.byte,
            self.sib,
            self.displacement,
        ))
    }

    /// The operand, whichever it is.
    pub(super) const fn operand(&self) -> RegMem {
        match self.memory() {
            Ok(address) => RegMem::Memory(address),
            Err(_) => RegMem::Register(Gpr::new(self.byte & 7 | self.prefixes.base_high())),
        }
    }
}

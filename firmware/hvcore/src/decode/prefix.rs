//! Prefixes: what stands before the opcode, and the widths that follow from it.
//!
//! Legacy prefixes may come in any order and number; of two in one group the
//! last counts. A REX byte counts only right before the opcode. In 64-bit mode
//! overrides of CS, DS, ES and SS do nothing, also after an FS or GS override.
//!
//! All of it is one word, because it is kept with every memory operand and
//! handed down every step of decoding.
//!
//! Manual: 24594 section 1.2.

use super::bytes::{Bytes, DecodeError};
use super::mode::CodeSize;
use super::opcode_map::{self, Class};
use super::operand::Segment;
use super::regs::{Gpr, Register, Width};

/// The repeat group: F2 or F3.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    None,
    F2,
    F3,
}

/// Everything the bytes before the opcode said, and the code size.
///
/// ```text
/// 0-7 REX byte, or 0    8 operand size (66)    9 address size (67)    10 LOCK
/// 11 F2    12 F3    13-15 segment override: 0 none, else 1 + its number
/// 16-17 code size: 0 is 16 bits, 1 is 32, 2 is 64
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(super) struct Prefixes(u32);

const REX: u32 = 0xFF;
const OPERAND_SIZE: u32 = 1 << 8;
const ADDRESS_SIZE: u32 = 1 << 9;
const LOCK: u32 = 1 << 10;
const F2: u32 = 1 << 11;
const F3: u32 = 1 << 12;
const SEGMENT_SHIFT: u32 = 13;
const SEGMENT: u32 = 7 << SEGMENT_SHIFT;
const BITS_32: u32 = 1 << 16;
const BITS_64: u32 = 1 << 17;

impl Prefixes {
    /// No legacy prefix, and a REX byte or 0.
    #[inline(always)]
    pub(super) const fn rex_only(rex: u8, size: CodeSize) -> Self {
        let size = match size {
            CodeSize::Bits16 => 0,
            CodeSize::Bits32 => BITS_32,
            CodeSize::Bits64 => BITS_64,
        };
        Prefixes(size | rex as u32)
    }

    /// Takes prefixes and the first opcode byte.
    #[inline(always)]
    pub(super) fn read(bytes: &mut Bytes, size: CodeSize) -> Result<(Self, u8), DecodeError> {
        let mut word = Self::rex_only(0, size).0;
        // Ends after at most fifteen bytes: `Bytes` gives no more.
        loop {
            let byte = bytes.u8()?;
            if word & BITS_64 != 0 && byte & 0xF0 == 0x40 {
                word = word & !REX | byte as u32;
                continue;
            }
            if opcode_map::one_byte(byte) != Class::Prefix {
                return Ok((Prefixes(word), byte));
            }
            word = Self::legacy(word, byte) & !REX;
        }
    }

    /// The word with a legacy prefix noted.
    fn legacy(word: u32, byte: u8) -> u32 {
        let segment = |segment: Segment| {
            let flat = !matches!(segment, Segment::Fs | Segment::Gs);
            if flat && word & BITS_64 != 0 {
                return word;
            }
            word & !SEGMENT | (1 + segment as u32) << SEGMENT_SHIFT
        };
        match byte {
            0x66 => word | OPERAND_SIZE,
            0x67 => word | ADDRESS_SIZE,
            0xF0 => word | LOCK,
            0xF2 => word & !F3 | F2,
            0xF3 => word & !F2 | F3,
            0x26 => segment(Segment::Es),
            0x2E => segment(Segment::Cs),
            0x36 => segment(Segment::Ss),
            0x3E => segment(Segment::Ds),
            0x64 => segment(Segment::Fs),
            0x65 => segment(Segment::Gs),
            _ => word,
        }
    }

    /// The word, to be kept elsewhere.
    pub(super) const fn word(self) -> u32 {
        self.0
    }

    /// What `word` gave.
    pub(super) const fn from_word(word: u32) -> Self {
        Prefixes(word)
    }

    const fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    /// 64-bit mode.
    pub(super) const fn is_64(self) -> bool {
        self.has(BITS_64)
    }

    /// An operand-size prefix stood there.
    pub(super) const fn operand_override(self) -> bool {
        self.has(OPERAND_SIZE)
    }

    /// The repeat prefix that counts.
    pub(super) const fn repeat(self) -> Repeat {
        if self.has(F3) {
            Repeat::F3
        } else if self.has(F2) {
            Repeat::F2
        } else {
            Repeat::None
        }
    }

    /// A LOCK prefix stood there.
    pub(super) const fn lock(self) -> bool {
        self.has(LOCK)
    }

    /// Operand width of a non-byte opcode.
    #[inline(always)]
    pub(super) const fn operand_width(self) -> Width {
        if self.has(1 << 3) {
            Width::Qword // REX.W
        } else if self.has(BITS_32 | BITS_64) != self.has(OPERAND_SIZE) {
            Width::Dword
        } else {
            Width::Word
        }
    }

    /// Operand width of an opcode whose bit 0 tells byte from larger.
    #[inline(always)]
    pub(super) const fn width_of(self, opcode: u8) -> Width {
        if opcode & 1 == 0 {
            Width::Byte
        } else {
            self.operand_width()
        }
    }

    /// Width of addresses: `Word`, `Dword` or `Qword`.
    #[inline(always)]
    pub(super) const fn address_width(self) -> Width {
        match (self.has(BITS_64), self.has(BITS_32), self.has(ADDRESS_SIZE)) {
            (true, _, false) => Width::Qword,
            (true, _, true) | (_, true, false) | (_, false, true) => Width::Dword,
            (_, true, true) | (_, false, false) => Width::Word,
        }
    }

    /// The segment a memory operand uses, `default` unless overridden.
    pub(super) const fn segment_or(self, default: Segment) -> Segment {
        match (self.0 & SEGMENT) >> SEGMENT_SHIFT {
            1 => Segment::Es,
            2 => Segment::Cs,
            3 => Segment::Ss,
            4 => Segment::Ds,
            5 => Segment::Fs,
            6 => Segment::Gs,
            _ => default,
        }
    }

    /// REX.R as bit 3 of a register number.
    pub(super) const fn reg_high(self) -> u8 {
        ((self.0 & 4) << 1) as u8
    }

    /// REX.X as bit 3 of a register number.
    pub(super) const fn index_high(self) -> u8 {
        ((self.0 & 2) << 2) as u8
    }

    /// REX.B as bit 3 of a register number.
    pub(super) const fn base_high(self) -> u8 {
        ((self.0 & 1) << 3) as u8
    }

    /// The register that number `number` (REX bits included) names at `width`:
    /// without any REX byte, byte registers 4 to 7 are AH, CH, DH and BH.
    #[inline(always)]
    pub(super) const fn register(self, number: u8, width: Width) -> Register {
        match width {
            Width::Byte if !self.has(REX) && number & 12 == 4 => {
                Register::HighByte(Gpr::new(number & 3))
            }
            Width::Byte | Width::Word | Width::Dword | Width::Qword => {
                Register::Low(Gpr::new(number))
            }
        }
    }

    /// #UD if a LOCK prefix stands before an instruction that does not take it.
    #[inline(always)]
    pub(super) const fn refuse_lock(self) -> Result<(), DecodeError> {
        if self.lock() {
            Err(DecodeError::Invalid)
        } else {
            Ok(())
        }
    }
}

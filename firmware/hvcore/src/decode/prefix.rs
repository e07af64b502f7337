//! Prefixes: what stands before the opcode, and the widths that follow from it.
//!
//! Legacy prefixes may come in any order and number; of two in one group the
//! last counts. A REX byte counts only right before the opcode. In 64-bit mode
//! overrides of CS, DS, ES and SS do nothing, also after an FS or GS override.
//!
//! Manual: 24594 section 1.2.

use super::bytes::{Bytes, DecodeError};
use super::mode::CodeSize;
use super::operand::Segment;
use super::regs::{Gpr, Register, Width};

/// The repeat group: F2 or F3.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    None,
    F2,
    F3,
}

/// Everything the bytes before the opcode said.
pub(super) struct Prefixes {
    pub(super) size: CodeSize,
    rex: u8,
    pub(super) operand_override: bool,
    address_override: bool,
    pub(super) lock: bool,
    pub(super) repeat: Repeat,
    segment: Option<Segment>,
}

impl Prefixes {
    /// Takes prefixes and the first opcode byte.
    #[inline]
    pub(super) fn read(bytes: &mut Bytes, size: CodeSize) -> Result<(Self, u8), DecodeError> {
        let mut prefixes = Prefixes {
            size,
            rex: 0,
            operand_override: false,
            address_override: false,
            lock: false,
            repeat: Repeat::None,
            segment: None,
        };
        // Ends after at most fifteen bytes: `Bytes` gives no more.
        loop {
            let byte = bytes.u8()?;
            if size == CodeSize::Bits64 && byte & 0xF0 == 0x40 {
                prefixes.rex = byte;
                continue;
            }
            if !prefixes.legacy(byte) {
                return Ok((prefixes, byte));
            }
            prefixes.rex = 0;
        }
    }

    /// Notes a legacy prefix; false if `byte` is none.
    #[inline]
    fn legacy(&mut self, byte: u8) -> bool {
        match byte {
            0x66 => self.operand_override = true,
            0x67 => self.address_override = true,
            0xF0 => self.lock = true,
            0xF2 => self.repeat = Repeat::F2,
            0xF3 => self.repeat = Repeat::F3,
            0x64 => self.segment = Some(Segment::Fs),
            0x65 => self.segment = Some(Segment::Gs),
            0x26 => self.flat_segment(Segment::Es),
            0x2E => self.flat_segment(Segment::Cs),
            0x36 => self.flat_segment(Segment::Ss),
            0x3E => self.flat_segment(Segment::Ds),
            _ => return false,
        }
        true
    }

    fn flat_segment(&mut self, segment: Segment) {
        if self.size != CodeSize::Bits64 {
            self.segment = Some(segment);
        }
    }

    /// Operand width of a non-byte opcode.
    pub(super) const fn operand_width(&self) -> Width {
        match (self.size, self.operand_override) {
            (CodeSize::Bits64, _) if self.rex & 8 != 0 => Width::Qword,
            (CodeSize::Bits64 | CodeSize::Bits32, false) | (CodeSize::Bits16, true) => Width::Dword,
            (CodeSize::Bits64 | CodeSize::Bits32, true) | (CodeSize::Bits16, false) => Width::Word,
        }
    }

    /// Operand width of an opcode whose bit 0 tells byte from larger.
    pub(super) const fn width_of(&self, opcode: u8) -> Width {
        if opcode & 1 == 0 {
            Width::Byte
        } else {
            self.operand_width()
        }
    }

    /// Width of addresses: `Word`, `Dword` or `Qword`.
    pub(super) const fn address_width(&self) -> Width {
        match (self.size, self.address_override) {
            (CodeSize::Bits64, false) => Width::Qword,
            (CodeSize::Bits64, true) | (CodeSize::Bits32, false) | (CodeSize::Bits16, true) => {
                Width::Dword
            }
            (CodeSize::Bits32, true) | (CodeSize::Bits16, false) => Width::Word,
        }
    }

    /// The segment a memory operand uses, `default` unless overridden.
    pub(super) fn segment_or(&self, default: Segment) -> Segment {
        self.segment.unwrap_or(default)
    }

    /// REX.R as bit 3 of a register number.
    pub(super) const fn reg_high(&self) -> u8 {
        (self.rex & 4) << 1
    }

    /// REX.X as bit 3 of a register number.
    pub(super) const fn index_high(&self) -> u8 {
        (self.rex & 2) << 2
    }

    /// REX.B as bit 3 of a register number.
    pub(super) const fn base_high(&self) -> u8 {
        (self.rex & 1) << 3
    }

    /// The register that number `number` (REX bits included) names at `width`:
    /// without any REX byte, byte registers 4 to 7 are AH, CH, DH and BH.
    pub(super) const fn register(&self, number: u8, width: Width) -> Register {
        match width {
            Width::Byte if self.rex == 0 && number & 12 == 4 => {
                Register::HighByte(Gpr::new(number & 3))
            }
            Width::Byte | Width::Word | Width::Dword | Width::Qword => {
                Register::Low(Gpr::new(number))
            }
        }
    }

    /// #UD if a LOCK prefix stands before an instruction that does not take it.
    pub(super) const fn refuse_lock(&self) -> Result<(), DecodeError> {
        if self.lock {
            Err(DecodeError::Invalid)
        } else {
            Ok(())
        }
    }
}

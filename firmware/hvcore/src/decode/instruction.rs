//! One instruction: its length and what it is.
//!
//! `decode` is a pure function of the bytes and the code size. It answers
//! `NeedMore` only when the bytes given do not settle the matter, so that the
//! caller fetches the next page no sooner than the processor would.
//!
//! Manual: 24594 chapter 1 and appendix A.

use super::bytes::{Bytes, DecodeError};
use super::intercepted::{self, Intercepted};
use super::memory_form::{Action, MemoryForm, Source, StringMove};
use super::memory_opcodes;
use super::mode::CodeSize;
use super::operand::{Address, Segment, SegmentBases};
use super::prefix::Prefixes;
use super::regs::{Gpr, Regs, Width};

/// What an instruction is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It has an intercept of its own.
    Intercepted(Intercepted),
    /// It accesses memory, perhaps a device.
    Memory(MemoryForm),
}

/// A decoded instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// Bytes, 1 to 15.
    pub length: u8,
    /// The code size it was decoded for.
    pub size: CodeSize,
    /// What it is.
    pub kind: Kind,
}

/// Decodes the instruction that `bytes` begin with; more bytes than it has do
/// no harm.
///
/// # Errors
/// See [`DecodeError`]. `NeedMore` never comes with fifteen bytes or more.
pub fn decode(bytes: &[u8], size: CodeSize) -> Result<Instruction, DecodeError> {
    let mut bytes = Bytes::new(bytes);
    let (prefixes, opcode) = Prefixes::read(&mut bytes, size)?;
    let kind = match opcode {
        0x0F => two_byte(&mut bytes, &prefixes)?,
        _ => one_byte(opcode, &mut bytes, &prefixes)?,
    };
    Ok(Instruction {
        length: bytes.taken(),
        size,
        kind,
    })
}

fn one_byte(opcode: u8, bytes: &mut Bytes, prefixes: &Prefixes) -> Result<Kind, DecodeError> {
    match opcode {
        0x6C..=0x6F | 0x90 | 0xCC..=0xCE | 0xE4..=0xE7 | 0xEC..=0xEF | 0xF1 | 0xF4 => {
            intercepted::one_byte(opcode, bytes, prefixes).map(Kind::Intercepted)
        }
        0x00..=0x3F if opcode & 7 < 4 => {
            memory_opcodes::one_byte(opcode, bytes, prefixes).map(Kind::Memory)
        }
        0x63
        | 0x80
        | 0x81
        | 0x83..=0x8B
        | 0xA0..=0xA5
        | 0xAA..=0xAD
        | 0xC6
        | 0xC7
        | 0xF6
        | 0xF7
        | 0xFE
        | 0xFF => memory_opcodes::one_byte(opcode, bytes, prefixes).map(Kind::Memory),
        _ => Err(DecodeError::Unsupported),
    }
}

fn two_byte(bytes: &mut Bytes, prefixes: &Prefixes) -> Result<Kind, DecodeError> {
    let opcode = bytes.u8()?;
    match opcode {
        0x01 | 0x06 | 0x08 | 0x09 | 0x20..=0x23 | 0x30..=0x33 | 0xA2 => {
            intercepted::two_byte(opcode, bytes, prefixes).map(Kind::Intercepted)
        }
        0xA3 | 0xAB | 0xB0 | 0xB1 | 0xB3 | 0xB6 | 0xB7 | 0xBA | 0xBB | 0xBE | 0xBF | 0xC0
        | 0xC1 => memory_opcodes::two_byte(opcode, bytes, prefixes).map(Kind::Memory),
        _ => Err(DecodeError::Unsupported),
    }
}

impl Instruction {
    /// Linear address of the memory operand (of MOVS the source, of INVLPG the
    /// address to flush); `None` if there is none. `rip` is where the
    /// instruction starts.
    pub fn linear_address(&self, regs: &Regs, bases: &SegmentBases, rip: u64) -> Option<u64> {
        let address = match &self.kind {
            Kind::Memory(form) => &form.address,
            Kind::Intercepted(Intercepted::Invlpg(address)) => address,
            Kind::Intercepted(_) => return None,
        };
        let next = rip.wrapping_add(u64::from(self.length));
        let moved = address
            .offset(regs, next)
            .wrapping_add(self.bit_distance(regs));
        Some(address.linear(self.size, bases, moved & address.width.mask()))
    }

    /// Linear address that MOVS writes; `None` for anything else.
    pub fn copy_destination(&self, regs: &Regs, bases: &SegmentBases) -> Option<u64> {
        let Kind::Memory(form) = &self.kind else {
            return None;
        };
        let Action::String {
            operation: StringMove::Copy,
            ..
        } = form.action
        else {
            return None;
        };
        let to = Address::string(Gpr::RDI, form.address.width, Segment::Es);
        Some(to.linear(self.size, bases, to.offset(regs, 0)))
    }

    /// How far a bit number in a register moves the operand: by whole operands,
    /// forwards or backwards. 24594 section 3, BT.
    fn bit_distance(&self, regs: &Regs) -> u64 {
        match &self.kind {
            Kind::Memory(MemoryForm {
                action: Action::Bit(_, Source::Register(register)),
                width,
                ..
            }) => {
                let bit = width.sign_extend(regs.read(*register, *width)) as i64;
                match width {
                    Width::Byte | Width::Word => (bit >> 4 << 1) as u64,
                    Width::Dword => (bit >> 5 << 2) as u64,
                    Width::Qword => (bit >> 6 << 3) as u64,
                }
            }
            Kind::Memory(_) | Kind::Intercepted(_) => 0,
        }
    }
}

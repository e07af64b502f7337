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
use super::opcode_map::{self, Class};
use super::operand::SegmentBases;
use super::plain;
use super::prefix::Prefixes;
use super::regs::{Regs, Width};

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
#[inline]
pub fn decode(bytes: &[u8], size: CodeSize) -> Result<Instruction, DecodeError> {
    if let Some(word) = bytes.first_chunk()
        && let Some(instruction) = plain::recognise(u64::from_le_bytes(*word), size)
    {
        return Ok(instruction);
    }
    decode_in_full(bytes, size)
}

/// `decode` without a glance at `plain`.
pub(super) fn decode_in_full(bytes: &[u8], size: CodeSize) -> Result<Instruction, DecodeError> {
    let mut bytes = Bytes::new(bytes);
    let (prefixes, opcode) = Prefixes::read(&mut bytes, size)?;
    let kind = match opcode_map::one_byte(opcode) {
        Class::ModRm => Kind::Memory(memory_opcodes::with_modrm(opcode, &mut bytes, prefixes)?),
        Class::Escape => two_byte(&mut bytes, prefixes)?,
        Class::Intercepted => {
            Kind::Intercepted(intercepted::one_byte(opcode, &mut bytes, prefixes)?)
        }
        Class::Direct => Kind::Memory(memory_opcodes::direct(opcode, &mut bytes, prefixes)?),
        Class::String => Kind::Memory(memory_opcodes::string(opcode, prefixes)?),
        Class::Prefix | Class::Unknown => return Err(DecodeError::Unsupported),
    };
    Ok(Instruction {
        length: bytes.taken(),
        size,
        kind,
    })
}

#[inline(always)]
fn two_byte(bytes: &mut Bytes, prefixes: Prefixes) -> Result<Kind, DecodeError> {
    let opcode = bytes.u8()?;
    match opcode_map::two_byte(opcode) {
        Class::Intercepted => intercepted::two_byte(opcode, bytes, prefixes).map(Kind::Intercepted),
        Class::ModRm => memory_opcodes::two_byte(opcode, bytes, prefixes).map(Kind::Memory),
        _ => Err(DecodeError::Unsupported),
    }
}

impl Instruction {
    /// Linear address of the memory operand (of MOVS the source, of INVLPG the
    /// address to flush); `None` if there is none. `rip` is where the
    /// instruction starts.
    pub fn linear_address(&self, regs: &Regs, bases: &SegmentBases, rip: u64) -> Option<u64> {
        let address = match &self.kind {
            Kind::Memory(form) => form.address.decode(),
            Kind::Intercepted(Intercepted::Invlpg(address)) => address.decode(),
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
        let to = form.address.paired_destination().decode();
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

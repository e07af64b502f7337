//! Opcodes of the memory forms.
//!
//! Register operands where memory could stand are refused: such an instruction
//! touches no device, and carrying it out is the processor's business.
//!
//! Manual: 24594 appendix A (opcode maps).

use super::bytes::{Bytes, DecodeError};
use super::memory_form::{Action, Arithmetic, BitChange, MemoryForm, Source, StringMove, Unary};
use super::modrm::{EncodedAddress, ModRm};
use super::prefix::{Prefixes, Repeat};
use super::regs::{Gpr, Register, Width};

const ARITHMETIC: [Arithmetic; 8] = [
    Arithmetic::Add,
    Arithmetic::Or,
    Arithmetic::Adc,
    Arithmetic::Sbb,
    Arithmetic::And,
    Arithmetic::Sub,
    Arithmetic::Xor,
    Arithmetic::Cmp,
];

const fn arithmetic(number: u8) -> Arithmetic {
    ARITHMETIC[(number & 7) as usize]
}

#[inline(always)]
fn check_lock(form: MemoryForm, prefixes: Prefixes) -> Result<MemoryForm, DecodeError> {
    if !form.action.takes_lock() {
        prefixes.refuse_lock()?;
    }
    Ok(form)
}

/// MOV between the accumulator and an address in the instruction.
pub(super) fn direct(
    opcode: u8,
    bytes: &mut Bytes,
    prefixes: Prefixes,
) -> Result<MemoryForm, DecodeError> {
    prefixes.refuse_lock()?;
    let address_width = prefixes.address_width();
    let displacement = match address_width {
        Width::Qword => bytes.u64()?,
        Width::Dword => bytes.u32()?,
        Width::Word | Width::Byte => bytes.u16()?,
    };
    let width = prefixes.width_of(opcode);
    let accumulator = Register::Low(Gpr::RAX);
    let action = if opcode & 2 == 0 {
        Action::Load {
            into: accumulator,
            into_width: width,
            signed: false,
        }
    } else {
        Action::Store(Source::Register(accumulator))
    };
    let address = EncodedAddress::direct(prefixes, displacement);
    Ok(MemoryForm {
        action,
        width,
        address,
    })
}

/// STOS, LODS and MOVS.
pub(super) fn string(opcode: u8, prefixes: Prefixes) -> Result<MemoryForm, DecodeError> {
    prefixes.refuse_lock()?;
    let source = EncodedAddress::string_source(prefixes);
    let (operation, address) = match opcode & !1 {
        0xAA => (
            StringMove::Store,
            EncodedAddress::string_destination(prefixes),
        ),
        0xAC => (StringMove::Load, source),
        _ => (StringMove::Copy, source),
    };
    let repeated = prefixes.repeat() != Repeat::None;
    let action = Action::String {
        operation,
        repeated,
    };
    Ok(MemoryForm {
        action,
        width: prefixes.width_of(opcode),
        address,
    })
}

/// One-byte opcodes that ModRM completes.
#[inline(always)]
pub(super) fn with_modrm(
    opcode: u8,
    bytes: &mut Bytes,
    prefixes: Prefixes,
) -> Result<MemoryForm, DecodeError> {
    let modrm = ModRm::read(bytes, prefixes)?;
    let address = modrm.memory()?;
    let mut width = prefixes.width_of(opcode);
    let register = prefixes.register(modrm.reg(), width);
    let load = Action::Load {
        into: register,
        into_width: width,
        signed: false,
    };
    let action = match opcode {
        0x00..=0x3F if opcode & 7 < 2 => {
            Action::Combine(arithmetic(opcode >> 3), Source::Register(register))
        }
        0x00..=0x3F if opcode & 7 < 4 => Action::CombineInto(arithmetic(opcode >> 3), register),
        0x63 => {
            // Under an operand-size prefix vendors differ in what is read.
            if !prefixes.is_64() || prefixes.operand_width() == Width::Word {
                return Err(DecodeError::Unsupported);
            }
            width = Width::Dword;
            let into_width = prefixes.operand_width();
            Action::Load {
                into: Register::Low(Gpr::new(modrm.reg())),
                into_width,
                signed: true,
            }
        }
        0x80 | 0x81 | 0x83 => {
            let value = match opcode {
                0x81 => immediate(bytes, width)?,
                _ => bytes.i8()?,
            };
            Action::Combine(arithmetic(modrm.extension()), Source::Immediate(value))
        }
        0x84 | 0x85 => Action::Combine(Arithmetic::Test, Source::Register(register)),
        0x86 | 0x87 => Action::Exchange(register),
        0x88 | 0x89 => Action::Store(Source::Register(register)),
        0x8A | 0x8B => load,
        0xC6 | 0xC7 if modrm.extension() == 0 => {
            Action::Store(Source::Immediate(immediate(bytes, width)?))
        }
        0xF6 | 0xF7 => match modrm.extension() {
            0 => Action::Combine(
                Arithmetic::Test,
                Source::Immediate(immediate(bytes, width)?),
            ),
            2 => Action::Unary(Unary::Not),
            3 => Action::Unary(Unary::Neg),
            _ => return Err(DecodeError::Unsupported),
        },
        0xFE | 0xFF => match modrm.extension() {
            0 => Action::Unary(Unary::Inc),
            1 => Action::Unary(Unary::Dec),
            _ => return Err(DecodeError::Unsupported),
        },
        _ => return Err(DecodeError::Unsupported),
    };
    check_lock(
        MemoryForm {
            action,
            width,
            address,
        },
        prefixes,
    )
}

/// An immediate for an operand of `width`: 64-bit operands take 32 bits.
#[inline(always)]
fn immediate(bytes: &mut Bytes, width: Width) -> Result<u64, DecodeError> {
    match width {
        Width::Byte => bytes.i8(),
        Width::Word => bytes.i16(),
        Width::Dword | Width::Qword => bytes.i32(),
    }
}

/// Opcodes after 0F.
pub(super) fn two_byte(
    opcode: u8,
    bytes: &mut Bytes,
    prefixes: Prefixes,
) -> Result<MemoryForm, DecodeError> {
    let modrm = ModRm::read(bytes, prefixes)?;
    let address = modrm.memory()?;
    let operand_width = prefixes.operand_width();
    let full = prefixes.register(modrm.reg(), operand_width);
    let width = prefixes.width_of(opcode);
    let register = prefixes.register(modrm.reg(), width);
    let (action, width) = match opcode {
        0xA3 | 0xAB | 0xB3 | 0xBB => (
            Action::Bit(bit_change(opcode >> 3), Source::Register(full)),
            operand_width,
        ),
        0xBA if modrm.extension() >= 4 => {
            let index = Source::Immediate(u64::from(bytes.u8()?));
            (
                Action::Bit(bit_change(modrm.extension()), index),
                operand_width,
            )
        }
        0xB0 | 0xB1 => (Action::CompareExchange(register), width),
        0xC0 | 0xC1 => (Action::ExchangeAdd(register), width),
        0xB6 | 0xB7 | 0xBE | 0xBF => {
            let memory = if opcode & 1 == 0 {
                Width::Byte
            } else {
                Width::Word
            };
            let signed = opcode >= 0xBE;
            (
                Action::Load {
                    into: full,
                    into_width: operand_width,
                    signed,
                },
                memory,
            )
        }
        _ => return Err(DecodeError::Unsupported),
    };
    check_lock(
        MemoryForm {
            action,
            width,
            address,
        },
        prefixes,
    )
}

/// The two bits that tell BT, BTS, BTR and BTC apart, in opcode and extension
/// alike.
const fn bit_change(bits: u8) -> BitChange {
    match bits & 3 {
        0 => BitChange::Keep,
        1 => BitChange::Set,
        2 => BitChange::Reset,
        _ => BitChange::Complement,
    }
}

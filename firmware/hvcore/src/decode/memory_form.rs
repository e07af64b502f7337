//! Memory forms: the instructions that guests aim at device pages.
//!
//! A form is data: what happens to the memory operand, how wide it is, where it
//! is. Linux uses plain MOV on device pages almost everywhere; the arithmetic,
//! bit and exchange forms are there because compilers fold loads into them and
//! because small guests do not use accessor functions. Vector moves are not
//! decoded.
//! Also called: MMIO emulation, instruction emulator.
//!
//! Manual: 24594 chapter 3.

use super::modrm::EncodedAddress;
use super::regs::{Register, Width};

/// The operand that is not memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A register, as wide as the memory operand.
    Register(Register),
    /// An immediate, sign-extended to 64 bits.
    Immediate(u64),
}

/// Two-operand arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arithmetic {
    /// ADD
    Add,
    /// OR
    Or,
    /// ADC
    Adc,
    /// SBB
    Sbb,
    /// AND
    And,
    /// SUB
    Sub,
    /// XOR
    Xor,
    /// CMP: SUB without a result.
    Cmp,
    /// TEST: AND without a result.
    Test,
}

/// One-operand arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unary {
    /// NOT
    Not,
    /// NEG
    Neg,
    /// INC
    Inc,
    /// DEC
    Dec,
}

/// What happens to a tested bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BitChange {
    /// BT: nothing.
    Keep,
    /// BTS
    Set,
    /// BTR
    Reset,
    /// BTC
    Complement,
}

/// String instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StringMove {
    /// STOS: the accumulator to ES:rDI.
    Store,
    /// LODS: the form's operand to the accumulator.
    Load,
    /// MOVS: the form's operand to ES:rDI.
    Copy,
}

/// What an instruction does with its memory operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Memory to a register: MOV, MOVZX, MOVSX, MOVSXD.
    Load {
        /// Destination.
        into: Register,
        /// Width of the destination.
        into_width: Width,
        /// Extend by the sign instead of by zero.
        signed: bool,
    },
    /// Register or immediate to memory: MOV.
    Store(Source),
    /// Memory is the first operand, and takes the result if there is one.
    Combine(Arithmetic, Source),
    /// A register is the first operand, memory the second.
    CombineInto(Arithmetic, Register),
    /// Memory is the only operand.
    Unary(Unary),
    /// BT and its kin; the bit number is taken modulo the width, the operand
    /// itself was already moved by the rest (see `Instruction::linear_address`).
    Bit(BitChange, Source),
    /// XCHG
    Exchange(Register),
    /// XADD
    ExchangeAdd(Register),
    /// CMPXCHG with the accumulator; the register is the new value.
    CompareExchange(Register),
    /// STOS, LODS, MOVS
    String {
        /// Which.
        operation: StringMove,
        /// Under REP: one iteration is carried out, then the instruction is
        /// entered again.
        repeated: bool,
    },
}

/// An instruction that accesses memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryForm {
    /// What happens.
    pub action: Action,
    /// Width of the memory access.
    pub width: Width,
    /// The memory operand; of MOVS the source.
    pub address: EncodedAddress,
}

impl Arithmetic {
    /// Whether the first operand takes a result.
    pub const fn has_result(self) -> bool {
        !matches!(self, Arithmetic::Cmp | Arithmetic::Test)
    }
}

impl Action {
    /// Whether the instruction takes a LOCK prefix: it must write back what it
    /// read.
    pub(super) const fn takes_lock(&self) -> bool {
        match self {
            Action::Combine(operation, _) => operation.has_result(),
            Action::Bit(change, _) => !matches!(change, BitChange::Keep),
            Action::Unary(_)
            | Action::Exchange(_)
            | Action::ExchangeAdd(_)
            | Action::CompareExchange(_) => true,
            Action::Load { .. }
            | Action::Store(_)
            | Action::CombineInto(..)
            | Action::String { .. } => false,
        }
    }
}

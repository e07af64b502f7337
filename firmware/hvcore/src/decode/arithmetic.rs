//! Results and flags of integer arithmetic.
//!
//! Flags that the manual leaves undefined come out as processors leave them:
//! AF cleared after logic.
//!
//! Manual: 24592 section 3.1.4 (flags), 24594 chapter 3.

use super::memory_form::{Arithmetic, Unary};
use super::regs::Width;

/// `RFLAGS.CF`: carry.
pub const CF: u64 = 1 << 0;
/// `RFLAGS.PF`: parity of the low byte.
pub const PF: u64 = 1 << 2;
/// `RFLAGS.AF`: carry out of bit 3.
pub const AF: u64 = 1 << 4;
/// `RFLAGS.ZF`: zero.
pub const ZF: u64 = 1 << 6;
/// `RFLAGS.SF`: sign.
pub const SF: u64 = 1 << 7;
/// `RFLAGS.DF`: string instructions go backwards.
pub const DF: u64 = 1 << 10;
/// `RFLAGS.OF`: signed overflow.
pub const OF: u64 = 1 << 11;

const STATUS: u64 = CF | PF | AF | ZF | SF | OF;

/// `first` op `second` at `width`: the result, and `rflags` with the status
/// flags replaced.
pub(super) fn binary(
    operation: Arithmetic,
    width: Width,
    first: u64,
    second: u64,
    rflags: u64,
) -> (u64, u64) {
    let (first, second) = (first & width.mask(), second & width.mask());
    let carry_in = rflags & CF;
    let (result, flags) = match operation {
        Arithmetic::Add => add(width, first, second, 0),
        Arithmetic::Adc => add(width, first, second, carry_in),
        Arithmetic::Sub | Arithmetic::Cmp => subtract(width, first, second, 0),
        Arithmetic::Sbb => subtract(width, first, second, carry_in),
        Arithmetic::And | Arithmetic::Test => (first & second, 0),
        Arithmetic::Or => (first | second, 0),
        Arithmetic::Xor => (first ^ second, 0),
    };
    (
        result,
        rflags & !STATUS | flags | result_flags(width, result),
    )
}

/// One-operand operations. NOT leaves the flags, INC and DEC leave CF.
pub(super) fn unary(operation: Unary, width: Width, value: u64, rflags: u64) -> (u64, u64) {
    let one = |operation| {
        let (result, flags) = binary(operation, width, value, 1, rflags);
        (result, flags & !CF | rflags & CF)
    };
    match operation {
        Unary::Not => (!value & width.mask(), rflags),
        Unary::Neg => binary(Arithmetic::Sub, width, 0, value, rflags),
        Unary::Inc => one(Arithmetic::Add),
        Unary::Dec => one(Arithmetic::Sub),
    }
}

/// Sum with CF, AF and OF. Each bit's carry in is the sum without carries
/// compared with the sum; its carry out is the majority of its three inputs.
fn add(width: Width, first: u64, second: u64, carry: u64) -> (u64, u64) {
    let sum = first.wrapping_add(second).wrapping_add(carry);
    let carries = first & second | (first | second) & !sum;
    let overflow = !(first ^ second) & (first ^ sum);
    (sum & width.mask(), carry_flags(width, carries, overflow))
}

/// Difference with CF, AF and OF; as `add`, with borrows.
fn subtract(width: Width, first: u64, second: u64, borrow: u64) -> (u64, u64) {
    let difference = first.wrapping_sub(second).wrapping_sub(borrow);
    let borrows = !first & second | (!first | second) & difference;
    let overflow = (first ^ second) & (first ^ difference);
    (
        difference & width.mask(),
        carry_flags(width, borrows, overflow),
    )
}

fn carry_flags(width: Width, carries: u64, overflow: u64) -> u64 {
    let when = |condition: bool, flag| if condition { flag } else { 0 };
    when(carries & width.sign_bit() != 0, CF)
        | when(carries & 8 != 0, AF)
        | when(overflow & width.sign_bit() != 0, OF)
}

fn result_flags(width: Width, result: u64) -> u64 {
    let when = |condition: bool, flag| if condition { flag } else { 0 };
    when(result == 0, ZF)
        | when(result & width.sign_bit() != 0, SF)
        | when((result as u8).count_ones().is_multiple_of(2), PF)
}

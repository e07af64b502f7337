//! Emulation of one memory access, cut where the bus is.
//!
//! ```text
//! start(form, regs) ──> Nothing                          skip the instruction
//!                   ──> Write { width, value }           write, then finish
//!                   ──> Read { width }                   read, then finish
//!                   ──> ReadModifyWrite { width }        read, finish, write
//!                   ──> Copy { width }                   read, finish, write
//! finish(form, read, regs, rflags) ──> Next { write, retire }
//! ```
//!
//! The caller owns the bus. `finish` commits registers and flags, so whatever
//! can still fail (the walk for the RAM side of a MOVS) has to be done before
//! it. Between the halves nothing is kept: both look at the same form.
//!
//! A locked read-modify-write is not atomic against other vCPUs here; device
//! models serialise their own accesses.
//!
//! Manual: 24594 chapter 3, by instruction.

use super::arithmetic::{self, CF, DF};
use super::memory_form::{Action, Arithmetic, BitChange, MemoryForm, Source, StringMove};
use super::regs::{Gpr, Regs, Width};

/// The access an instruction wants first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MmioOp {
    /// None: a repeated string instruction with count zero.
    Nothing,
    /// Read, then `finish`.
    Read {
        /// Width of the access.
        width: Width,
    },
    /// Write, then `finish` (with any value as read).
    Write {
        /// Width of the access.
        width: Width,
        /// What to write, zero-extended.
        value: u64,
    },
    /// Read, `finish`, then write what it says to the same place.
    ReadModifyWrite {
        /// Width of both accesses.
        width: Width,
    },
    /// Read at `Instruction::linear_address`, `finish`, then write to
    /// `Instruction::copy_destination`; either may be RAM. Take both addresses
    /// before `finish`, which moves the registers they come from.
    Copy {
        /// Width of both accesses.
        width: Width,
    },
}

/// Where the guest goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retire {
    /// After the instruction.
    Advance,
    /// At the instruction: more iterations are left.
    Repeat,
}

/// The rest of the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Next {
    /// A write to make, zero-extended, as wide as the first access.
    pub write: Option<u64>,
    /// Where the guest goes on.
    pub retire: Retire,
}

const fn done(write: Option<u64>) -> Next {
    Next {
        write,
        retire: Retire::Advance,
    }
}

fn value_of(source: Source, regs: &Regs, width: Width) -> u64 {
    match source {
        Source::Register(register) => regs.read(register, width),
        Source::Immediate(value) => value & width.mask(),
    }
}

/// The access that `form` makes first.
pub fn start(form: &MemoryForm, regs: &Regs) -> MmioOp {
    let width = form.width;
    let read = MmioOp::Read { width };
    let both = MmioOp::ReadModifyWrite { width };
    match form.action {
        Action::Load { .. } | Action::CombineInto(..) => read,
        Action::Store(source) => MmioOp::Write {
            width,
            value: value_of(source, regs, width),
        },
        Action::Combine(operation, _) if operation.has_result() => both,
        Action::Combine(..) => read,
        Action::Bit(BitChange::Keep, _) => read,
        Action::Bit(BitChange::Set | BitChange::Reset | BitChange::Complement, _) => both,
        Action::Unary(_)
        | Action::Exchange(_)
        | Action::ExchangeAdd(_)
        | Action::CompareExchange(_) => both,
        Action::String { repeated: true, .. } if count(form, regs) == 0 => MmioOp::Nothing,
        Action::String { operation, .. } => match operation {
            StringMove::Store => MmioOp::Write {
                width,
                value: regs.low(Gpr::RAX, width),
            },
            StringMove::Load => read,
            StringMove::Copy => MmioOp::Copy { width },
        },
    }
}

/// Commits the instruction, `read` being what the bus gave.
pub fn finish(form: &MemoryForm, read: u64, regs: &mut Regs, rflags: &mut u64) -> Next {
    let width = form.width;
    let read = read & width.mask();
    match form.action {
        Action::Load {
            into,
            into_width,
            signed,
        } => {
            let value = if signed {
                width.sign_extend(read)
            } else {
                read
            };
            regs.write(into, into_width, value);
            done(None)
        }
        Action::Store(_) => done(None),
        Action::Combine(operation, source) => {
            let second = value_of(source, regs, width);
            let (result, flags) = arithmetic::binary(operation, width, read, second, *rflags);
            *rflags = flags;
            done(operation.has_result().then_some(result))
        }
        Action::CombineInto(operation, register) => {
            let first = regs.read(register, width);
            let (result, flags) = arithmetic::binary(operation, width, first, read, *rflags);
            *rflags = flags;
            if operation.has_result() {
                regs.write(register, width, result);
            }
            done(None)
        }
        Action::Unary(operation) => {
            let (result, flags) = arithmetic::unary(operation, width, read, *rflags);
            *rflags = flags;
            done(Some(result))
        }
        Action::Bit(change, index) => done(bit(
            change,
            value_of(index, regs, width),
            width,
            read,
            rflags,
        )),
        Action::Exchange(register) => {
            let value = regs.read(register, width);
            regs.write(register, width, read);
            done(Some(value))
        }
        Action::ExchangeAdd(register) => {
            let addend = regs.read(register, width);
            let (sum, flags) = arithmetic::binary(Arithmetic::Add, width, read, addend, *rflags);
            *rflags = flags;
            regs.write(register, width, read);
            done(Some(sum))
        }
        Action::CompareExchange(register) => {
            let new = regs.read(register, width);
            done(Some(compare_exchange(width, read, new, regs, rflags)))
        }
        Action::String {
            operation,
            repeated,
        } => string(form, operation, repeated, read, regs, *rflags),
    }
}

/// Tests a bit into CF; the changed word if it is to be written.
fn bit(change: BitChange, index: u64, width: Width, read: u64, rflags: &mut u64) -> Option<u64> {
    let place = index & u64::from(width.bits() - 1);
    *rflags = *rflags & !CF | read >> place & 1;
    let mask = 1 << place;
    match change {
        BitChange::Keep => None,
        BitChange::Set => Some(read | mask),
        BitChange::Reset => Some(read & !mask),
        BitChange::Complement => Some(read ^ mask),
    }
}

/// Compares with the accumulator; what to write, which is the old value on a
/// mismatch: the processor always ends with a write.
fn compare_exchange(width: Width, read: u64, new: u64, regs: &mut Regs, rflags: &mut u64) -> u64 {
    let accumulator = regs.low(Gpr::RAX, width);
    (_, *rflags) = arithmetic::binary(Arithmetic::Cmp, width, accumulator, read, *rflags);
    if accumulator == read {
        return new;
    }
    regs.set_low(Gpr::RAX, width, read);
    read
}

/// Repeat count: rCX at address width.
const fn count(form: &MemoryForm, regs: &Regs) -> u64 {
    regs.low(Gpr::RCX, form.address.width())
}

/// One iteration of a string instruction.
fn string(
    form: &MemoryForm,
    operation: StringMove,
    repeated: bool,
    read: u64,
    regs: &mut Regs,
    rflags: u64,
) -> Next {
    let step = form.width.bytes();
    let step = if rflags & DF == 0 {
        step
    } else {
        step.wrapping_neg()
    };
    let (source, destination, write) = match operation {
        StringMove::Store => (false, true, None),
        StringMove::Load => (true, false, None),
        StringMove::Copy => (true, true, Some(read)),
    };
    if operation == StringMove::Load {
        regs.set_low(Gpr::RAX, form.width, read);
    }
    let mut advance = |register, by| {
        let value = regs.full(register).wrapping_add(by);
        regs.set_low(register, form.address.width(), value);
    };
    if source {
        advance(Gpr::RSI, step);
    }
    if destination {
        advance(Gpr::RDI, step);
    }
    if !repeated {
        return done(write);
    }
    advance(Gpr::RCX, u64::MAX);
    let retire = if count(form, regs) == 0 {
        Retire::Advance
    } else {
        Retire::Repeat
    };
    Next { write, retire }
}

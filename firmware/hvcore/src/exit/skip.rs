//! Moving past an instruction that was handled.
//!
//! The next RIP comes from the CPU where it saves it, from EXITINFO2 for port
//! instructions, and otherwise from decoding the code at RIP. As after any
//! completed instruction the interrupt shadow ends and a single step traps.
//! 24593 sections 15.7.1 (next RIP), 13.1.4 (single step).

use super::context::{Context, StopReason, Verdict};
use crate::decode::bytes::DecodeError;
use crate::decode::fetch::{FetchError, instruction_at};
use crate::decode::mode::CodeSize;
use crate::error::GuestFault;
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::post::Cores;
use svm::vmcb::event::Event;

const RFLAGS_TF: u64 = 1 << 8;
const RFLAGS_RF: u64 = 1 << 16;
const DR6_BS: u64 = 1 << 14;

/// Past the intercepted instruction at RIP.
#[inline]
pub fn instruction<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
) -> Verdict {
    let next = at.cpu.control().next_rip;
    if at.host.next_rip() && next != 0 {
        return to(at, next);
    }
    let (rip, base, size) = (at.cpu.save().rip, at.cpu.save().cs.base, at.code_size());
    match instruction_at(at.memory, &at.paging(), base, rip, size) {
        Ok(instruction) => by(at, u64::from(instruction.length), size),
        Err(FetchError::Walk(fault)) => at.walk_fault(fault),
        Err(FetchError::Decode(error)) => undecodable(at, error),
    }
}

/// What an instruction that cannot be decoded means: #UD or #GP if the CPU should
/// have raised it (TCG lets LOCK CPUID exit), the partition's end if the code is
/// nothing we know.
pub fn undecodable<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    error: DecodeError,
) -> Verdict {
    match error {
        DecodeError::Invalid => at.fault(GuestFault::InvalidOpcode),
        DecodeError::TooLong => at.general_protection(),
        DecodeError::NeedMore | DecodeError::Unsupported => not_emulated(at),
    }
}

/// Past an instruction of known length.
#[inline]
pub fn by<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    length: u64,
    size: CodeSize,
) -> Verdict {
    let next = at.cpu.save().rip.wrapping_add(length);
    let next = match size {
        CodeSize::Bits64 => next,
        CodeSize::Bits32 => next & 0xffff_ffff,
        CodeSize::Bits16 => next & 0xffff,
    };
    to(at, next)
}

/// To a known next RIP.
#[inline]
pub fn to<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    next: u64,
) -> Verdict {
    at.cpu.set_rip(next);
    at.cpu.set_shadow(false);
    let rflags = at.cpu.save().rflags;
    if rflags & (RFLAGS_TF | RFLAGS_RF) != 0 {
        at.cpu.set_rflags(rflags & !RFLAGS_RF);
        trap_single_step(at, rflags);
    }
    Verdict::Resume
}

/// One iteration of a repeated instruction is done and more are left: RIP stays,
/// but interrupts and the single-step trap come between iterations.
pub fn iterated<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    at.cpu.set_shadow(false);
    trap_single_step(at, at.cpu.save().rflags);
    Verdict::Resume
}

#[inline]
fn trap_single_step<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    rflags: u64,
) {
    if rflags & RFLAGS_TF != 0 {
        at.cpu.set_dr6(at.cpu.save().dr6 | DR6_BS);
        at.vcpu.event = Event::exception(1);
    }
}

/// Ends the partition with the bytes of the instruction in the reason.
pub fn not_emulated<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
) -> Verdict {
    let (rip, base, size) = (at.cpu.save().rip, at.cpu.save().cs.base, at.code_size());
    let fetched = crate::decode::fetch::fetch(at.memory, &at.paging(), base, rip, size);
    let mut bytes = [0; 8];
    if let Ok(fetched) = fetched {
        for (slot, byte) in bytes.iter_mut().zip(fetched.bytes()) {
            *slot = *byte;
        }
    }
    Verdict::Stop(StopReason::NotEmulated {
        bytes: u64::from_be_bytes(bytes),
    })
}

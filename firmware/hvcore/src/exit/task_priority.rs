//! MOV to CR8, where an erratum makes us intercept it (`CR8_WRITE_ABORTS`).
//!
//! Everywhere else the guest's CR8 is V_TPR and never exits. Without decode assists
//! the source register is in the code at RIP. 24593 section 15.21.2.
//! Also called: TPR, V_TPR, CR8 intercept.

use super::context::{Context, Verdict};
use super::skip;
use crate::decode::fetch::{FetchError, instruction_at};
use crate::decode::instruction::Kind;
use crate::decode::intercepted::Intercepted;
use crate::decode::mode::CodeSize;
use crate::lapic::priority;
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::post::Cores;

/// Handles the exit. The privilege level was checked before it was taken.
#[cold]
pub fn write<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    let (rip, base, size) = (at.cpu.save().rip, at.cpu.save().cs.base, at.code_size());
    let instruction = match instruction_at(at.memory, &at.paging(), base, rip, size) {
        Ok(instruction) => instruction,
        Err(FetchError::Walk(fault)) => return at.walk_fault(fault),
        Err(FetchError::Decode(error)) => return skip::undecodable(at, error),
    };
    let Kind::Intercepted(Intercepted::MovToCr { to: 8, from }) = instruction.kind else {
        // The code changed between the exit and now.
        return skip::not_emulated(at);
    };
    let full = at.vcpu.regs.full(from);
    let value = if size == CodeSize::Bits64 {
        full
    } else {
        full & 0xffff_ffff
    };
    if value > 15 {
        return at.general_protection();
    }
    priority::set_cr8(&at.shared.page, value as u8);
    skip::by(at, instruction.length.into(), size)
}

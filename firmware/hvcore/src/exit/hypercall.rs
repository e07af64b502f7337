//! VMMCALL: no hypercall exists yet, and the guest is told so as KVM would.

use super::context::{Context, Verdict};
use super::skip;
use crate::decode::regs::{Gpr, Width};
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::post::Cores;
use abi::kvm::hypercall;

/// Handles the exit (PLT-22): an error in RAX, nothing else changed.
pub fn handle<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    let answer = if at.cpu.save().cpl == 0 {
        hypercall::ENOSYS
    } else {
        hypercall::EPERM
    };
    let rip = at.cpu.save().rip;
    let verdict = skip::instruction(at);
    if verdict == Verdict::Resume && at.cpu.save().rip != rip {
        at.vcpu.regs.set_low(Gpr::RAX, Width::Qword, answer);
    }
    verdict
}

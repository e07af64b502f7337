//! CPUID: the partition's table answers.

use super::context::{Context, Verdict};
use super::skip;
use crate::decode::regs::{Gpr, Width};
use crate::policy::cpuid::Dynamic;
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::post::Cores;

const CR4_OSXSAVE: u64 = 1 << 18;
const LEAF_XSAVE: u32 = 0xd;

/// Handles the exit.
pub fn handle<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    let leaf = at.vcpu.regs.full(Gpr::RAX) as u32;
    let subleaf = at.vcpu.regs.full(Gpr::RCX) as u32;
    let dynamic = Dynamic {
        // XGETBV only where the answer depends on it.
        xcr0: if leaf == LEAF_XSAVE { at.cpu.xcr0() } else { 1 },
        osxsave: at.cpu.save().cr4 & CR4_OSXSAVE != 0,
    };
    let answer = at.facts.cpuid.lookup(leaf, subleaf, at.vcpu.id, dynamic);
    // The answer is written only when the instruction completes.
    let before = at.vcpu.event;
    let verdict = skip::instruction(at);
    if verdict == Verdict::Resume && (at.vcpu.event == before || at.vcpu.event.vector() == 1) {
        let regs = &mut at.vcpu.regs;
        regs.set_low(Gpr::RAX, Width::Dword, u64::from(answer.eax));
        regs.set_low(Gpr::RBX, Width::Dword, u64::from(answer.ebx));
        regs.set_low(Gpr::RCX, Width::Dword, u64::from(answer.ecx));
        regs.set_low(Gpr::RDX, Width::Dword, u64::from(answer.edx));
    }
    verdict
}

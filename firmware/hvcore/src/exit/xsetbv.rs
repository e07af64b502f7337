//! XSETBV, where the CPU intercepts it: the value is checked, then set for real.
//!
//! Only #UD comes before the intercept; the privilege level is ours to check, or
//! user code could change what its kernel saves. 24593 section 15.9.

use super::context::{Context, Verdict};
use super::skip;
use crate::decode::regs::Gpr;
use crate::policy::xcr0;
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::post::Cores;

/// Handles the exit.
pub fn handle<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    let regs = &at.vcpu.regs;
    let value = (regs.full(Gpr::RDX) << 32) | (regs.full(Gpr::RAX) & 0xffff_ffff);
    let user = at.cpu.save().cpl != 0;
    if user || !xcr0::accepts(regs.full(Gpr::RCX) as u32, value, at.host.xcr0) {
        return at.general_protection();
    }
    at.cpu.set_xcr0(value);
    at.vcpu.xsetbv_exited = true;
    skip::instruction(at)
}

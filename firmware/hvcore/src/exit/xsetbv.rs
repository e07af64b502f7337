//! XSETBV, where the CPU intercepts it: the value is checked, then set for real.
//!
//! 24594 XSETBV: XCR0 needs x87, AVX needs SSE, and nothing the CPU lacks.

use super::context::{Context, Verdict};
use super::skip;
use crate::decode::regs::Gpr;
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::post::Cores;

/// Components a guest may turn on: x87, SSE, AVX.
pub const GUEST_XCR0: u64 = 0b111;

/// True for a value XCR0 can take on a host that supports `supported`.
pub const fn legal(value: u64, supported: u64) -> bool {
    value & 1 != 0 && value & !(supported & GUEST_XCR0) == 0 && (value & 4 == 0 || value & 2 != 0)
}

/// Handles the exit.
pub fn handle<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    let regs = &at.vcpu.regs;
    let value = (regs.full(Gpr::RDX) << 32) | (regs.full(Gpr::RAX) & 0xffff_ffff);
    if regs.full(Gpr::RCX) as u32 != 0 || !legal(value, at.host.xcr0) {
        return at.general_protection();
    }
    at.cpu.set_xcr0(value);
    skip::instruction(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-60.
    #[test]
    fn xcr0_takes_only_legal_combinations_the_host_has() {
        assert!(legal(0b111, 0b111) && legal(1, 1));
        assert!(!legal(0b110, 0b111), "x87 is mandatory");
        assert!(!legal(0b101, 0b111), "AVX needs SSE");
        assert!(!legal(0b111, 0b011), "the host lacks AVX");
        assert!(!legal(1 << 9 | 1, u64::MAX), "PKRU is not offered");
    }
}

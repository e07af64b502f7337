//! XSETBV: which values of XCR0 a guest may set.
//!
//! XCR0 is the core's, not the VMCB's, so a wrong value would fault in our own
//! context when it is loaded (24593 section 11.5.2).

/// State that XSAVE handles always.
const X87: u64 = 1;
const SSE: u64 = 2;
const AVX: u64 = 4;

/// Whether XSETBV with ECX = `register` may set `value`; otherwise #GP.
///
/// `allowed` is `HostCpuid::guest_xcr0`. x87 cannot be off, AVX needs SSE.
pub const fn accepts(register: u32, value: u64, allowed: u64) -> bool {
    register == 0
        && value & X87 != 0
        && value & !allowed == 0
        && (value & AVX == 0 || value & SSE != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-60: all combinations of the three bits, one beyond, another register.
    #[test]
    fn x87_stays_on_and_avx_needs_sse() {
        let good: Vec<u64> = (0..16).filter(|value| accepts(0, *value, 7)).collect();
        assert_eq!(good, [1, 3, 7]);
        let without_avx: Vec<u64> = (0..16).filter(|value| accepts(0, *value, 3)).collect();
        assert_eq!(without_avx, [1, 3]);
        assert!(!accepts(1, 1, 7) && !accepts(0, 1 << 63 | 1, 7) && !accepts(0, 1, 0));
    }
}

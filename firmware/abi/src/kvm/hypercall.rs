//! KVM hypercalls: registers, numbers, answers.
//!
//! VMMCALL with the number in RAX and up to four arguments in RBX, RCX, RDX and
//! RSI; the answer replaces RAX and nothing else changes.

/// Wake a halted vCPU by APIC id.
pub const KICK_CPU: u64 = 5;
/// Pair of TSC and wall clock, for host time synchronisation.
pub const CLOCK_PAIRING: u64 = 9;
/// IPI to a set of vCPUs.
pub const SEND_IPI: u64 = 10;
/// Yield to a vCPU by APIC id.
pub const SCHED_YIELD: u64 = 11;

/// Answer to a number that is not offered (-1000).
pub const ENOSYS: u64 = (-1000_i64) as u64;
/// Answer to a caller that is not at CPL 0 (-1).
pub const EPERM: u64 = (-1_i64) as u64;

/// What RAX holds after a hypercall when none is offered.
///
/// The privilege check comes first, as in KVM: a program in user mode does not
/// learn which numbers exist.
pub const fn answer_without_services(cpl: u8) -> u64 {
    if cpl == 0 { ENOSYS } else { EPERM }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-22: unknown number at CPL 0, any number above.
    #[test]
    fn only_the_kernel_learns_that_a_number_is_unknown() {
        assert_eq!(answer_without_services(0) as i64, -1000);
        for cpl in 1..=3 {
            assert_eq!(answer_without_services(cpl) as i64, -1);
        }
    }
}

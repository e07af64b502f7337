//! Exit codes (24593 appendix C), open: a newer CPU may report one we do not know.

/// Why the guest left, as the VMCB holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct ExitCode(pub u64);

#[expect(
    missing_docs,
    reason = "names are the manual's; the table is the documentation"
)]
impl ExitCode {
    pub const CR0_READ: Self = Self(0x00);
    pub const CR0_WRITE: Self = Self(0x10);
    pub const CR8_WRITE: Self = Self(0x18);
    pub const DR0_READ: Self = Self(0x20);
    pub const DR0_WRITE: Self = Self(0x30);
    pub const EXCEPTION_DB: Self = Self(0x41);
    pub const EXCEPTION_AC: Self = Self(0x51);
    pub const EXCEPTION_MC: Self = Self(0x52);
    pub const INTR: Self = Self(0x60);
    pub const NMI: Self = Self(0x61);
    pub const SMI: Self = Self(0x62);
    pub const INIT: Self = Self(0x63);
    pub const VINTR: Self = Self(0x64);
    pub const CR0_SELECTIVE: Self = Self(0x65);
    pub const RDPMC: Self = Self(0x6f);
    pub const CPUID: Self = Self(0x72);
    pub const IRET: Self = Self(0x74);
    pub const INVD: Self = Self(0x76);
    pub const PAUSE: Self = Self(0x77);
    pub const HLT: Self = Self(0x78);
    pub const INVLPGA: Self = Self(0x7a);
    pub const IOIO: Self = Self(0x7b);
    pub const MSR: Self = Self(0x7c);
    pub const TASK_SWITCH: Self = Self(0x7d);
    pub const SHUTDOWN: Self = Self(0x7f);
    pub const VMRUN: Self = Self(0x80);
    pub const VMMCALL: Self = Self(0x81);
    pub const VMLOAD: Self = Self(0x82);
    pub const VMSAVE: Self = Self(0x83);
    pub const STGI: Self = Self(0x84);
    pub const CLGI: Self = Self(0x85);
    pub const SKINIT: Self = Self(0x86);
    pub const WBINVD: Self = Self(0x89);
    pub const MONITOR: Self = Self(0x8a);
    pub const MWAIT: Self = Self(0x8b);
    pub const MWAIT_ARMED: Self = Self(0x8c);
    pub const XSETBV: Self = Self(0x8d);
    pub const RDPRU: Self = Self(0x8e);
    pub const NESTED_PAGE_FAULT: Self = Self(0x400);
    pub const AVIC_INCOMPLETE_IPI: Self = Self(0x401);
    pub const AVIC_NOACCEL: Self = Self(0x402);
}

impl ExitCode {
    /// VMRUN refused the VMCB. TCG reports it with bits 63:32 clear
    /// (`FFFF_FFFFh`), silicon with all ones.
    pub const fn invalid(self) -> bool {
        self.0 == u64::MAX || self.0 == 0xffff_ffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The emulator's 32-bit form was once taken for an unknown exit.
    #[test]
    fn both_forms_of_invalid_are_recognised() {
        assert!(ExitCode(u64::MAX).invalid());
        assert!(ExitCode(0xffff_ffff).invalid());
        assert!(!ExitCode::NESTED_PAGE_FAULT.invalid());
    }
}

//! Intercept words and the set that is forced on every guest.
//!
//! The forced set is the isolation policy in one place: without these exits a
//! guest could reach the machine. 24593 section 15.9 and table B-1.

/// Offset 000h, writes in the upper half: MOV to CR8. No other move of a control
/// register is ever intercepted.
pub const CR8_WRITE: u32 = 1 << (16 + 8);

bitflags::bitflags! {
    /// Offset 00Ch: first word of instruction and event intercepts.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Misc1: u32 {
        /// Physical maskable interrupt.
        const INTR = 1 << 0;
        /// Non-maskable interrupt.
        const NMI = 1 << 1;
        /// System management interrupt.
        const SMI = 1 << 2;
        /// INIT.
        const INIT = 1 << 3;
        /// Virtual interrupt about to be taken.
        const VINTR = 1 << 4;
        /// Write to CR0 that changes more than TS and MP.
        const CR0_SELECTIVE = 1 << 5;
        /// RDPMC.
        const RDPMC = 1 << 15;
        /// IRET.
        const IRET = 1 << 20;
        /// CPUID.
        const CPUID = 1 << 18;
        /// INVD.
        const INVD = 1 << 22;
        /// PAUSE.
        const PAUSE = 1 << 23;
        /// HLT.
        const HLT = 1 << 24;
        /// INVLPGA.
        const INVLPGA = 1 << 26;
        /// IN, OUT, INS, OUTS by the permission map.
        const IOIO = 1 << 27;
        /// RDMSR, WRMSR by the permission map.
        const MSR = 1 << 28;
        /// Task switch.
        const TASK_SWITCH = 1 << 29;
        /// Shutdown (triple fault).
        const SHUTDOWN = 1 << 31;
    }
}

bitflags::bitflags! {
    /// Offset 010h: second word of instruction intercepts.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Misc2: u32 {
        /// VMRUN; VMRUN itself demands this one.
        const VMRUN = 1 << 0;
        /// VMMCALL.
        const VMMCALL = 1 << 1;
        /// VMLOAD.
        const VMLOAD = 1 << 2;
        /// VMSAVE.
        const VMSAVE = 1 << 3;
        /// STGI.
        const STGI = 1 << 4;
        /// CLGI.
        const CLGI = 1 << 5;
        /// SKINIT.
        const SKINIT = 1 << 6;
        /// WBINVD and WBNOINVD.
        const WBINVD = 1 << 9;
        /// MONITOR.
        const MONITOR = 1 << 10;
        /// MWAIT.
        const MWAIT = 1 << 11;
        /// MWAIT when the monitor is armed.
        const MWAIT_ARMED = 1 << 12;
        /// XSETBV.
        const XSETBV = 1 << 13;
        /// RDPRU.
        const RDPRU = 1 << 14;
    }
}

/// First-word intercepts of every guest, whatever it is.
pub const FORCED_1: Misc1 = Misc1::INTR
    .union(Misc1::NMI)
    .union(Misc1::SMI)
    .union(Misc1::INIT)
    .union(Misc1::RDPMC)
    .union(Misc1::CPUID)
    .union(Misc1::INVD)
    .union(Misc1::HLT)
    .union(Misc1::INVLPGA)
    .union(Misc1::IOIO)
    .union(Misc1::MSR)
    .union(Misc1::TASK_SWITCH)
    .union(Misc1::SHUTDOWN);

/// Second-word intercepts of every guest.
pub const FORCED_2: Misc2 = Misc2::VMRUN
    .union(Misc2::VMMCALL)
    .union(Misc2::VMLOAD)
    .union(Misc2::VMSAVE)
    .union(Misc2::STGI)
    .union(Misc2::CLGI)
    .union(Misc2::SKINIT)
    .union(Misc2::WBINVD)
    .union(Misc2::MONITOR)
    .union(Misc2::MWAIT)
    .union(Misc2::XSETBV)
    .union(Misc2::RDPRU);

/// Exceptions that exit: #DB and #AC, because a guest can make their delivery
/// loop for ever inside the CPU, and #MC, which is the board's business first.
pub const FORCED_EXCEPTIONS: u32 = (1 << 1) | (1 << 17) | (1 << 18);

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-60. Without VMRUN in the set VMRUN fails; without the others a guest
    /// runs SVM instructions or the shutdown of one guest resets the board.
    #[test]
    fn every_svm_instruction_and_shutdown_exits() {
        assert_eq!(FORCED_2.bits() & 0x7f, 0x7f);
        assert!(FORCED_1.contains(Misc1::SHUTDOWN | Misc1::INVLPGA));
    }

    /// PLT-60.
    #[test]
    fn pause_is_never_intercepted() {
        assert!(!FORCED_1.contains(Misc1::PAUSE));
    }
}

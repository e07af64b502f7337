//! Exit codes and exceptions in words.
//!
//! Only for people: nothing decides by these names. A code without a name is
//! printed as its number.
//! Manual: 24593 appendix C (exit codes), sections 8.2, 15.10.2, 15.11.

use core::fmt::{self, Display, Formatter};

use svm::exit_code::ExitCode;

/// An exit with its two words of information; prints as a phrase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExitPhrase {
    /// Exit code.
    pub code: u64,
    /// First word of exit information.
    pub info1: u64,
    /// Second word of exit information.
    pub info2: u64,
}

impl Display for ExitPhrase {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        ExitName(self.code).fmt(f)?;
        match ExitCode(self.code) {
            ExitCode::NESTED_PAGE_FAULT => {
                let access = match (self.info1 & 0x10 != 0, self.info1 & 2 != 0) {
                    (true, _) => "fetch from",
                    (false, true) => "write to",
                    (false, false) => "read of",
                };
                write!(f, ": {access} {:#x}", self.info2)
            }
            ExitCode::IOIO => {
                let direction = if self.info1 & 1 != 0 {
                    "in from"
                } else {
                    "out to"
                };
                write!(f, ": {direction} port {:#x}", self.info1 >> 16 & 0xffff)
            }
            ExitCode::MSR => f.write_str(if self.info1 & 1 != 0 {
                ": write"
            } else {
                ": read"
            }),
            _ => Ok(()),
        }
    }
}

/// An exit code alone; prints as a phrase.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExitName(pub u64);

impl Display for ExitName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let code = self.0;
        if ExitCode(code).invalid() {
            return f.write_str("guest state refused by VMRUN");
        }
        match code {
            0x00..=0x0f => write!(f, "read of CR{code}"),
            0x10..=0x1f => write!(f, "write to CR{}", code - 0x10),
            0x20..=0x2f => write!(f, "read of DR{}", code - 0x20),
            0x30..=0x3f => write!(f, "write to DR{}", code - 0x30),
            0x40..=0x5f => write!(f, "exception {}", exception_name((code - 0x40) as u8)),
            _ => match single_name(ExitCode(code)) {
                Some(name) => f.write_str(name),
                None => write!(f, "exit {code:#x}, which has no name here"),
            },
        }
    }
}

/// Exits that have a code of their own.
const fn single_name(code: ExitCode) -> Option<&'static str> {
    Some(match code {
        ExitCode::INTR => "physical interrupt",
        ExitCode::NMI => "NMI",
        ExitCode::SMI => "SMI",
        ExitCode::INIT => "INIT",
        ExitCode::VINTR => "virtual interrupt window",
        ExitCode::CR0_SELECTIVE => "selective write to CR0",
        ExitCode::RDPMC => "RDPMC",
        ExitCode::CPUID => "CPUID",
        ExitCode::IRET => "IRET",
        ExitCode::INVD => "INVD",
        ExitCode::PAUSE => "PAUSE",
        ExitCode::HLT => "HLT",
        ExitCode::INVLPGA => "INVLPGA",
        ExitCode::IOIO => "port access",
        ExitCode::MSR => "MSR access",
        ExitCode::TASK_SWITCH => "task switch",
        ExitCode::SHUTDOWN => "shutdown",
        ExitCode::VMRUN => "VMRUN",
        ExitCode::VMMCALL => "VMMCALL",
        ExitCode::VMLOAD => "VMLOAD",
        ExitCode::VMSAVE => "VMSAVE",
        ExitCode::STGI => "STGI",
        ExitCode::CLGI => "CLGI",
        ExitCode::SKINIT => "SKINIT",
        ExitCode::WBINVD => "WBINVD",
        ExitCode::MONITOR => "MONITOR",
        ExitCode::MWAIT | ExitCode::MWAIT_ARMED => "MWAIT",
        ExitCode::XSETBV => "XSETBV",
        ExitCode::RDPRU => "RDPRU",
        ExitCode::NESTED_PAGE_FAULT => "nested page fault",
        ExitCode::AVIC_INCOMPLETE_IPI => "AVIC: incomplete IPI",
        ExitCode::AVIC_NOACCEL => "AVIC: register not accelerated",
        _ => return None,
    })
}

/// The manual's mnemonic of an exception vector (24593 section 8.2).
pub const fn exception_name(vector: u8) -> &'static str {
    match vector {
        0 => "#DE",
        1 => "#DB",
        2 => "NMI",
        3 => "#BP",
        4 => "#OF",
        5 => "#BR",
        6 => "#UD",
        7 => "#NM",
        8 => "#DF",
        10 => "#TS",
        11 => "#NP",
        12 => "#SS",
        13 => "#GP",
        14 => "#PF",
        16 => "#MF",
        17 => "#AC",
        18 => "#MC",
        19 => "#XF",
        21 => "#CP",
        28 => "#HV",
        29 => "#VC",
        30 => "#SX",
        _ => "of a reserved vector",
    }
}

//! What the end of QEMU means.
//!
//! Owns: the table from QEMU's exit status to ours. The exit device turns a value v
//! into status 2v + 1. With `-no-reboot` a reset or triple fault ends QEMU with
//! status 0, so 0 is a failure here.

use crate::failure::Failure;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Status after the firmware wrote 0x10: ordered power-off.
pub const POWERED_OFF: i32 = 0x10 << 1 | 1;

/// Judges an end; `said` is what QEMU printed.
pub fn judge(status: ExitStatus, said: &str) -> Result<(), Failure> {
    match status.code() {
        Some(POWERED_OFF) => Ok(()),
        Some(0) => Err(Failure::machine(
            "the machine was reset, or its CPU met a triple fault; neither is an ordered power-off",
        )),
        Some(1) => Err(Failure::tool(format!(
            "QEMU does not start this machine:\n{said}"
        ))),
        Some(code) if code & 1 == 1 => Err(Failure::machine(format!(
            "the firmware ended the machine with code {:#x}",
            code >> 1
        ))),
        Some(code) => Err(Failure::tool(format!(
            "QEMU ended with status {code}:\n{said}"
        ))),
        None => Err(Failure::machine(format!(
            "QEMU was killed by signal {}\n{said}",
            status.signal().unwrap_or(0)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(status: i32) -> u8 {
        judge(ExitStatus::from_raw(status << 8), "").map_or_else(|failure| failure.code(), |()| 0)
    }

    #[test]
    fn only_the_ordered_power_off_is_good() {
        assert_eq!(code(33), 0);
        assert_eq!(code(0), 1, "a triple fault looks like success to QEMU");
        assert_eq!(code(35), 1);
        assert_eq!(
            code(1),
            3,
            "QEMU's own refusal is no verdict on the firmware"
        );
        assert_eq!(
            judge(ExitStatus::from_raw(9), "").map_err(|f| f.code()),
            Err(1)
        );
    }
}

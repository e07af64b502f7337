//! Model-specific registers: reads, writes, and attempts that may fault.
//!
//! [`write()`] refuses the two registers on which the runtime's own memory safety rests; a probe that
//! wants to try those says so with [`write_any`].
//! Manual: 24593 appendix A. Also called: rdmsr, wrmsr.
#![expect(unsafe_code)]
// UNSAFETY: RDMSR and WRMSR.

use crate::fault::{Fault, catch};
use core::arch::asm;

/// Extended feature enable.
pub const EFER: u32 = 0xC000_0080;
/// Base of GS, where the runtime keeps the per-CPU pointer (A5).
pub const GS_BASE: u32 = 0xC000_0101;

/// Reads `index`. A register that does not exist is a general protection fault.
#[inline]
pub fn read(index: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reading a register changes no memory.
    unsafe {
        asm!("rdmsr", in("ecx") index, out("eax") low, out("edx") high, options(nostack, preserves_flags))
    };
    u64::from(high) << 32 | u64::from(low)
}

/// Writes `index`. A value or a register that the CPU refuses is a general protection fault.
///
/// # Panics
/// For EFER and GS base, which only [`write_any`] may touch.
#[inline]
pub fn write(index: u32, value: u64) {
    assert!(index != EFER && index != GS_BASE);
    // SAFETY: the registers on which A2 and A5 rest are excluded.
    unsafe { write_any(index, value) }
}

/// Writes any register.
///
/// # Safety
/// The new value keeps long mode and the per-CPU pointer, or the write faults.
#[inline]
pub unsafe fn write_any(index: u32, value: u64) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!("wrmsr", in("ecx") index, in("eax") value as u32, in("edx") (value >> 32) as u32, options(nostack, preserves_flags))
    };
}

/// Reads `index`, or tells which fault that gave.
pub fn try_read(index: u32) -> Result<u64, Fault> {
    catch(|| read(index))
}

/// Writes `index`, or tells which fault that gave. EFER and GS base as for [`write()`].
pub fn try_write(index: u32, value: u64) -> Result<(), Fault> {
    catch(|| write(index, value))
}

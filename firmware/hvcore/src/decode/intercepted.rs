//! Instructions that SVM intercepts: their length, and the operands that the
//! exit does not report.
//!
//! None of them is carried out here; the exit handler does that and then skips
//! the length. Control- and debug-register moves carry their two numbers,
//! because without decode assists EXITINFO1 does not.
//!
//! Manual: 24593 section 15.9 (intercepts by instruction), 24594 chapter 4.

use super::bytes::{Bytes, DecodeError};
use super::modrm::{EncodedAddress, ModRm};
use super::operand::RegMem;
use super::prefix::{Prefixes, Repeat};
use super::regs::{Gpr, Width};

/// Where an I/O instruction takes its port from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Port {
    /// The immediate byte.
    Immediate(u8),
    /// DX.
    Dx,
}

/// An instruction that can exit by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Intercepted {
    /// CPUID
    Cpuid,
    /// RDMSR
    Rdmsr,
    /// WRMSR
    Wrmsr,
    /// RDTSC
    Rdtsc,
    /// RDTSCP
    Rdtscp,
    /// RDPMC
    Rdpmc,
    /// XSETBV
    Xsetbv,
    /// HLT
    Hlt,
    /// PAUSE
    Pause,
    /// MONITOR
    Monitor,
    /// MWAIT
    Mwait,
    /// MONITORX
    Monitorx,
    /// MWAITX
    Mwaitx,
    /// RDPRU
    Rdpru,
    /// INVD
    Invd,
    /// WBINVD
    Wbinvd,
    /// WBNOINVD
    Wbnoinvd,
    /// INVLPG; the operand's address counts, its memory is not touched.
    Invlpg(EncodedAddress),
    /// VMMCALL
    Vmmcall,
    /// VMRUN
    Vmrun,
    /// VMLOAD
    Vmload,
    /// VMSAVE
    Vmsave,
    /// STGI
    Stgi,
    /// CLGI
    Clgi,
    /// SKINIT
    Skinit,
    /// INVLPGA
    Invlpga,
    /// MOV from a control register; the number is 0 to 15.
    MovFromCr {
        /// Control register.
        from: u8,
        /// Destination, full width of the mode.
        to: Gpr,
    },
    /// MOV to a control register.
    MovToCr {
        /// Control register.
        to: u8,
        /// Source, full width of the mode.
        from: Gpr,
    },
    /// MOV from a debug register.
    MovFromDr {
        /// Debug register.
        from: u8,
        /// Destination, full width of the mode.
        to: Gpr,
    },
    /// MOV to a debug register.
    MovToDr {
        /// Debug register.
        to: u8,
        /// Source, full width of the mode.
        from: Gpr,
    },
    /// CLTS
    Clts,
    /// LMSW; the source is 16 bits wide.
    Lmsw(RegMem),
    /// SMSW; a register destination has the given width, memory 16 bits.
    Smsw(RegMem, Width),
    /// IN
    In(Port, Width),
    /// OUT
    Out(Port, Width),
    /// INS, one iteration or under REP.
    Ins(Width),
    /// OUTS, one iteration or under REP.
    Outs(Width),
    /// INT n
    Int(u8),
    /// INT3
    Int3,
    /// INTO
    Into,
    /// The one-byte debug trap, opcode F1.
    Icebp,
}

/// One-byte opcodes.
pub(super) fn one_byte(
    opcode: u8,
    bytes: &mut Bytes,
    prefixes: Prefixes,
) -> Result<Intercepted, DecodeError> {
    prefixes.refuse_lock()?;
    Ok(match opcode {
        0x6C | 0x6D => Intercepted::Ins(port_width(opcode, prefixes)),
        0x6E | 0x6F => Intercepted::Outs(port_width(opcode, prefixes)),
        0x90 if prefixes.repeat() == Repeat::F3 => Intercepted::Pause,
        0xCC => Intercepted::Int3,
        0xCD => Intercepted::Int(bytes.u8()?),
        0xCE if prefixes.is_64() => return Err(DecodeError::Invalid),
        0xCE => Intercepted::Into,
        0xE4 | 0xE5 => Intercepted::In(Port::Immediate(bytes.u8()?), port_width(opcode, prefixes)),
        0xE6 | 0xE7 => Intercepted::Out(Port::Immediate(bytes.u8()?), port_width(opcode, prefixes)),
        0xEC | 0xED => Intercepted::In(Port::Dx, port_width(opcode, prefixes)),
        0xEE | 0xEF => Intercepted::Out(Port::Dx, port_width(opcode, prefixes)),
        0xF1 => Intercepted::Icebp,
        0xF4 => Intercepted::Hlt,
        _ => return Err(DecodeError::Unsupported),
    })
}

/// Ports are at most 32 bits wide, also under REX.W.
fn port_width(opcode: u8, prefixes: Prefixes) -> Width {
    prefixes.width_of(opcode).min(Width::Dword)
}

/// Opcodes after 0F.
pub(super) fn two_byte(
    opcode: u8,
    bytes: &mut Bytes,
    prefixes: Prefixes,
) -> Result<Intercepted, DecodeError> {
    if let 0x20..=0x23 = opcode {
        return register_move(opcode, bytes, prefixes);
    }
    prefixes.refuse_lock()?;
    Ok(match opcode {
        0x01 => return group_7(bytes, prefixes),
        0x06 => Intercepted::Clts,
        0x08 => Intercepted::Invd,
        0x09 if prefixes.repeat() == Repeat::F3 => Intercepted::Wbnoinvd,
        0x09 => Intercepted::Wbinvd,
        0x30 => Intercepted::Wrmsr,
        0x31 => Intercepted::Rdtsc,
        0x32 => Intercepted::Rdmsr,
        0x33 => Intercepted::Rdpmc,
        0xA2 => Intercepted::Cpuid,
        _ => return Err(DecodeError::Unsupported),
    })
}

/// MOV to and from control and debug registers. The mode field of ModRM is
/// ignored: both operands are always registers. LOCK before a move of CR0
/// names CR8, so that 32-bit code can reach it (CPUID 8000_0001 ECX bit 4).
fn register_move(
    opcode: u8,
    bytes: &mut Bytes,
    prefixes: Prefixes,
) -> Result<Intercepted, DecodeError> {
    let byte = bytes.u8()?;
    let special = byte >> 3 & 7 | prefixes.reg_high();
    let gpr = Gpr::new(byte & 7 | prefixes.base_high());
    let debug = opcode & 1 != 0;
    let special = match (prefixes.lock(), debug, special) {
        (true, false, 0) => 8,
        (true, _, _) => return Err(DecodeError::Invalid),
        (false, false, 0 | 2 | 3 | 4 | 8) => special,
        (false, true, 0..=7) => special,
        (false, _, _) => return Err(DecodeError::Invalid),
    };
    Ok(match opcode {
        0x20 => Intercepted::MovFromCr {
            from: special,
            to: gpr,
        },
        0x21 => Intercepted::MovFromDr {
            from: special,
            to: gpr,
        },
        0x22 => Intercepted::MovToCr {
            to: special,
            from: gpr,
        },
        _ => Intercepted::MovToDr {
            to: special,
            from: gpr,
        },
    })
}

/// 0F 01: the register forms are instructions of their own.
fn group_7(bytes: &mut Bytes, prefixes: Prefixes) -> Result<Intercepted, DecodeError> {
    let byte = bytes.u8()?;
    let selects = prefixes.operand_override() || prefixes.repeat() != Repeat::None;
    if let 0xC8 | 0xC9 | 0xD1 | 0xFA | 0xFB | 0xFD = byte
        && selects
    {
        // Under 66, F2 or F3 these opcodes mean something else, or nothing.
        return Err(DecodeError::Invalid);
    }
    Ok(match byte {
        0xC8 => Intercepted::Monitor,
        0xC9 => Intercepted::Mwait,
        0xD1 => Intercepted::Xsetbv,
        0xD8 => Intercepted::Vmrun,
        0xD9 => Intercepted::Vmmcall,
        0xDA => Intercepted::Vmload,
        0xDB => Intercepted::Vmsave,
        0xDC => Intercepted::Stgi,
        0xDD => Intercepted::Clgi,
        0xDE => Intercepted::Skinit,
        0xDF => Intercepted::Invlpga,
        0xF9 => Intercepted::Rdtscp,
        0xFA => Intercepted::Monitorx,
        0xFB => Intercepted::Mwaitx,
        0xFD => Intercepted::Rdpru,
        _ => {
            let modrm = ModRm::after(byte, bytes, prefixes)?;
            match (modrm.extension(), modrm.operand()) {
                (4, operand) => Intercepted::Smsw(operand, prefixes.operand_width()),
                (6, operand) => Intercepted::Lmsw(operand),
                (7, RegMem::Memory(address)) => Intercepted::Invlpg(address),
                _ => return Err(DecodeError::Unsupported),
            }
        }
    })
}

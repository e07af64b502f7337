//! Plain instructions: the few that make up nearly all exits, at a glance.
//!
//! CPUID, RDMSR, WRMSR, VMMCALL and HLT without prefixes, and MOV between a
//! register and memory with no prefix but REX, which is all that Linux aims at
//! device pages. They are recognised in one 64-bit word, in a third of the
//! instructions that full decoding takes; whatever else the word may hold is
//! left to that. The answers are the same, and tests hold them to it.
//!
//! Manual: 24594 sections 1.2.7 (REX) and 1.4 (ModRM).

use super::instruction::{Instruction, Kind};
use super::intercepted::Intercepted;
use super::memory_form::{Action, MemoryForm, Source};
use super::mode::CodeSize;
use super::modrm::EncodedAddress;
use super::prefix::Prefixes;
use super::regs::{Gpr, Register};

const CPUID: u16 = 0xA20F;
const RDMSR: u16 = 0x320F;
const WRMSR: u16 = 0x300F;
/// 0F 01, which VMMCALL shares with many.
const GROUP_7: u16 = 0x010F;
const VMMCALL: u8 = 0xD9;
const HLT: u8 = 0xF4;
const MOV_TO_MEMORY: u8 = 0x89;
const MOV_TO_REGISTER: u8 = 0x8B;

/// The instruction that `word`, eight bytes of code, begins with, if it is a
/// plain one.
#[inline(always)]
pub(super) const fn recognise(word: u64, size: CodeSize) -> Option<Instruction> {
    let (length, kind) = match word as u16 {
        CPUID => (2, Intercepted::Cpuid),
        RDMSR => (2, Intercepted::Rdmsr),
        WRMSR => (2, Intercepted::Wrmsr),
        GROUP_7 if (word >> 16) as u8 == VMMCALL => (3, Intercepted::Vmmcall),
        _ if word as u8 == HLT => (1, Intercepted::Hlt),
        _ => return mov(word, size),
    };
    Some(Instruction {
        length,
        size,
        kind: Kind::Intercepted(kind),
    })
}

/// 89 and 8B with 32- or 64-bit addresses. REX, opcode, ModRM, SIB and
/// displacement are eight bytes at most.
#[inline(always)]
const fn mov(word: u64, size: CodeSize) -> Option<Instruction> {
    let (rex, code, mut length) = match size {
        CodeSize::Bits16 => return None,
        CodeSize::Bits64 if word & 0xF0 == 0x40 => (word as u8, word >> 8, 3),
        CodeSize::Bits32 | CodeSize::Bits64 => (0, word, 2),
    };
    let (opcode, modrm) = (code as u8, (code >> 8) as u8);
    if !matches!(opcode, MOV_TO_MEMORY | MOV_TO_REGISTER) || modrm >= 0xC0 {
        return None;
    }
    let prefixes = Prefixes::rex_only(rex, size);
    let (mut rest, mut sib, mut low) = (code >> 16, 0, modrm & 7);
    if low == 4 {
        (sib, low) = (rest as u8, rest as u8 & 7);
        (rest, length) = (rest >> 8, length + 1);
    }
    let (displacement, taken) = match modrm >> 6 {
        0 if low != 5 => (0, 0),
        1 => (rest as i8 as u64, 1),
        _ => (rest as i32 as u64, 4),
    };
    let width = prefixes.operand_width();
    let register = Register::Low(Gpr::new(modrm >> 3 & 7 | prefixes.reg_high()));
    let action = if opcode == MOV_TO_MEMORY {
        Action::Store(Source::Register(register))
    } else {
        Action::Load {
            into: register,
            into_width: width,
            signed: false,
        }
    };
    let address = EncodedAddress::modrm(prefixes, modrm, sib, displacement);
    let kind = Kind::Memory(MemoryForm {
        action,
        width,
        address,
    });
    Some(Instruction {
        length: length + taken,
        size,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::super::instruction::decode_in_full;
    use super::*;

    /// AVIC-31
    #[test]
    fn what_is_recognised_is_what_full_decoding_says() {
        let mut recognised = 0;
        for size in [CodeSize::Bits16, CodeSize::Bits32, CodeSize::Bits64] {
            for start in 0..=0xFF_FFFFu64 {
                // Three bytes in all values, the rest different from each other.
                let word = start | 0x8A79_6854_4300_0000 ^ start << 40;
                let Some(instruction) = recognise(word, size) else {
                    continue;
                };
                recognised += 1;
                assert_eq!(
                    decode_in_full(&word.to_le_bytes(), size),
                    Ok(instruction),
                    "{word:x}"
                );
            }
        }
        assert!(recognised > 100_000);
    }
}

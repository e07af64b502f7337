//! Code size: how wide the instructions at CS:RIP are.
//!
//! The default operand and address width of code is a function of five bits
//! that live in five registers; this is the only place that combines them.
//! Also called: operating mode, bitness, CS.D, CS.L.
//!
//! Manual: 24593 section 4.8 (code-segment L and D), 24594 section 1.2.2.

/// `CR0.PE`: protected mode.
pub const CR0_PE: u64 = 1 << 0;
/// `EFER.LMA`: long mode active.
pub const EFER_LMA: u64 = 1 << 10;
/// `RFLAGS.VM`: virtual-8086 mode.
pub const RFLAGS_VM: u64 = 1 << 17;

/// Default width of the code at CS:RIP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CodeSize {
    /// Real mode, virtual-8086 mode, 16-bit protected or compatibility code.
    Bits16,
    /// 32-bit protected or compatibility code.
    Bits32,
    /// 64-bit mode.
    Bits64,
}

/// The code size in force.
///
/// `cs_l` and `cs_d` are the L and D attributes of the cached code segment.
/// D counts in real mode too: between clearing `CR0.PE` and the far jump the
/// processor still runs 32-bit code. Virtual-8086 mode ignores it, and long
/// mode ignores `RFLAGS.VM`.
pub const fn code_size(cs_l: bool, cs_d: bool, efer: u64, cr0: u64, rflags: u64) -> CodeSize {
    let long = efer & EFER_LMA != 0;
    if long && cs_l {
        return CodeSize::Bits64;
    }
    let virtual_8086 = !long && cr0 & CR0_PE != 0 && rflags & RFLAGS_VM != 0;
    if cs_d && !virtual_8086 {
        CodeSize::Bits32
    } else {
        CodeSize::Bits16
    }
}

impl CodeSize {
    /// Linear address of offset `offset` in a segment based at `base`.
    ///
    /// For segments whose base 64-bit mode ignores (all but FS and GS), this
    /// ignores it too; outside 64-bit mode linear addresses have 32 bits.
    pub const fn linear(self, base: u64, offset: u64) -> u64 {
        match self {
            CodeSize::Bits64 => offset,
            CodeSize::Bits32 | CodeSize::Bits16 => base.wrapping_add(offset) & 0xFFFF_FFFF,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_mode_obeys_l_and_ignores_the_vm_flag() {
        let lma = EFER_LMA;
        assert_eq!(
            code_size(true, false, lma, CR0_PE, RFLAGS_VM),
            CodeSize::Bits64
        );
        assert_eq!(
            code_size(false, true, lma, CR0_PE, RFLAGS_VM),
            CodeSize::Bits32
        );
        assert_eq!(code_size(false, false, lma, CR0_PE, 0), CodeSize::Bits16);
    }

    #[test]
    fn l_means_nothing_outside_long_mode() {
        assert_eq!(code_size(true, true, 0, CR0_PE, 0), CodeSize::Bits32);
        assert_eq!(code_size(true, false, 0, CR0_PE, 0), CodeSize::Bits16);
    }

    #[test]
    fn virtual_8086_code_is_16_bit_whatever_d_says() {
        assert_eq!(
            code_size(false, true, 0, CR0_PE, RFLAGS_VM),
            CodeSize::Bits16
        );
        assert_eq!(code_size(false, true, 0, 0, RFLAGS_VM), CodeSize::Bits32);
    }

    #[test]
    fn linear_addresses_wrap_at_4_gib_outside_64_bit_mode() {
        assert_eq!(
            CodeSize::Bits16.linear(0xFFFF_0000, 0xFFFF_FFFF),
            0xFFFE_FFFF
        );
        assert_eq!(CodeSize::Bits32.linear(0x1000, 0xFFFF_F010), 0x10);
        assert_eq!(CodeSize::Bits64.linear(0x1000, 0xFFFF_F010), 0xFFFF_F010);
    }
}

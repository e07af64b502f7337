//! General registers of a guest, and the parts of them an instruction names.
//!
//! The order is the one instructions encode (RAX, RCX, RDX, RBX, RSP, RBP, RSI,
//! RDI, R8 to R15), so that a register number is an index. The rules for
//! writing part of a register live here and nowhere else: 8- and 16-bit writes
//! keep the rest, 32-bit writes clear the upper half.
//!
//! Manual: 24592 section 3.1.2 (implicit zero extension), 24594 section 1.4.3.

/// Width of an operand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Width {
    /// 8 bits.
    Byte = 1,
    /// 16 bits.
    Word = 2,
    /// 32 bits.
    Dword = 4,
    /// 64 bits.
    Qword = 8,
}

impl Width {
    /// Bytes: 1, 2, 4 or 8.
    pub const fn bytes(self) -> u64 {
        self as u64
    }

    /// Bits: 8, 16, 32 or 64.
    pub const fn bits(self) -> u32 {
        self as u32 * 8
    }

    /// All ones over the width.
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }

    /// The top bit of the width.
    pub const fn sign_bit(self) -> u64 {
        1 << (self.bits() - 1)
    }

    /// `value` with the top bit of the width copied upwards.
    pub const fn sign_extend(self, value: u64) -> u64 {
        let unused = 64 - self.bits();
        (((value << unused) as i64) >> unused) as u64
    }
}

/// A general register by its number in instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gpr(u8);

impl Gpr {
    /// RAX, the accumulator.
    pub const RAX: Gpr = Gpr(0);
    /// RCX, the repeat count.
    pub const RCX: Gpr = Gpr(1);
    /// RDX.
    pub const RDX: Gpr = Gpr(2);
    /// RBX.
    pub const RBX: Gpr = Gpr(3);
    /// RSP.
    pub const RSP: Gpr = Gpr(4);
    /// RBP.
    pub const RBP: Gpr = Gpr(5);
    /// RSI, source of string instructions.
    pub const RSI: Gpr = Gpr(6);
    /// RDI, destination of string instructions.
    pub const RDI: Gpr = Gpr(7);

    /// The register with the low four bits of `number`.
    pub const fn new(number: u8) -> Gpr {
        Gpr(number & 15)
    }

    /// 0 to 15.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// The part of a general register that an operand names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Register {
    /// The low bits, as many as the operand is wide.
    Low(Gpr),
    /// Bits 8 to 15: AH, CH, DH or BH.
    HighByte(Gpr),
}

/// The sixteen general registers of one vCPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Regs {
    /// By instruction encoding: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to
    /// R15.
    pub gpr: [u64; 16],
}

impl Regs {
    /// All 64 bits of a register.
    pub const fn full(&self, register: Gpr) -> u64 {
        self.gpr[(register.0 & 15) as usize]
    }

    /// The low `width` of a register, zero-extended.
    pub const fn low(&self, register: Gpr, width: Width) -> u64 {
        self.full(register) & width.mask()
    }

    /// Reads an operand, zero-extended.
    pub const fn read(&self, register: Register, width: Width) -> u64 {
        match register {
            Register::Low(gpr) => self.low(gpr, width),
            Register::HighByte(gpr) => self.full(gpr) >> 8 & 0xFF,
        }
    }

    /// Writes the low `width` bits of `value` to a register as an instruction
    /// with that operand width does.
    pub const fn set_low(&mut self, register: Gpr, width: Width, value: u64) {
        let place = &mut self.gpr[(register.0 & 15) as usize];
        *place = match width {
            Width::Byte | Width::Word => *place & !width.mask() | value & width.mask(),
            Width::Dword | Width::Qword => value & width.mask(),
        };
    }

    /// Writes an operand; a high byte takes the low eight bits of `value`.
    pub const fn write(&mut self, register: Register, width: Width, value: u64) {
        match register {
            Register::Low(gpr) => self.set_low(gpr, width, value),
            Register::HighByte(gpr) => {
                let place = &mut self.gpr[(gpr.0 & 15) as usize];
                *place = *place & !0xFF00 | (value & 0xFF) << 8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONES: Regs = Regs {
        gpr: [u64::MAX; 16],
    };

    #[test]
    fn narrow_writes_merge_and_32_bit_writes_zero_the_upper_half() {
        let written = |width, value| {
            let mut regs = ONES;
            regs.set_low(Gpr::new(9), width, value);
            regs.full(Gpr::new(9))
        };
        assert_eq!(written(Width::Byte, 0x1234), 0xFFFF_FFFF_FFFF_FF34);
        assert_eq!(written(Width::Word, 0x1_1234), 0xFFFF_FFFF_FFFF_1234);
        assert_eq!(written(Width::Dword, 0x1_0000_0001), 1);
        assert_eq!(written(Width::Qword, 7), 7);
    }

    #[test]
    fn a_high_byte_leaves_its_neighbours_alone() {
        let mut regs = ONES;
        regs.write(Register::HighByte(Gpr::RBX), Width::Byte, 0x1A5);
        assert_eq!(regs.full(Gpr::RBX), 0xFFFF_FFFF_FFFF_A5FF);
        assert_eq!(regs.read(Register::HighByte(Gpr::RBX), Width::Byte), 0xA5);
        assert_eq!(regs.full(Gpr::RDI), u64::MAX);
    }
}

//! Memory-type range registers: shadows without effect.
//!
//! Guest RAM is write-back whatever these say, because nested paging and the
//! guest's PAT decide the type. But a kernel that finds no enabled MTRRs gives
//! up on PAT as well, so they exist, read back what was written, and start as
//! "everything write-back" (24593 section 7.7).

/// Variable ranges.
pub const VARIABLE: usize = 8;
/// Fixed-range registers.
pub const FIXED: usize = 11;
/// MTRRcap: the number of variable ranges, fixed ranges and write-combining.
pub const CAPABILITY: u64 = VARIABLE as u64 | 1 << 8 | 1 << 10;
/// MTRRdefType after reset: enabled, fixed ranges off, write-back.
pub const DEFAULT_TYPE_RESET: u64 = 1 << 11 | 6;

const FIXED_NUMBERS: [u32; FIXED] = [
    0x250, 0x258, 0x259, 0x268, 0x269, 0x26A, 0x26B, 0x26C, 0x26D, 0x26E, 0x26F,
];

/// One shadow register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MtrrRegister {
    /// MTRRdefType, 0x2FF.
    DefaultType,
    /// Fixed-range register by rank, 0 to 10.
    Fixed(u8),
    /// Variable range, base and mask alternating from 0x200: 0 to 15.
    Variable(u8),
}

/// Which register an MSR number is; MTRRcap is not one, it has no state.
pub fn register(msr: u32) -> Option<MtrrRegister> {
    match msr {
        0x200..=0x20F => Some(MtrrRegister::Variable((msr - 0x200) as u8)),
        0x250..=0x26F => {
            let rank = FIXED_NUMBERS.iter().position(|number| *number == msr)?;
            Some(MtrrRegister::Fixed(rank as u8))
        }
        0x2FF => Some(MtrrRegister::DefaultType),
        _ => None,
    }
}

const fn type_exists(kind: u8) -> bool {
    matches!(kind, 0 | 1 | 4 | 5 | 6)
}

/// Whether the processor would take `value`; otherwise the guest gets #GP.
///
/// `physical_bits` is the width of guest-physical addresses, 36 to 52.
pub fn accepts(register: MtrrRegister, value: u64, physical_bits: u8) -> bool {
    let address = 1_u64
        .checked_shl(u32::from(physical_bits))
        .map_or(u64::MAX, |end| end - 1)
        & !0xFFF;
    match register {
        MtrrRegister::DefaultType => value & !0xCFF == 0 && type_exists(value as u8),
        MtrrRegister::Fixed(_) => value.to_le_bytes().into_iter().all(type_exists),
        MtrrRegister::Variable(rank) if rank % 2 == 0 => {
            value & !(address | 0xFF) == 0 && type_exists(value as u8)
        }
        MtrrRegister::Variable(_) => value & !(address | 1 << 11) == 0,
    }
}

/// A vCPU's shadow registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mtrrs {
    default_type: u64,
    fixed: [u64; FIXED],
    variable: [u64; 2 * VARIABLE],
}

impl Mtrrs {
    /// State after reset.
    pub const fn reset() -> Self {
        Self {
            default_type: DEFAULT_TYPE_RESET,
            fixed: [0x0606_0606_0606_0606; FIXED],
            variable: [0; 2 * VARIABLE],
        }
    }

    /// Current value.
    pub fn read(&self, register: MtrrRegister) -> u64 {
        match register {
            MtrrRegister::DefaultType => self.default_type,
            MtrrRegister::Fixed(rank) => self.fixed.get(usize::from(rank)).copied().unwrap_or(0),
            MtrrRegister::Variable(rank) => {
                self.variable.get(usize::from(rank)).copied().unwrap_or(0)
            }
        }
    }

    /// Stores a value that [`accepts`] let through.
    pub fn write(&mut self, register: MtrrRegister, value: u64) {
        let slot = match register {
            MtrrRegister::DefaultType => Some(&mut self.default_type),
            MtrrRegister::Fixed(rank) => self.fixed.get_mut(usize::from(rank)),
            MtrrRegister::Variable(rank) => self.variable.get_mut(usize::from(rank)),
        };
        if let Some(slot) = slot {
            *slot = value;
        }
    }
}

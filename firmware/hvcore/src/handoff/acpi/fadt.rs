//! FADT: the power-management timer, the reset register, and platform flags.
//!
//! The timer is the clock we calibrate the time-stamp counter against when no
//! table gives its frequency. Fields behind the end of an older, shorter table
//! are simply absent.
//! Manual: ACPI 6.5 sections 5.2.9 and 4.8.3.3. Also called: FACP, ACPI timer.

use bitflags::bitflags;

use super::root::{AcpiFault, HEAD_LEN};
use crate::handoff::wire::{le32, le64, u8_at};
use crate::ids::Hpa;

bitflags! {
    /// Fixed feature flags we act on (ACPI 6.5 table 5.10); others are dropped.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct FixedFlags: u32 {
        /// The timer counts 32 bits, not 24.
        const TIMER_32_BIT = 1 << 8;
        /// The reset register exists.
        const RESET_REGISTER = 1 << 10;
        /// No fixed hardware at all.
        const HARDWARE_REDUCED = 1 << 20;
    }
}

/// A register in one of the address spaces we can reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Register {
    /// Byte-wide or wider register at a memory address.
    Memory(Hpa),
    /// I/O port.
    Port(u16),
    /// Offset in the configuration space of (bus 0, device, function).
    PciConfig {
        /// Device number, 0 to 31.
        device: u8,
        /// Function number, 0 to 7.
        function: u8,
        /// Offset in configuration space.
        offset: u16,
    },
}

/// The 3.579545 MHz counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PmTimer {
    /// Its counter register, read as 32 bits.
    pub register: Register,
    /// Bits that count: 24 or 32.
    pub bits: u32,
}

/// Write `value` to `register` to reset the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset {
    /// Where.
    pub register: Register,
    /// What.
    pub value: u8,
}

/// What the table says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fadt {
    /// Fixed feature flags.
    pub flags: FixedFlags,
    /// The timer, if there is one.
    pub timer: Option<PmTimer>,
    /// How to reset the machine, if the table says so.
    pub reset: Option<Reset>,
    /// First PM1 control port; sleep and power-off are written there.
    pub pm1_control: Option<u16>,
}

/// Timer frequency in Hz.
pub const PM_TIMER_HZ: u32 = 3_579_545;

const PM1A_CONTROL: usize = 64;
const TIMER_BLOCK: usize = 76;
const TIMER_LEN: usize = 91;
const FLAGS: usize = 112;
const RESET_REGISTER: usize = 116;
const RESET_VALUE: usize = 128;
const TIMER_BLOCK_WIDE: usize = 208;

/// Reads a table that [`super::root::TableList::find`] has proved whole.
pub fn parse(table: &[u8]) -> Result<Fadt, AcpiFault> {
    if table.len() < HEAD_LEN {
        return Err(AcpiFault::TableLength);
    }
    let flags = FixedFlags::from_bits_truncate(le32(table, FLAGS).ok_or(AcpiFault::TableLength)?);
    Ok(Fadt {
        flags,
        timer: if flags.contains(FixedFlags::HARDWARE_REDUCED) {
            None
        } else {
            timer(table, flags)
        },
        reset: if flags.contains(FixedFlags::RESET_REGISTER) {
            reset(table)
        } else {
            None
        },
        pm1_control: le32(table, PM1A_CONTROL).and_then(port),
    })
}

/// The wide register description wins over the old port field, if filled in.
fn timer(table: &[u8], flags: FixedFlags) -> Option<PmTimer> {
    let bits = if flags.contains(FixedFlags::TIMER_32_BIT) {
        32
    } else {
        24
    };
    let narrow = || {
        let present = u8_at(table, TIMER_LEN)? == 4;
        le32(table, TIMER_BLOCK)
            .filter(|_| present)
            .and_then(port)
            .map(Register::Port)
    };
    let register = generic_address(table, TIMER_BLOCK_WIDE).or_else(narrow)?;
    Some(PmTimer { register, bits })
}

fn reset(table: &[u8]) -> Option<Reset> {
    Some(Reset {
        register: generic_address(table, RESET_REGISTER)?,
        value: u8_at(table, RESET_VALUE)?,
    })
}

fn port(value: u32) -> Option<u16> {
    u16::try_from(value).ok().filter(|port| *port != 0)
}

/// A generic address structure (ACPI 6.5 section 5.2.3.2) at `at`; `None` when
/// it is empty or in a space we do not reach.
fn generic_address(table: &[u8], at: usize) -> Option<Register> {
    let address = le64(table, at.checked_add(4)?)?;
    if address == 0 {
        return None;
    }
    match u8_at(table, at)? {
        0 => Some(Register::Memory(Hpa(address))),
        1 => u16::try_from(address).ok().map(Register::Port),
        2 => Some(Register::PciConfig {
            device: (address >> 32) as u8 & 0x1f,
            function: (address >> 16) as u8 & 0x7,
            offset: address as u16,
        }),
        _ => None,
    }
}

//! Opcode maps: what sort of instruction a byte begins.
//!
//! Two tables, for the first byte and for the byte after 0F, made from the
//! lists below when the crate is compiled. A table costs one load where a chain
//! of comparisons costs dozens of instructions on every exit.
//!
//! Manual: 24594 appendix A.2 (one- and two-byte opcode maps).

/// How decoding goes on after an opcode byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Class {
    /// Not known here.
    Unknown,
    /// A legacy prefix. REX bytes are none: they are opcodes outside 64-bit
    /// mode.
    Prefix,
    /// 0F: the second map.
    Escape,
    /// An instruction of `intercepted`.
    Intercepted,
    /// A memory form that ModRM completes.
    ModRm,
    /// A MOV whose address stands in the instruction.
    Direct,
    /// A string instruction on memory.
    String,
}

const fn one_byte_class(byte: u8) -> Class {
    match byte {
        0x0F => Class::Escape,
        0x26 | 0x2E | 0x36 | 0x3E | 0x64..=0x67 | 0xF0 | 0xF2 | 0xF3 => Class::Prefix,
        0x6C..=0x6F | 0x90 | 0xCC..=0xCE | 0xE4..=0xE7 | 0xEC..=0xEF | 0xF1 | 0xF4 => {
            Class::Intercepted
        }
        0x00..=0x3F if byte & 7 < 4 => Class::ModRm,
        0x63 | 0x80 | 0x81 | 0x83..=0x8B | 0xC6 | 0xC7 | 0xF6 | 0xF7 | 0xFE | 0xFF => Class::ModRm,
        0xA0..=0xA3 => Class::Direct,
        0xA4 | 0xA5 | 0xAA..=0xAD => Class::String,
        _ => Class::Unknown,
    }
}

const fn two_byte_class(byte: u8) -> Class {
    match byte {
        0x01 | 0x06 | 0x08 | 0x09 | 0x20..=0x23 | 0x30..=0x33 | 0xA2 => Class::Intercepted,
        0xA3 | 0xAB | 0xB0 | 0xB1 | 0xB3 | 0xB6 | 0xB7 | 0xBA | 0xBB | 0xBE | 0xBF | 0xC0
        | 0xC1 => Class::ModRm,
        _ => Class::Unknown,
    }
}

const fn table(two_byte: bool) -> [Class; 256] {
    let mut table = [Class::Unknown; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = if two_byte {
            two_byte_class(byte as u8)
        } else {
            one_byte_class(byte as u8)
        };
        byte += 1;
    }
    table
}

static ONE_BYTE: [Class; 256] = table(false);
static TWO_BYTE: [Class; 256] = table(true);

/// Class of a first byte.
#[inline(always)]
pub(super) const fn one_byte(byte: u8) -> Class {
    ONE_BYTE[byte as usize]
}

/// Class of a byte after 0F.
#[inline(always)]
pub(super) const fn two_byte(byte: u8) -> Class {
    TWO_BYTE[byte as usize]
}

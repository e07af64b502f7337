//! Fuzz target: instruction decoding and emulation.
//!
//! First byte: code size and flags. Then the instruction; registers are made of
//! the same bytes. Claims: the length is iced's, every beginning asks for more,
//! what follows does not matter, and the two halves of emulation agree on
//! whether there is a write, which fits its width.
#![no_main]

use hvcore::decode::bytes::DecodeError;
use hvcore::decode::emulate::{MmioOp, finish, start};
use hvcore::decode::instruction::{Instruction, Kind, decode};
use hvcore::decode::memory_form::MemoryForm;
use hvcore::decode::mode::CodeSize;
use hvcore::decode::operand::SegmentBases;
use hvcore::decode::regs::Regs;
use iced_x86::{Decoder, DecoderOptions};
use libfuzzer_sys::fuzz_target;

const FLAT: SegmentBases = SegmentBases {
    es: 0,
    cs: 0,
    ss: 0,
    ds: 0,
    fs: 0,
    gs: 0,
};

fuzz_target!(|input: &[u8]| {
    let Some((&control, bytes)) = input.split_first() else {
        return;
    };
    let (size, bits) = match control % 3 {
        0 => (CodeSize::Bits16, 16),
        1 => (CodeSize::Bits32, 32),
        _ => (CodeSize::Bits64, 64),
    };
    let instruction = match decode(bytes, size) {
        Ok(instruction) => instruction,
        Err(DecodeError::NeedMore) => return assert!(bytes.len() < 15),
        Err(DecodeError::TooLong) => {
            // Known as soon as nothing that follows could help.
            let longer = [bytes, &[0; 15]].concat();
            return assert_eq!(decode(&longer, size), Err(DecodeError::TooLong));
        }
        Err(DecodeError::Invalid | DecodeError::Unsupported) => return,
    };
    let length = usize::from(instruction.length);
    assert!((1..=15).contains(&length) && length <= bytes.len());
    assert_eq!(decode(&bytes[..length], size), Ok(instruction));
    for end in 0..length {
        assert_eq!(decode(&bytes[..end], size), Err(DecodeError::NeedMore));
    }
    let theirs = Decoder::new(bits, &bytes[..length], DecoderOptions::AMD).decode();
    assert!(
        !theirs.is_invalid() && theirs.len() == length,
        "{instruction:?} {theirs}"
    );
    if let Kind::Memory(form) = &instruction.kind {
        emulate(&instruction, form, bytes, u64::from(control));
    }
});

fn emulate(instruction: &Instruction, form: &MemoryForm, bytes: &[u8], mut rflags: u64) {
    let word = |n: usize| {
        let byte = |k: usize| bytes.get((n * 5 + k) % bytes.len()).copied().unwrap_or(0);
        u64::from_le_bytes(std::array::from_fn(byte))
    };
    let before = Regs {
        gpr: std::array::from_fn(word),
    };
    let mask = form.width.mask();
    let address = instruction.linear_address(&before, &FLAT, word(16));
    assert!(address.is_some_and(|at| instruction.size == CodeSize::Bits64 || at >> 32 == 0));
    let first = start(form, &before);
    let mut regs = before;
    let read = word(17);
    let rflags_before = rflags;
    let next = finish(form, read, &mut regs, &mut rflags);
    let writes = match first {
        MmioOp::Nothing => return,
        MmioOp::Write { value, .. } => {
            assert_eq!(value & !mask, 0);
            false
        }
        MmioOp::Read { .. } => false,
        MmioOp::ReadModifyWrite { .. } | MmioOp::Copy { .. } => true,
    };
    assert_eq!(next.write.is_some(), writes);
    assert_eq!(next.write.unwrap_or(0) & !mask, 0);
    // Only status flags change, and only the bus word's own bits count.
    assert_eq!((rflags ^ rflags_before) & !0x8D5, 0);
    let (mut again, mut again_flags) = (before, rflags_before);
    assert_eq!(
        finish(form, read ^ !mask, &mut again, &mut again_flags),
        next
    );
    assert_eq!((again, again_flags), (regs, rflags));
}

//! Emulation against the build host's own processor.
//!
//! The same bytes go two ways: decoded and emulated here, and run natively on a
//! copy of the same memory with the same registers and flags. Registers,
//! memory and flags must come out alike, except flags that the manual leaves
//! undefined and processors are known to differ in.
//! Also called: differential test.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(unsafe_code)] // UNSAFETY: calls `testkit::processor`, which runs machine code.

use std::cell::RefCell;

use hvcore::decode::emulate::{MmioOp, Next, Retire, finish, start};
use hvcore::decode::instruction::{Instruction, Kind, decode};
use hvcore::decode::memory_form::{Action, Arithmetic, MemoryForm, StringMove};
use hvcore::decode::mode::CodeSize;
use hvcore::decode::operand::SegmentBases;
use hvcore::decode::regs::{Regs, Width};
use proptest::prelude::*;
use testkit::processor::Processor;

const CF: u64 = 1 << 0;
const AF: u64 = 1 << 4;
const ZF: u64 = 1 << 6;
const DF: u64 = 1 << 10;
/// CF, PF, AF, ZF, SF, DF, OF.
const FLAGS: u64 = 0xCD5;

const FLAT: SegmentBases = SegmentBases {
    es: 0,
    cs: 0,
    ss: 0,
    ds: 0,
    fs: 0,
    gs: 0,
};

thread_local! {
    static PROCESSOR: RefCell<Processor> = RefCell::new(Processor::new());
}

/// Memory both sides work on; instructions aim at its middle.
const LEN: usize = 512;
type Memory = [u8; LEN];

fn place(base: u64, address: u64, width: Width) -> Option<std::ops::Range<usize>> {
    let at = address.checked_sub(base)? as usize;
    (at + width.bytes() as usize <= LEN).then_some(at..at + width.bytes() as usize)
}

fn load(memory: &Memory, at: std::ops::Range<usize>) -> u64 {
    let mut word = [0; 8];
    word[..at.len()].copy_from_slice(&memory[at]);
    u64::from_le_bytes(word)
}

fn store(memory: &mut Memory, at: std::ops::Range<usize>, value: u64) {
    let len = at.len();
    memory[at].copy_from_slice(&value.to_le_bytes()[..len]);
}

/// Carries out one step on `memory`, which the guest sees at `base`; `None` if
/// an operand lies elsewhere.
fn emulate(
    instruction: &Instruction,
    base: u64,
    memory: &mut Memory,
    regs: &mut Regs,
    rflags: &mut u64,
) -> Option<Retire> {
    let Kind::Memory(form) = &instruction.kind else {
        return None;
    };
    let address = instruction.linear_address(regs, &FLAT, 0)?;
    let operand = place(base, address, form.width)?;
    let target = match instruction.copy_destination(regs, &FLAT) {
        Some(address) => place(base, address, form.width)?,
        None => operand.clone(),
    };
    let (read, writes) = match start(form, regs) {
        MmioOp::Nothing => return Some(Retire::Advance),
        MmioOp::Write { value, .. } => {
            store(memory, operand, value);
            (0, false)
        }
        MmioOp::Read { .. } => (load(memory, operand), false),
        MmioOp::ReadModifyWrite { .. } | MmioOp::Copy { .. } => (load(memory, operand), true),
    };
    let Next { write, retire } = finish(form, read, regs, rflags);
    assert_eq!(write.is_some(), writes, "{instruction:?}");
    if let Some(value) = write {
        store(memory, target, value);
    }
    Some(retire)
}

/// Flags to compare: the manual leaves the rest undefined.
fn defined(form: &MemoryForm) -> u64 {
    match form.action {
        Action::Combine(Arithmetic::Add | Arithmetic::Sub, _) => FLAGS,
        Action::Combine(operation, _) | Action::CombineInto(operation, _) => match operation {
            Arithmetic::And | Arithmetic::Or | Arithmetic::Xor | Arithmetic::Test => FLAGS & !AF,
            _ => FLAGS,
        },
        // ZF is untouched, the others undefined.
        Action::Bit(..) => CF | ZF | DF,
        _ => FLAGS,
    }
}

/// Runs `code` both ways. False if it was left out because an operand lies
/// outside the memory.
fn compare(code: &[u8], memory: &Memory, regs: Regs, rflags: u64) -> bool {
    let instruction = decode(code, CodeSize::Bits64).expect("a supported form");
    let Kind::Memory(form) = instruction.kind else {
        panic!("{instruction:?}")
    };
    let mut native_memory = Box::new(*memory);
    let base = native_memory.as_mut_ptr() as u64;
    // Registers hold offsets into the memory where the form wants addresses.
    let mut regs = regs;
    for register in [3, 6, 7] {
        regs.gpr[register] = base + LEN as u64 / 2 + regs.gpr[register] % 32;
    }
    let (mut native_regs, mut native_flags) = (regs, rflags);
    let (mut our_memory, mut our_regs, mut our_flags) = (*memory, regs, rflags);
    // Steps are bounded by the repeat count.
    for _ in 0..=LEN {
        match emulate(
            &instruction,
            base,
            &mut our_memory,
            &mut our_regs,
            &mut our_flags,
        ) {
            None => return false,
            Some(Retire::Advance) => break,
            Some(Retire::Repeat) => {}
        }
    }
    // SAFETY: every address the instruction uses was found to lie in
    // `native_memory`, which nothing else refers to.
    PROCESSOR.with_borrow_mut(|processor| unsafe {
        processor.run(
            &code[..usize::from(instruction.length)],
            &mut native_regs,
            &mut native_flags,
        );
    });
    assert_eq!(our_regs, native_regs, "{instruction:?}");
    assert!(our_memory == *native_memory, "{instruction:?}");
    let mask = defined(&form);
    assert_eq!(our_flags & mask, native_flags & mask, "{instruction:?}");
    true
}

/// Opcode, ModRM reg field if it is fixed, and length of the immediate: with
/// an operand-size prefix 9 stands for 2, otherwise for 4.
type Opcode = (&'static [u8], Option<u8>, usize);

fn opcodes() -> Vec<Opcode> {
    const ALU: [[u8; 4]; 8] = [
        [0x00, 0x01, 0x02, 0x03],
        [0x08, 0x09, 0x0A, 0x0B],
        [0x10, 0x11, 0x12, 0x13],
        [0x18, 0x19, 0x1A, 0x1B],
        [0x20, 0x21, 0x22, 0x23],
        [0x28, 0x29, 0x2A, 0x2B],
        [0x30, 0x31, 0x32, 0x33],
        [0x38, 0x39, 0x3A, 0x3B],
    ];
    let mut all: Vec<Opcode> = vec![
        (&[0x63], None, 0),
        (&[0x84], None, 0),
        (&[0x85], None, 0),
        (&[0x86], None, 0),
        (&[0x87], None, 0),
        (&[0x88], None, 0),
        (&[0x89], None, 0),
        (&[0x8A], None, 0),
        (&[0x8B], None, 0),
        (&[0xC6], Some(0), 1),
        (&[0xC7], Some(0), 9),
        (&[0xF6], Some(0), 1),
        (&[0xF7], Some(0), 9),
        (&[0xF6], Some(2), 0),
        (&[0xF7], Some(2), 0),
        (&[0xF6], Some(3), 0),
        (&[0xF7], Some(3), 0),
        (&[0xFE], Some(0), 0),
        (&[0xFF], Some(0), 0),
        (&[0xFE], Some(1), 0),
        (&[0xFF], Some(1), 0),
        (&[0x0F, 0xA3], None, 0),
        (&[0x0F, 0xAB], None, 0),
        (&[0x0F, 0xB3], None, 0),
        (&[0x0F, 0xBB], None, 0),
        (&[0x0F, 0xB0], None, 0),
        (&[0x0F, 0xB1], None, 0),
        (&[0x0F, 0xC0], None, 0),
        (&[0x0F, 0xC1], None, 0),
        (&[0x0F, 0xB6], None, 0),
        (&[0x0F, 0xB7], None, 0),
        (&[0x0F, 0xBE], None, 0),
        (&[0x0F, 0xBF], None, 0),
    ];
    all.extend((4..8).map(|change| (&[0x0F, 0xBA][..], Some(change), 1)));
    for extension in 0..8 {
        all.push((&[0x80], Some(extension), 1));
        all.push((&[0x81], Some(extension), 9));
        all.push((&[0x83], Some(extension), 1));
    }
    all.extend(
        ALU.iter()
            .flatten()
            .map(|opcode| (std::slice::from_ref(opcode), None, 0)),
    );
    all
}

/// Values where arithmetic turns over, and others.
fn operand() -> impl Strategy<Value = u64> {
    let edge = prop::sample::select(vec![
        0u64,
        1,
        0x7F,
        0x80,
        0xFF,
        0x7FFF,
        0x8000,
        0xFFFF,
        0x7FFF_FFFF,
        0x8000_0000,
        0xFFFF_FFFF,
        i64::MAX as u64,
        1 << 63,
        u64::MAX,
    ]);
    prop_oneof![edge, any::<u64>()]
}

fn machine() -> impl Strategy<Value = (Memory, Regs, u64)> {
    let memory = prop::collection::vec(operand(), LEN / 8).prop_map(|words| {
        let mut memory = [0; LEN];
        for (place, word) in memory.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        memory
    });
    let regs = prop::array::uniform16(operand()).prop_map(|gpr| Regs { gpr });
    (
        memory,
        regs,
        any::<u64>().prop_map(|flags| flags & FLAGS & !DF),
    )
}

/// One instruction of `opcode` at [RBX + displacement].
fn encode(opcode: Opcode, rex: Option<u8>, narrow: bool, reg: u8, displacement: i8) -> Vec<u8> {
    let (opcode, extension, immediate) = opcode;
    let mut code = Vec::new();
    code.extend(narrow.then_some(0x66));
    // Neither extends the base.
    code.extend(rex.map(|rex| 0x40 | rex & 0b1100));
    code.extend(opcode);
    let reg = extension.unwrap_or(reg & 7);
    code.extend([0x40 | reg << 3 | 3, displacement as u8]);
    let wide = rex.is_some_and(|rex| rex & 8 != 0);
    let length = match immediate {
        9 if narrow && !wide => 2,
        9 => 4,
        length => length,
    };
    code.extend([0x9C, 0x80, 0x7F, 0xC3].iter().take(length));
    code
}

/// Whether register field 4 means RSP, not AH or R12.
fn names_rsp(opcode: &[u8], rex: Option<u8>, reg: u8) -> bool {
    let byte = match opcode {
        [0x0F, 0xB6 | 0xBE] => false,
        _ => opcode.last().is_some_and(|last| last & 1 == 0),
    };
    reg & 7 == 4 && rex.is_none_or(|rex| rex & 4 == 0) && (rex.is_some() || !byte)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    /// AVIC-31
    #[test]
    fn emulation_leaves_what_the_processor_leaves(
        (memory, regs, rflags) in machine(),
        rex in prop::option::of(any::<u8>()),
        narrow in any::<bool>(),
        reg in any::<u8>(),
        displacement in -64..64i8,
        equal in any::<bool>(),
    ) {
        for opcode in opcodes() {
            let wide = rex.is_some_and(|rex| rex & 8 != 0);
            if opcode.0 == [0x63] && narrow && !wide {
                continue; // Left out of the decoder too.
            }
            if opcode.1.is_none() && names_rsp(opcode.0, rex, reg) {
                continue; // The one register the processor cannot lend.
            }
            let code = encode(opcode, rex, narrow, reg, displacement);
            let mut regs = regs;
            // Random values never match, and random bit numbers lead far away.
            if let [0x0F, 0xB0 | 0xB1] = opcode.0 && equal {
                let at = LEN / 2 + (regs.gpr[3] % 32) as usize;
                let at = at.wrapping_add_signed(displacement.into());
                regs.gpr[0] = load(&memory, at..at + 8);
            }
            if let [0x0F, 0xA3 | 0xAB | 0xB3 | 0xBB] = opcode.0 {
                for register in &mut regs.gpr {
                    *register = (*register % 700).wrapping_sub(350);
                }
            }
            let ran = compare(&code, &memory, regs, rflags);
            // Only a bit number taken from a pointer can lead out.
            let bit_by_pointer = matches!(opcode.0, [0x0F, 0xA3 | 0xAB | 0xB3 | 0xBB]);
            prop_assert!(ran || bit_by_pointer, "{:02x?}", code);
        }
    }

    /// AVIC-31
    #[test]
    fn string_instructions_leave_what_the_processor_leaves(
        (memory, regs, rflags) in machine(),
        opcode in prop::sample::select(vec![0xA4u8, 0xA5, 0xAA, 0xAB, 0xAC, 0xAD]),
        prefix in prop::sample::select(vec![&[][..], &[0x66], &[0x48], &[0xF3], &[0xF2],
            &[0xF3, 0x66], &[0xF3, 0x48]]),
        count in 0..12u64,
        backwards in any::<bool>(),
    ) {
        let mut regs = regs;
        regs.gpr[1] = count;
        let rflags = if backwards { rflags | DF } else { rflags };
        let code = [prefix, &[opcode]].concat();
        // REPNE with these is documented for no string move, but counts alike.
        prop_assert!(compare(&code, &memory, regs, rflags), "{:02x?}", code);
    }
}

/// In 64-bit code with 32-bit addresses all that counts is the low half, and
/// what is written back is zero-extended.
#[test]
fn a_short_address_size_shortens_count_and_pointers() {
    let decoded = decode(&[0x67, 0xF3, 0xAA], CodeSize::Bits64).unwrap();
    let Kind::Memory(form) = decoded.kind else {
        panic!("{decoded:?}")
    };
    let Action::String {
        operation: StringMove::Store,
        repeated: true,
    } = form.action
    else {
        panic!("{form:?}")
    };
    let mut regs = Regs {
        gpr: [0xFFFF_FFFF_0000_0002; 16],
    };
    let mut rflags = 0;
    assert_eq!(
        finish(&form, 0, &mut regs, &mut rflags).retire,
        Retire::Repeat
    );
    assert_eq!((regs.gpr[1], regs.gpr[7]), (1, 3));
    assert_eq!(
        finish(&form, 0, &mut regs, &mut rflags).retire,
        Retire::Advance
    );
    assert_eq!((regs.gpr[1], regs.gpr[7]), (0, 4));
    assert_eq!(start(&form, &regs), MmioOp::Nothing);
}

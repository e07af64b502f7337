//! The decoder against two others: `iced-x86` and `yaxpeax-x86`.
//!
//! What both are asked: whenever ours gives a length, do they give the same?
//! What iced is asked besides: is it the same instruction with the same
//! operands, and is there any instruction of the forms we claim that ours does
//! not decode? Every opcode meets every ModRM byte under a list of prefix sets;
//! random bytes then look where nobody thought of looking.

use hvcore::decode::bytes::DecodeError;
use hvcore::decode::instruction::{Instruction, Kind, decode};
use hvcore::decode::intercepted::{Intercepted, Port};
use hvcore::decode::memory_form::{
    Action, Arithmetic, BitChange, MemoryForm, Source, StringMove, Unary,
};
use hvcore::decode::mode::CodeSize;
use hvcore::decode::operand::{Address, Base, RegMem, Segment};
use hvcore::decode::regs::{Gpr, Register, Width};
use iced_x86::{Code, DecoderOptions, Mnemonic, OpKind};
use proptest::prelude::*;

const SIZES: [CodeSize; 3] = [CodeSize::Bits16, CodeSize::Bits32, CodeSize::Bits64];

fn iced(bytes: &[u8], size: CodeSize) -> Option<iced_x86::Instruction> {
    let bitness = match size {
        CodeSize::Bits16 => 16,
        CodeSize::Bits32 => 32,
        CodeSize::Bits64 => 64,
    };
    let bytes = &bytes[..bytes.len().min(15)];
    let mut decoder = iced_x86::Decoder::with_ip(bitness, bytes, 0, DecoderOptions::AMD);
    let instruction = decoder.decode();
    (!instruction.is_invalid()).then_some(instruction)
}

fn yaxpeax_length(bytes: &[u8], size: CodeSize) -> Option<u64> {
    use yaxpeax_arch::LengthedInstruction;
    use yaxpeax_x86::{long_mode, protected_mode, real_mode};
    let bytes = &bytes[..bytes.len().min(15)];
    match size {
        CodeSize::Bits16 => {
            let decoder = real_mode::InstDecoder::default();
            decoder
                .decode_slice(bytes)
                .ok()
                .map(|decoded| u64::from(decoded.len().to_const()))
        }
        CodeSize::Bits32 => {
            let decoder = protected_mode::InstDecoder::default();
            decoder
                .decode_slice(bytes)
                .ok()
                .map(|decoded| u64::from(decoded.len().to_const()))
        }
        CodeSize::Bits64 => {
            let decoder = long_mode::InstDecoder::default();
            decoder
                .decode_slice(bytes)
                .ok()
                .map(|decoded| decoded.len().to_const())
        }
    }
}

/// Name of the instruction in iced's words.
fn mnemonic(kind: &Kind) -> Mnemonic {
    match kind {
        Kind::Memory(form) => memory_mnemonic(form),
        Kind::Intercepted(instruction) => intercepted_mnemonic(instruction),
    }
}

fn memory_mnemonic(form: &MemoryForm) -> Mnemonic {
    match form.action {
        Action::Load {
            into_width, signed, ..
        } => match (signed, form.width) {
            (false, width) if width == into_width => Mnemonic::Mov,
            (false, _) => Mnemonic::Movzx,
            (true, Width::Dword) => Mnemonic::Movsxd,
            (true, _) => Mnemonic::Movsx,
        },
        Action::Store(_) => Mnemonic::Mov,
        Action::Combine(operation, _) | Action::CombineInto(operation, _) => match operation {
            Arithmetic::Add => Mnemonic::Add,
            Arithmetic::Or => Mnemonic::Or,
            Arithmetic::Adc => Mnemonic::Adc,
            Arithmetic::Sbb => Mnemonic::Sbb,
            Arithmetic::And => Mnemonic::And,
            Arithmetic::Sub => Mnemonic::Sub,
            Arithmetic::Xor => Mnemonic::Xor,
            Arithmetic::Cmp => Mnemonic::Cmp,
            Arithmetic::Test => Mnemonic::Test,
        },
        Action::Unary(Unary::Not) => Mnemonic::Not,
        Action::Unary(Unary::Neg) => Mnemonic::Neg,
        Action::Unary(Unary::Inc) => Mnemonic::Inc,
        Action::Unary(Unary::Dec) => Mnemonic::Dec,
        Action::Bit(BitChange::Keep, _) => Mnemonic::Bt,
        Action::Bit(BitChange::Set, _) => Mnemonic::Bts,
        Action::Bit(BitChange::Reset, _) => Mnemonic::Btr,
        Action::Bit(BitChange::Complement, _) => Mnemonic::Btc,
        Action::Exchange(_) => Mnemonic::Xchg,
        Action::ExchangeAdd(_) => Mnemonic::Xadd,
        Action::CompareExchange(_) => Mnemonic::Cmpxchg,
        Action::String { operation, .. } => match (operation, form.width) {
            (StringMove::Store, Width::Byte) => Mnemonic::Stosb,
            (StringMove::Store, Width::Word) => Mnemonic::Stosw,
            (StringMove::Store, Width::Dword) => Mnemonic::Stosd,
            (StringMove::Store, Width::Qword) => Mnemonic::Stosq,
            (StringMove::Load, Width::Byte) => Mnemonic::Lodsb,
            (StringMove::Load, Width::Word) => Mnemonic::Lodsw,
            (StringMove::Load, Width::Dword) => Mnemonic::Lodsd,
            (StringMove::Load, Width::Qword) => Mnemonic::Lodsq,
            (StringMove::Copy, Width::Byte) => Mnemonic::Movsb,
            (StringMove::Copy, Width::Word) => Mnemonic::Movsw,
            (StringMove::Copy, Width::Dword) => Mnemonic::Movsd,
            (StringMove::Copy, Width::Qword) => Mnemonic::Movsq,
        },
    }
}

fn intercepted_mnemonic(instruction: &Intercepted) -> Mnemonic {
    match instruction {
        Intercepted::Cpuid => Mnemonic::Cpuid,
        Intercepted::Rdmsr => Mnemonic::Rdmsr,
        Intercepted::Wrmsr => Mnemonic::Wrmsr,
        Intercepted::Rdtsc => Mnemonic::Rdtsc,
        Intercepted::Rdtscp => Mnemonic::Rdtscp,
        Intercepted::Rdpmc => Mnemonic::Rdpmc,
        Intercepted::Xsetbv => Mnemonic::Xsetbv,
        Intercepted::Hlt => Mnemonic::Hlt,
        Intercepted::Pause => Mnemonic::Pause,
        Intercepted::Monitor => Mnemonic::Monitor,
        Intercepted::Mwait => Mnemonic::Mwait,
        Intercepted::Monitorx => Mnemonic::Monitorx,
        Intercepted::Mwaitx => Mnemonic::Mwaitx,
        Intercepted::Rdpru => Mnemonic::Rdpru,
        Intercepted::Invd => Mnemonic::Invd,
        Intercepted::Wbinvd => Mnemonic::Wbinvd,
        Intercepted::Wbnoinvd => Mnemonic::Wbnoinvd,
        Intercepted::Invlpg(_) => Mnemonic::Invlpg,
        Intercepted::Vmmcall => Mnemonic::Vmmcall,
        Intercepted::Vmrun => Mnemonic::Vmrun,
        Intercepted::Vmload => Mnemonic::Vmload,
        Intercepted::Vmsave => Mnemonic::Vmsave,
        Intercepted::Stgi => Mnemonic::Stgi,
        Intercepted::Clgi => Mnemonic::Clgi,
        Intercepted::Skinit => Mnemonic::Skinit,
        Intercepted::Invlpga => Mnemonic::Invlpga,
        Intercepted::MovFromCr { .. }
        | Intercepted::MovToCr { .. }
        | Intercepted::MovFromDr { .. }
        | Intercepted::MovToDr { .. } => Mnemonic::Mov,
        Intercepted::Clts => Mnemonic::Clts,
        Intercepted::Lmsw(_) => Mnemonic::Lmsw,
        Intercepted::Smsw(..) => Mnemonic::Smsw,
        Intercepted::In(..) => Mnemonic::In,
        Intercepted::Out(..) => Mnemonic::Out,
        Intercepted::Ins(Width::Byte) => Mnemonic::Insb,
        Intercepted::Ins(Width::Word) => Mnemonic::Insw,
        Intercepted::Ins(_) => Mnemonic::Insd,
        Intercepted::Outs(Width::Byte) => Mnemonic::Outsb,
        Intercepted::Outs(Width::Word) => Mnemonic::Outsw,
        Intercepted::Outs(_) => Mnemonic::Outsd,
        Intercepted::Int(_) => Mnemonic::Int,
        Intercepted::Int3 => Mnemonic::Int3,
        Intercepted::Into => Mnemonic::Into,
        Intercepted::Icebp => Mnemonic::Int1,
    }
}

/// Explicit operands, one of each sort at most, memory as text.
#[derive(PartialEq, Eq, Debug, Default)]
struct Operands {
    memory: Option<String>,
    /// Number, bytes, and whether it is AH, CH, DH or BH.
    register: Option<(usize, usize, bool)>,
    /// Control or debug register.
    special: Option<usize>,
    immediate: Option<u64>,
}

fn ours(instruction: &Instruction) -> Operands {
    let mut operands = Operands::default();
    match &instruction.kind {
        Kind::Memory(form) => ours_memory(form, instruction.size, &mut operands),
        Kind::Intercepted(intercepted) => {
            ours_intercepted(intercepted, instruction.size, &mut operands)
        }
    }
    operands
}

fn ours_memory(form: &MemoryForm, size: CodeSize, operands: &mut Operands) {
    if !matches!(form.action, Action::String { .. }) {
        operands.memory = Some(address_text(&form.address.decode(), Some(form.width), size));
    }
    match form.action {
        Action::Load {
            into, into_width, ..
        } => operands.register = named(into, into_width),
        Action::CombineInto(_, register)
        | Action::Exchange(register)
        | Action::ExchangeAdd(register)
        | Action::CompareExchange(register)
        | Action::Store(Source::Register(register))
        | Action::Combine(_, Source::Register(register))
        | Action::Bit(_, Source::Register(register)) => {
            operands.register = named(register, form.width);
        }
        Action::Store(Source::Immediate(value))
        | Action::Combine(_, Source::Immediate(value))
        | Action::Bit(_, Source::Immediate(value)) => {
            operands.immediate = Some(value & form.width.mask());
        }
        Action::Unary(_) | Action::String { .. } => {}
    }
}

fn ours_intercepted(intercepted: &Intercepted, size: CodeSize, operands: &mut Operands) {
    let full = |gpr: Gpr| Some((usize::from(gpr.number()), 0, false));
    match intercepted {
        Intercepted::Invlpg(address) => {
            operands.memory = Some(address_text(&address.decode(), None, size))
        }
        Intercepted::Lmsw(RegMem::Memory(address))
        | Intercepted::Smsw(RegMem::Memory(address), _) => {
            operands.memory = Some(address_text(&address.decode(), Some(Width::Word), size));
        }
        Intercepted::Lmsw(RegMem::Register(gpr)) => operands.register = full(*gpr),
        Intercepted::Smsw(RegMem::Register(gpr), width) => {
            operands.register = named(Register::Low(*gpr), *width);
        }
        Intercepted::MovFromCr {
            from: special,
            to: gpr,
        }
        | Intercepted::MovToCr {
            to: special,
            from: gpr,
        }
        | Intercepted::MovFromDr {
            from: special,
            to: gpr,
        }
        | Intercepted::MovToDr {
            to: special,
            from: gpr,
        } => {
            operands.register = full(*gpr);
            operands.special = Some(usize::from(*special));
        }
        Intercepted::In(port, width) | Intercepted::Out(port, width) => {
            operands.register = named(Register::Low(Gpr::RAX), *width);
            if let Port::Immediate(port) = port {
                operands.immediate = Some(u64::from(*port));
            }
        }
        Intercepted::Int(vector) => operands.immediate = Some(u64::from(*vector)),
        _ => {}
    }
}

fn named(register: Register, width: Width) -> Option<(usize, usize, bool)> {
    let bytes = width.bytes() as usize;
    Some(match register {
        Register::Low(gpr) => (usize::from(gpr.number()), bytes, false),
        Register::HighByte(gpr) => (usize::from(gpr.number()), bytes, true),
    })
}

fn address_text(address: &Address, width: Option<Width>, size: CodeSize) -> String {
    let base = match address.base {
        Base::None => "none".to_string(),
        Base::Register(gpr) => format!("{} of {}", gpr.number(), address.width.bytes()),
        Base::NextRip => format!("rip of {}", address.width.bytes()),
    };
    let index = address
        .index
        .map(|(gpr, shift)| (usize::from(gpr.number()), 1u32 << shift));
    let displacement = address.displacement & address.width.mask();
    let segment = match address.segment {
        Segment::Es | Segment::Cs | Segment::Ss | Segment::Ds if size == CodeSize::Bits64 => "flat",
        Segment::Es => "es",
        Segment::Cs => "cs",
        Segment::Ss => "ss",
        Segment::Ds => "ds",
        Segment::Fs => "fs",
        Segment::Gs => "gs",
    };
    let width = width.map(|width| width.bytes() as usize);
    format!("{segment}:[{base} + {index:?} + {displacement:#x}] {width:?}")
}

fn theirs(decoded: &iced_x86::Instruction) -> Operands {
    let mut operands = Operands::default();
    for operand in 0..decoded.op_count() {
        match decoded.op_kind(operand) {
            OpKind::Memory => operands.memory = Some(their_address(decoded)),
            OpKind::Register => their_register(decoded, operand, &mut operands),
            kind if format!("{kind:?}").starts_with("Immediate") => {
                let mask = match decoded.memory_size().size() {
                    0 => u64::MAX,
                    bytes => u64::MAX >> (64 - bytes * 8),
                };
                operands.immediate = Some(decoded.immediate(operand) & mask);
            }
            _ => {}
        }
    }
    operands
}

fn their_register(decoded: &iced_x86::Instruction, operand: u32, operands: &mut Operands) {
    use iced_x86::Register as R;
    let register = decoded.op_register(operand);
    if register.is_cr() || register.is_dr() {
        operands.special = Some(register.number());
        return;
    }
    let port = matches!(decoded.mnemonic(), Mnemonic::In | Mnemonic::Out) && register == R::DX;
    if port || decoded.is_string_instruction() {
        return;
    }
    let high = [R::AH, R::CH, R::DH, R::BH]
        .iter()
        .position(|&high| high == register);
    let number = high.unwrap_or(register.full_register().number());
    // The width of these is the mode's, or does not matter.
    let special = (0..decoded.op_count()).map(|operand| decoded.op_register(operand));
    let full = special
        .into_iter()
        .any(|register| register.is_cr() || register.is_dr())
        || decoded.mnemonic() == Mnemonic::Lmsw;
    let bytes = if full { 0 } else { register.size() };
    operands.register = Some((number, bytes, high.is_some()));
}

fn their_address(decoded: &iced_x86::Instruction) -> String {
    let (base, index) = (decoded.memory_base(), decoded.memory_index());
    let mut displacement = decoded.memory_displacement64();
    let base_text = match base {
        iced_x86::Register::None => "none".to_string(),
        base if decoded.is_ip_rel_memory_operand() => {
            // Decoded at address 0: the target less the length is what stands
            // in the instruction.
            displacement = displacement.wrapping_sub(decoded.len() as u64);
            format!("rip of {}", base.size())
        }
        base => format!("{} of {}", base.full_register().number(), base.size()),
    };
    let width = [base.size(), index.size()]
        .into_iter()
        .find(|&size| size != 0);
    let width = width.unwrap_or(decoded.memory_displ_size() as usize);
    let displacement = match width {
        0 | 8 => displacement,
        bytes => displacement & (u64::MAX >> (64 - bytes * 8)),
    };
    let index = (index != iced_x86::Register::None)
        .then(|| (index.full_register().number(), decoded.memory_index_scale()));
    // iced shows the overrides that 64-bit mode ignores.
    let segment = match decoded.memory_segment() {
        iced_x86::Register::FS => "fs".to_string(),
        iced_x86::Register::GS => "gs".to_string(),
        _ if decoded.code_size() == iced_x86::CodeSize::Code64 => "flat".to_string(),
        segment => format!("{segment:?}").to_lowercase(),
    };
    let width = Some(decoded.memory_size().size()).filter(|&bytes| bytes != 0);
    format!("{segment}:[{base_text} + {index:?} + {displacement:#x}] {width:?}")
}

/// Forms that `decode` promises to know.
fn is_claimed(decoded: &iced_x86::Instruction) -> bool {
    use Mnemonic::*;
    let registers = || (0..decoded.op_count()).map(|operand| decoded.op_register(operand));
    let memory = (0..decoded.op_count()).any(|operand| decoded.op_kind(operand) == OpKind::Memory);
    let code = format!("{:?}", decoded.code());
    match decoded.mnemonic() {
        Mov if registers().any(|register| register.is_cr() || register.is_dr()) => true,
        // Second encodings that neither manual lists, or that 64-bit mode lost.
        _ if ["F6r1", "F7r1", "imm8_82"]
            .iter()
            .any(|&end| code.ends_with(end)) =>
        {
            false
        }
        Mov => memory && !registers().any(|register| register.is_segment_register()),
        Movzx | Movsx | Xchg | Add | Or | Adc | Sbb | And | Sub | Xor | Cmp | Test | Not | Neg
        | Inc | Dec | Bt | Bts | Btr | Btc | Cmpxchg | Xadd => memory,
        // The 16-bit form is left out on purpose.
        Movsxd => memory && decoded.op0_register().size() > 2,
        Stosb | Stosw | Stosd | Stosq | Lodsb | Lodsw | Lodsd | Lodsq | Movsb | Movsw | Movsq => {
            true
        }
        // The other MOVSD is a vector move.
        Movsd => decoded.code() == Code::Movsd_m32_m32,
        Cpuid | Rdmsr | Wrmsr | Rdtsc | Rdtscp | Rdpmc | Xsetbv | Hlt | Pause | Monitor | Mwait
        | Monitorx | Mwaitx | Rdpru | Invd | Wbinvd | Wbnoinvd | Invlpg | Vmmcall | Vmrun
        | Vmload | Vmsave | Stgi | Clgi | Skinit | Invlpga | Clts | Lmsw | Smsw | In | Out
        | Insb | Insw | Insd | Outsb | Outsw | Outsd | Int | Int3 | Into | Int1 => true,
        _ => false,
    }
}

/// Whether a REX byte stands before another prefix. It does nothing then (24594
/// section 1.2.7); yaxpeax refuses some such instructions.
fn has_dead_rex(bytes: &[u8], size: CodeSize) -> bool {
    let rex = |byte: u8| byte & 0xF0 == 0x40;
    let legacy = [
        0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65,
    ];
    let prefix = |byte: u8| rex(byte) || legacy.contains(&byte);
    let prefixes = bytes.iter().take_while(|&&byte| prefix(byte)).count();
    let rexes = bytes[..prefixes].iter().rposition(|&byte| !rex(byte));
    size == CodeSize::Bits64
        && (bytes[..rexes.unwrap_or(0)].iter().any(|&byte| rex(byte))
            || bytes[..prefixes]
                .windows(2)
                .any(|pair| rex(pair[0]) && rex(pair[1])))
}

/// Compares one decoding with both oracles.
fn agrees(bytes: &[u8], size: CodeSize) -> Result<(), String> {
    let decoded = iced(bytes, size);
    let instruction = match decode(bytes, size) {
        Ok(instruction) => instruction,
        Err(error) => {
            return match decoded.filter(is_claimed) {
                Some(claimed) => Err(format!("{error:?}, but it is {claimed}")),
                None => Ok(()),
            };
        }
    };
    let length = u64::from(instruction.length);
    let Some(decoded) = decoded else {
        return Err(format!("iced knows no such instruction: {instruction:?}"));
    };
    if decoded.len() as u64 != length {
        return Err(format!(
            "iced: {decoded} of {} bytes, {instruction:?}",
            decoded.len()
        ));
    }
    let yaxpeax = yaxpeax_length(bytes, size);
    // yaxpeax does not know AMD's LOCK MOV CR0 either.
    let cr8 = matches!(
        instruction.kind,
        Kind::Intercepted(
            Intercepted::MovFromCr { from: 8, .. } | Intercepted::MovToCr { to: 8, .. }
        )
    );
    let excused = yaxpeax.is_none() && (cr8 || has_dead_rex(bytes, size));
    if yaxpeax != Some(length) && !excused {
        return Err(format!("yaxpeax: {yaxpeax:?}, {decoded}, {instruction:?}"));
    }
    // MOVZX from 16 to 16 bits is a MOV, and decoded as one.
    let same_name = match (decoded.mnemonic(), mnemonic(&instruction.kind)) {
        (Mnemonic::Movzx, Mnemonic::Mov) => decoded.op0_register().size() == 2,
        // The same, unless in an encrypted guest, which there are none of.
        (Mnemonic::Vmgexit, Mnemonic::Vmmcall) => true,
        (theirs, ours) => theirs == ours,
    };
    let same_operands = ours(&instruction) == theirs(&decoded);
    if !same_name || !same_operands {
        let (ours, theirs) = (ours(&instruction), theirs(&decoded));
        return Err(format!(
            "{decoded}: {instruction:?}, {ours:?} against {theirs:?}"
        ));
    }
    truncations_need_more(bytes, size, instruction)
}

/// Every proper beginning of an instruction asks for more, and what follows an
/// instruction does not matter.
fn truncations_need_more(
    bytes: &[u8],
    size: CodeSize,
    instruction: Instruction,
) -> Result<(), String> {
    let length = usize::from(instruction.length);
    for end in 0..length {
        if decode(&bytes[..end], size) != Err(DecodeError::NeedMore) {
            return Err(format!("decided by {end} of {length} bytes"));
        }
    }
    if decode(&bytes[..length], size) != Ok(instruction) {
        return Err("depends on what follows".to_string());
    }
    Ok(())
}

fn check_all(prefixes: &[u8], map: &[u8], tail: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    for size in SIZES {
        for opcode in 0..=255u8 {
            for modrm in 0..=255u8 {
                let mut bytes = [prefixes, map, &[opcode, modrm], tail].concat();
                bytes.resize(24, 0x5A);
                if let Err(why) = agrees(&bytes, size) {
                    let shown = &bytes[..prefixes.len() + map.len() + 2];
                    wrong.push(format!("{size:?} {shown:02x?}: {why}"));
                }
            }
        }
    }
    wrong
}

/// Every opcode of both maps with every ModRM byte, under `prefixes`.
fn sweep(prefixes: &[&[u8]]) {
    let mut wrong = Vec::new();
    for prefixes in prefixes {
        // SIB bytes: scaled index, no index, no base.
        for tail in [[0x8B, 0x80, 0x01], [0x24, 0x12, 0xFE], [0x65, 0xFF, 0x80]] {
            wrong.extend(check_all(prefixes, &[], &tail));
            wrong.extend(check_all(prefixes, &[0x0F], &tail));
        }
    }
    let step = wrong.len().div_ceil(40).max(1);
    let shown: Vec<_> = wrong.iter().step_by(step).cloned().collect();
    assert!(
        wrong.is_empty(),
        "{} differ, such as:\n{}",
        wrong.len(),
        shown.join("\n")
    );
}

/// AVIC-31
#[test]
fn every_opcode_and_modrm_decodes_as_the_oracles_say() {
    sweep(&[&[]]);
}

/// AVIC-31
#[test]
fn width_prefixes_change_what_the_oracles_say_they_change() {
    sweep(&[&[0x66], &[0x67]]);
}

/// AVIC-31
#[test]
fn rex_counts_only_right_before_the_opcode() {
    sweep(&[&[0x48], &[0x4F, 0x66], &[0x45]]);
}

/// AVIC-31
#[test]
fn lock_is_taken_only_where_memory_is_written_back() {
    sweep(&[&[0xF0]]);
}

/// AVIC-31
#[test]
fn repeat_and_segment_prefixes_are_skipped_where_they_mean_nothing() {
    sweep(&[&[0xF3], &[0xF2, 0x65], &[0x64, 0x3E]]);
}

fn prefix() -> impl Strategy<Value = u8> {
    let legacy = vec![
        0x66u8, 0x67, 0xF0, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65,
    ];
    prop_oneof![prop::sample::select(legacy), 0x40..0x50u8]
}

fn instruction_bytes() -> impl Strategy<Value = Vec<u8>> {
    let prefixes = prop::collection::vec(prefix(), 0..6);
    let map = prop::sample::select(vec![vec![], vec![0x0F], vec![0x0F, 0x01]]);
    let rest = prop::collection::vec(any::<u8>(), 18);
    (prefixes, map, rest).prop_map(|(prefixes, map, rest)| [prefixes, map, rest].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    /// AVIC-31
    #[test]
    fn any_prefixes_and_any_rest_decode_as_the_oracles_say(bytes in instruction_bytes()) {
        for size in SIZES {
            let result = agrees(&bytes, size);
            prop_assert!(result.is_ok(), "{:?} {:02x?}: {}", size, bytes, result.unwrap_err());
        }
    }

    #[test]
    fn fifteen_bytes_always_settle_the_matter(
        prefixes in prop::collection::vec(prefix(), 0..16),
        rest in prop::collection::vec(any::<u8>(), 15),
    ) {
        for size in SIZES {
            let bytes = [&prefixes[..], &rest[..]].concat();
            prop_assert_ne!(decode(&bytes, size), Err(DecodeError::NeedMore));
        }
    }
}

#[test]
fn fifteen_bytes_are_an_instruction_and_sixteen_are_not() {
    let mut bytes = [0x66; 16];
    bytes[13..15].copy_from_slice(&[0x0F, 0xA2]);
    assert_eq!(
        decode(&bytes, CodeSize::Bits64).map(|cpuid| cpuid.length),
        Ok(15)
    );
    bytes[13] = 0x66;
    bytes[14..].copy_from_slice(&[0x0F, 0xA2]);
    assert_eq!(decode(&bytes, CodeSize::Bits64), Err(DecodeError::TooLong));
}

/// AMD's way to reach CR8 from 32-bit code.
#[test]
fn lock_before_a_move_of_cr0_names_cr8() {
    let kind = |bytes: &[u8]| decode(bytes, CodeSize::Bits32).map(|decoded| decoded.kind);
    let to = Intercepted::MovToCr {
        to: 8,
        from: Gpr::RBX,
    };
    assert_eq!(kind(&[0xF0, 0x0F, 0x22, 0xC3]), Ok(Kind::Intercepted(to)));
    assert_eq!(kind(&[0xF0, 0x0F, 0x22, 0xD3]), Err(DecodeError::Invalid));
}

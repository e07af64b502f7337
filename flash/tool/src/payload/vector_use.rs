//! Instructions that would destroy a guest's x87, MMX, SSE or AVX registers.
//!
//! Owns: disassembling the payload's functions. The hypervisor leaves these registers
//! to the guest while it runs, so one `movaps` in an exit path corrupts guests at
//! random. Whole-state instructions (`xsave`, `fxrstor`, `fninit`) name no register
//! and are allowed. Only functions that the compiler made are read: hand-written
//! 16-bit and 32-bit entry code would decode to nonsense.

use super::elf_rules::Broken;
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, OpKind};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

/// What was found.
#[derive(Default, Debug)]
pub struct VectorUse {
    /// Number of instructions.
    pub count: usize,
    /// The first: address, text, function.
    pub first: Option<String>,
    /// Number of functions that were read.
    pub functions: usize,
}

impl VectorUse {
    /// The broken rule, when there is one.
    pub fn summary(self) -> Option<Broken> {
        Some(Broken::VectorUse {
            count: self.count,
            first: self.first?,
        })
    }
}

/// Reads every function of an ELF64 that has symbols.
pub fn find(file: &[u8]) -> VectorUse {
    let mut out = VectorUse::default();
    let Ok(elf) = object::File::parse(file) else {
        return out;
    };
    if !elf.is_64() {
        return out;
    }
    for symbol in elf
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
    {
        let section = symbol
            .section_index()
            .and_then(|index| elf.section_by_index(index).ok());
        let Some(section) = section.filter(|section| section.kind() == SectionKind::Text) else {
            continue;
        };
        let Ok(Some(code)) = section.data_range(symbol.address(), symbol.size()) else {
            continue;
        };
        out.functions += 1;
        scan(
            code,
            symbol.address(),
            symbol.name().unwrap_or("?"),
            &mut out,
        );
    }
    out
}

fn scan(code: &[u8], address: u64, function: &str, out: &mut VectorUse) {
    for instruction in Decoder::with_ip(64, code, address, DecoderOptions::NONE) {
        if !uses_vector(&instruction) {
            continue;
        }
        out.count += 1;
        if out.first.is_none() {
            let mut text = String::new();
            IntelFormatter::new().format(&instruction, &mut text);
            out.first = Some(format!("{:#x}: {text}` in `{function}", instruction.ip()));
        }
    }
}

fn uses_vector(instruction: &Instruction) -> bool {
    (0..instruction.op_count()).any(|operand| {
        let register = instruction.op_register(operand);
        instruction.op_kind(operand) == OpKind::Register
            && (register.is_vector_register()
                || register.is_mm()
                || register.is_st()
                || register.is_k())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(code: &[u8]) -> usize {
        let mut out = VectorUse::default();
        scan(code, 0x100_0000, "f", &mut out);
        out.count
    }

    #[test]
    fn register_moves_count_and_whole_state_saves_do_not() {
        assert_eq!(count(&[0x0f, 0x28, 0xc1]), 1, "movaps xmm0, xmm1");
        assert_eq!(count(&[0x0f, 0xae, 0x27]), 0, "xsave [rdi]");
        assert_eq!(count(&[0xdb, 0xe3]), 0, "fninit");
        assert_eq!(count(&[0xd9, 0xc0]), 1, "fld st0");
        assert_eq!(count(&[0x48, 0x89, 0xc3]), 0, "mov rbx, rax");
    }
}

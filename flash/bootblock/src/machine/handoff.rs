//! What stays behind in CBMEM, and the jump.
//!
//! The payload finds descriptor tables with coreboot's limits (GDT 0x5f, IDT
//! 0x9f), a live fault handler, a per-processor segment in GS, and a stack that is
//! not its own. coreboot's x86_64 build differs in ways that have broken payloads;
//! it can be asked for.

use super::physical;
use super::protected_mode::{
    FAULT_STRIDE, FAULTS, STACK_BYTES, enter_payload, fault_entries, order, orders,
};

/// Offsets in the CBMEM entry.
mod offset {
    pub const PARKING: u64 = 0;
    pub const GDT: u64 = 0x40;
    pub const IDT: u64 = 0x100;
    pub const PER_PROCESSOR: u64 = 0x3c0;
    pub const BOOT_STACK_TOP: u64 = 0x2000;
    pub const OTHER_STACKS: u64 = 0x2000;
}

/// The build of coreboot to imitate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// The default one: a live interrupt table, others parked in protected mode.
    Bits32,
    /// The x86_64 one: no interrupt table, so that a fault resets the machine, and
    /// others parked in long mode on page tables in low memory.
    Bits64,
    /// The default one after its processor start-up failed: others still wait for
    /// their first start-up message.
    MpFailed,
}

/// Bytes needed for `others` other processors.
pub const fn bytes_for(others: u32) -> usize {
    (offset::OTHER_STACKS + others as u64 * STACK_BYTES) as usize
}

/// The resident part, at its physical address.
pub struct Ramstage {
    base: u64,
}

impl Ramstage {
    /// Writes parking loop and descriptor tables to the entry at `base`.
    pub fn build(base: u64, memory: &mut [u8]) -> Self {
        memory.fill(0);
        let mut put = |at: u64, bytes: &[u8]| {
            let at = at as usize;
            memory[at..at + bytes.len()].copy_from_slice(bytes);
        };
        // cli; hlt; jmp to the hlt
        put(offset::PARKING, &[0xfa, 0xf4, 0xeb, 0xfd]);
        for (selector, descriptor) in [
            (0x08, 0x00cf_9b00_0000_ffff_u64),
            (0x10, 0x00cf_9300_0000_ffff),
            (0x18, 0x00af_9b00_0000_ffff),
            (0x40, per_processor(base + offset::PER_PROCESSOR)),
        ] {
            put(offset::GDT + selector, &descriptor.to_le_bytes());
        }
        let entries = &raw const fault_entries as u64;
        for vector in 0..FAULTS {
            let gate = gate(entries + vector * FAULT_STRIDE);
            put(offset::IDT + vector * 8, &gate.to_le_bytes());
        }
        Self { base }
    }

    /// Tells other processors, and the code that leaves long mode, where all is and
    /// which build of coreboot to imitate.
    pub fn write_orders(&self, build: Build) {
        let word = |at: u64, value: u64| physical::write_register(order(at), value as u32);
        let table = |at: u64, limit: u64, base: u64| {
            word(at, limit | (base & 0xffff) << 16);
            word(at + 4, base >> 16);
        };
        table(orders::GDT, 0x5f, self.base + offset::GDT);
        word(orders::STACKS, self.base + offset::OTHER_STACKS);
        word(orders::PARKING, self.base + offset::PARKING);
        let (idt, long, cr4, flags, fs) = match build {
            Build::Bits32 | Build::MpFailed => ((0x9f, self.base + offset::IDT), 0, 0, 0x02, 0),
            Build::Bits64 => ((0, 0), 1, 0x200, 0x46, 0x10),
        };
        table(orders::IDT, idt.0, idt.1);
        word(orders::LONG, long);
        word(orders::CR4, cr4);
        word(orders::FLAGS, flags);
        word(orders::FS, fs);
    }

    /// Enters the payload with the table's address on the stack.
    pub fn jump(&self, entry: u32, table: u32) -> ! {
        let stack = self.base + offset::BOOT_STACK_TOP;
        // SAFETY: the orders hold the descriptor tables, the stack lies in CBMEM,
        // and nothing of this program is used after it.
        unsafe { enter_payload(entry, table, stack as u32) }
    }
}

/// A writable data segment of 64 bytes at `base`.
const fn per_processor(base: u64) -> u64 {
    0x3f | (base & 0xff_ffff) << 16 | 0x0040_9300_0000_0000 | (base >> 24 & 0xff) << 56
}

/// A 32-bit interrupt gate into segment 8.
const fn gate(entry: u64) -> u64 {
    (entry & 0xffff) | 0x08 << 16 | 0x8e00 << 32 | (entry >> 16 & 0xffff) << 48
}

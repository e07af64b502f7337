//! What a vCPU's registers hold at an entry that is a beginning.
//!
//! Three beginnings: real mode after INIT or SIPI, 32-bit protected mode for
//! multiboot and flat images, 64-bit mode for Linux. Segments are in the VMCB's
//! form (24593 appendix B). EFER is the guest's view; `save_area` adds SVME.
//! Also called: reset state, INIT state, boot state.

use svm::vmcb::{SaveArea, Segment};

use crate::ids::Gpa;
use crate::policy::{efer::Efer, msr::PAT_RESET};

/// General-purpose registers that a beginning sets; all others are 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gprs {
    /// RAX.
    pub rax: u64,
    /// RBX.
    pub rbx: u64,
    /// RDX.
    pub rdx: u64,
    /// RSI.
    pub rsi: u64,
    /// RSP.
    pub rsp: u64,
}

/// Registers of a vCPU at its first instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntryState {
    /// CR0.
    pub cr0: u64,
    /// CR3.
    pub cr3: u64,
    /// CR4.
    pub cr4: u64,
    /// EFER as the guest sees it, SVME clear.
    pub efer: u64,
    /// RIP.
    pub rip: u64,
    /// RFLAGS: interrupts off.
    pub rflags: u64,
    /// DR6.
    pub dr6: u64,
    /// DR7.
    pub dr7: u64,
    /// General-purpose registers.
    pub gprs: Gprs,
    /// Code segment.
    pub cs: Segment,
    /// Stack segment; DS, ES, FS and GS hold the same.
    pub data: Segment,
    /// Task register.
    pub tr: Segment,
    /// Local descriptor table.
    pub ldtr: Segment,
    /// Global descriptor table; base and limit count.
    pub gdtr: Segment,
    /// Interrupt descriptor table; base and limit count.
    pub idtr: Segment,
}

/// Bit 1 of RFLAGS is always set.
const RFLAGS: u64 = 1 << 1;
/// CR0: protection on, 387 present, native FPU errors.
const CR0_PROTECTED: u64 = 1 << 5 | 1 << 4 | 1;
/// CR0: paging, write protection for the supervisor.
const CR0_PAGED: u64 = CR0_PROTECTED | 1 << 31 | 1 << 16;
const CR4_PAE: u64 = 1 << 5;
const EFER_LONG: u64 = 1 << 8 | 1 << 10;
const DR6_RESET: u64 = 0xFFFF_0FF0;
const DR7_RESET: u64 = 0x400;

const TSS_BUSY: u16 = 0x8B;
const LDT: u16 = 0x82;
const REAL_CODE: u16 = 0x9B;
const REAL_DATA: u16 = 0x93;
const FLAT_CODE_32: u16 = 0xC9B;
const FLAT_CODE_64: u16 = 0xA9B;
const FLAT_DATA: u16 = 0xC93;

/// Selector of the code segment in 32- and 64-bit beginnings.
pub const CODE_SELECTOR: u16 = 0x10;
/// Selector of the data segments there.
pub const DATA_SELECTOR: u16 = 0x18;

const fn segment(selector: u16, attributes: u16, limit: u32, base: u64) -> Segment {
    Segment {
        selector,
        attributes,
        limit,
        base,
    }
}

impl EntryState {
    /// The VMCB's save area for this beginning.
    ///
    /// The registers behind VMLOAD (STAR, SYSENTER and their kin) are 0 and the
    /// PAT is as after reset. RAX and RSP are in it; the other general-purpose
    /// registers are in `gprs`.
    pub const fn save_area(&self) -> SaveArea {
        let mut area = SaveArea::zeroed();
        area.es = self.data;
        area.cs = self.cs;
        area.ss = self.data;
        area.ds = self.data;
        area.fs = self.data;
        area.gs = self.data;
        area.gdtr = self.gdtr;
        area.ldtr = self.ldtr;
        area.idtr = self.idtr;
        area.tr = self.tr;
        area.efer = self.efer | Efer::SVME.bits();
        area.cr4 = self.cr4;
        area.cr3 = self.cr3;
        area.cr0 = self.cr0;
        area.dr7 = self.dr7;
        area.dr6 = self.dr6;
        area.rflags = self.rflags;
        area.rip = self.rip;
        area.rsp = self.gprs.rsp;
        area.rax = self.gprs.rax;
        area.g_pat = PAT_RESET;
        area
    }
}

/// The state after INIT: real mode, first instruction at 0xFFFF_FFF0.
///
/// `signature` is CPUID 1 EAX, which the processor leaves in RDX. Unlike the
/// processor this leaves caching on (CR0.CD and NW clear): with them set,
/// silicon runs a start-up trampoline from memory, and no kernel looks.
pub const fn reset_state(signature: u32) -> EntryState {
    EntryState {
        cr0: 1 << 4,
        cr3: 0,
        cr4: 0,
        efer: 0,
        rip: 0xFFF0,
        rflags: RFLAGS,
        dr6: DR6_RESET,
        dr7: DR7_RESET,
        gprs: Gprs {
            rax: 0,
            rbx: 0,
            rdx: signature as u64,
            rsi: 0,
            rsp: 0,
        },
        cs: segment(0xF000, REAL_CODE, 0xFFFF, 0xFFFF_0000),
        data: segment(0, REAL_DATA, 0xFFFF, 0),
        tr: segment(0, TSS_BUSY, 0xFFFF, 0),
        ldtr: segment(0, LDT, 0xFFFF, 0),
        gdtr: segment(0, 0, 0xFFFF, 0),
        idtr: segment(0, 0, 0xFFFF, 0),
    }
}

/// The state after INIT and a start-up IPI: real mode at `vector` * 4 KiB.
pub const fn sipi_state(vector: u8, signature: u32) -> EntryState {
    let mut state = reset_state(signature);
    state.cs = segment(
        (vector as u16) << 8,
        REAL_CODE,
        0xFFFF,
        (vector as u64) << 12,
    );
    state.rip = 0;
    state
}

/// 32-bit protected mode at `entry`, paging off, flat segments without a table
/// behind them: the program must load its own before it loads a segment.
pub const fn protected_state(entry: u32, rax: u32, rbx: u32) -> EntryState {
    let mut state = reset_state(0);
    state.cr0 = CR0_PROTECTED;
    state.rip = entry as u64;
    state.gprs = Gprs {
        rax: rax as u64,
        rbx: rbx as u64,
        rdx: 0,
        rsi: 0,
        rsp: 0,
    };
    state.cs = segment(CODE_SELECTOR, FLAT_CODE_32, u32::MAX, 0);
    state.data = segment(DATA_SELECTOR, FLAT_DATA, u32::MAX, 0);
    state.gdtr = segment(0, 0, 0, 0);
    state.idtr = segment(0, 0, 0, 0);
    state
}

/// 64-bit mode at `entry` with page tables at `cr3`, a GDT of `gdt_limit` + 1
/// bytes at `gdt` and `rsi` as the program's argument.
pub const fn long_mode_state(
    entry: u64,
    cr3: Gpa,
    gdt: Gpa,
    gdt_limit: u32,
    rsi: u64,
) -> EntryState {
    let mut state = protected_state(0, 0, 0);
    state.cr0 = CR0_PAGED;
    state.cr3 = cr3.0;
    state.cr4 = CR4_PAE;
    state.efer = EFER_LONG;
    state.rip = entry;
    state.gprs.rsi = rsi;
    state.cs = segment(CODE_SELECTOR, FLAT_CODE_64, u32::MAX, 0);
    state.gdtr = segment(0, 0, gdt_limit, gdt.0);
    state
}

/// The descriptor-table entry that gives a flat segment of this state, as the
/// eight bytes a GDT holds.
pub const fn flat_descriptor(segment: Segment) -> u64 {
    let attrib = segment.attributes as u64;
    0xFFFF | 0xF << 48 | (attrib & 0xFF) << 40 | (attrib >> 8) << 52
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-10: the vector is a page number below 1 MiB.
    #[test]
    fn a_start_up_ipi_names_a_page() {
        let state = sipi_state(0x9F, 0x00A2_0F12);
        assert_eq!(
            (state.cs.selector, state.cs.base, state.rip),
            (0x9F00, 0x9_F000, 0)
        );
        assert_eq!(
            (state.cr0 & 1, state.efer, state.gprs.rdx),
            (0, 0, 0x00A2_0F12)
        );
    }

    #[test]
    fn reset_starts_below_four_gib() {
        let state = reset_state(0);
        assert_eq!(state.cs.base + state.rip, 0xFFFF_FFF0);
        assert_eq!(state.rflags, 2);
    }

    /// 24593 section 15.5.1: combinations that VMRUN refuses.
    #[test]
    fn no_beginning_is_refused_by_vmrun() {
        let long = long_mode_state(0x100_0200, Gpa(0x9000), Gpa(0x6000), 0x1F, 0x7000);
        for state in [
            reset_state(1),
            sipi_state(0, 1),
            protected_state(0x10_0000, 1, 2),
            long,
        ] {
            let paging = state.cr0 >> 31 & 1 == 1;
            assert_eq!(state.cr0 >> 29 & 3, 0, "CD and NW");
            assert_eq!(state.cr0 >> 32, 0);
            assert!(!paging || state.cr0 & 1 == 1);
            assert_eq!(state.efer & 0x500 == 0x500, paging);
            assert!(state.cs.attributes >> 9 & 3 != 3, "L and D together");
            assert_eq!(state.dr6 >> 32 | state.dr7 >> 32, 0);
        }
        assert_eq!(long.cr4 & 1 << 5, 1 << 5);
    }

    /// 24593 appendix B: SVME, or VMRUN refuses; the rest is the same state.
    #[test]
    fn a_save_area_adds_svme_and_the_reset_pat() {
        let state = protected_state(0x10_0000, 0x2BAD_B002, 0x9000);
        let area = state.save_area();
        assert_eq!(area.efer, 0x1000);
        assert_eq!(area.g_pat, 0x0007_0406_0007_0406);
        assert_eq!(
            (area.rip, area.rax, area.cr0),
            (0x10_0000, 0x2BAD_B002, state.cr0)
        );
        for segment in [area.es, area.ss, area.ds, area.fs, area.gs] {
            assert_eq!(segment, state.data);
        }
        assert_eq!(
            (area.cs, area.tr, area.ldtr),
            (state.cs, state.tr, state.ldtr)
        );
        assert_eq!(
            (area.gdtr, area.idtr, area.cpl),
            (state.gdtr, state.idtr, 0)
        );
    }

    #[test]
    fn descriptors_say_what_the_hidden_registers_say() {
        let long = long_mode_state(0, Gpa(0), Gpa(0), 0, 0);
        assert_eq!(flat_descriptor(long.cs), 0x00AF_9B00_0000_FFFF);
        assert_eq!(flat_descriptor(long.data), 0x00CF_9300_0000_FFFF);
    }
}

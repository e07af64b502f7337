//! VMCB control area, field by field (24593 appendix B, table B-1).
//!
//! Integers and named gaps only; meanings live in the sibling files. Offsets
//! that hardware reads are proved below.

use core::mem::offset_of;

/// Control area: offsets 000h to 3FFh.
#[repr(C)]
#[derive(Clone)]
pub struct ControlArea {
    /// CR reads (bits 15:0) and writes (31:16) that exit.
    pub intercept_cr: u32,
    /// DR reads (bits 15:0) and writes (31:16) that exit.
    pub intercept_dr: u32,
    /// Exceptions that exit, one bit a vector.
    pub intercept_exceptions: u32,
    /// [`super::intercept::Misc1`].
    pub intercept_misc1: u32,
    /// [`super::intercept::Misc2`].
    pub intercept_misc2: u32,
    /// Third instruction intercept word (INVLPGB and later); zero here.
    pub intercept_misc3: u32,
    reserved_018: [u8; 0x3c - 0x18],
    /// PAUSE filter threshold.
    pub pause_filter_threshold: u16,
    /// PAUSE filter count.
    pub pause_filter_count: u16,
    /// Physical base of the 12 KiB I/O permission map.
    pub iopm_base: u64,
    /// Physical base of the 8 KiB MSR permission map.
    pub msrpm_base: u64,
    /// Added to the TSC when the guest reads it.
    pub tsc_offset: u64,
    /// Address-space identifier; 0 is the host's and refused by VMRUN.
    pub asid: u32,
    /// [`TlbControl`].
    pub tlb_control: u32,
    /// [`super::vintr::VirtualInterrupt`].
    pub vintr: u64,
    /// Bit 0: interrupt shadow; bit 1: guest interrupt mask (SEV-ES only).
    pub interrupt_shadow: u64,
    /// [`crate::exit_code::ExitCode`].
    pub exit_code: u64,
    /// First word of exit information.
    pub exit_info_1: u64,
    /// Second word of exit information.
    pub exit_info_2: u64,
    /// Event whose delivery the exit interrupted: [`super::event::Event`].
    pub exit_int_info: u64,
    /// Bit 0: nested paging.
    pub nested_control: u64,
    /// AVIC APIC base address.
    pub avic_apic_bar: u64,
    /// GHCB address (SEV-ES only).
    pub ghcb: u64,
    /// Event to deliver at VMRUN: [`super::event::Event`].
    pub event_inject: u64,
    /// Nested page table root.
    pub nested_cr3: u64,
    /// Bit 0: LBR virtualization; bit 1: virtual VMSAVE/VMLOAD.
    pub lbr_control: u64,
    /// Clean bits: [`super::clean::Clean`].
    pub clean: u64,
    /// RIP of the next instruction, where the CPU has NRIP save.
    pub next_rip: u64,
    /// Number of instruction bytes fetched (decode assists).
    pub fetched_bytes: u8,
    /// The instruction bytes (decode assists).
    pub instruction_bytes: [u8; 15],
    /// AVIC backing page.
    pub avic_backing_page: u64,
    reserved_0e8: u64,
    /// AVIC logical table.
    pub avic_logical_table: u64,
    /// AVIC physical table and highest index.
    pub avic_physical_table: u64,
    reserved_100: [u8; 0x400 - 0x100],
}

const _: () = assert!(size_of::<ControlArea>() == 0x400);
const _: () = assert!(offset_of!(ControlArea, pause_filter_threshold) == 0x3c);
const _: () = assert!(offset_of!(ControlArea, iopm_base) == 0x40);
const _: () = assert!(offset_of!(ControlArea, tsc_offset) == 0x50);
const _: () = assert!(offset_of!(ControlArea, tlb_control) == 0x5c);
const _: () = assert!(offset_of!(ControlArea, vintr) == 0x60);
const _: () = assert!(offset_of!(ControlArea, exit_code) == 0x70);
const _: () = assert!(offset_of!(ControlArea, exit_int_info) == 0x88);
const _: () = assert!(offset_of!(ControlArea, avic_apic_bar) == 0x98);
const _: () = assert!(offset_of!(ControlArea, event_inject) == 0xa8);
const _: () = assert!(offset_of!(ControlArea, clean) == 0xc0);
const _: () = assert!(offset_of!(ControlArea, next_rip) == 0xc8);
const _: () = assert!(offset_of!(ControlArea, fetched_bytes) == 0xd0);
const _: () = assert!(offset_of!(ControlArea, avic_backing_page) == 0xe0);
const _: () = assert!(offset_of!(ControlArea, avic_logical_table) == 0xf0);
const _: () = assert!(offset_of!(ControlArea, avic_physical_table) == 0xf8);

impl ControlArea {
    /// All zero bytes.
    pub const fn zeroed() -> Self {
        Self {
            intercept_cr: 0,
            intercept_dr: 0,
            intercept_exceptions: 0,
            intercept_misc1: 0,
            intercept_misc2: 0,
            intercept_misc3: 0,
            reserved_018: [0; 0x3c - 0x18],
            pause_filter_threshold: 0,
            pause_filter_count: 0,
            iopm_base: 0,
            msrpm_base: 0,
            tsc_offset: 0,
            asid: 0,
            tlb_control: 0,
            vintr: 0,
            interrupt_shadow: 0,
            exit_code: 0,
            exit_info_1: 0,
            exit_info_2: 0,
            exit_int_info: 0,
            nested_control: 0,
            avic_apic_bar: 0,
            ghcb: 0,
            event_inject: 0,
            nested_cr3: 0,
            lbr_control: 0,
            clean: 0,
            next_rip: 0,
            fetched_bytes: 0,
            instruction_bytes: [0; 15],
            avic_backing_page: 0,
            reserved_0e8: 0,
            avic_logical_table: 0,
            avic_physical_table: 0,
            reserved_100: [0; 0x400 - 0x100],
        }
    }
}

/// What VMRUN does to the TLB (24593 section 15.16.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TlbControl(pub u32);

impl TlbControl {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Every entry of every ASID. Always available.
    pub const ALL: Self = Self(1);
    /// This guest's entries; needs flush-by-ASID.
    pub const GUEST: Self = Self(3);
    /// This guest's non-global entries; needs flush-by-ASID.
    pub const GUEST_NON_GLOBAL: Self = Self(7);

    /// The narrowest flush of this guest that the CPU has.
    pub const fn guest(flush_by_asid: bool) -> Self {
        if flush_by_asid {
            Self::GUEST
        } else {
            Self::ALL
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MMU-21.
    #[test]
    fn without_flush_by_asid_a_guest_flush_is_a_full_flush() {
        assert_eq!(TlbControl::guest(false), TlbControl::ALL);
        assert_eq!(TlbControl::guest(true), TlbControl::GUEST);
    }
}

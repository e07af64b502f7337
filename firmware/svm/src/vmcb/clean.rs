//! VMCB clean bits: which groups of fields the CPU may keep from last time.
//!
//! 24593 section 15.15.4. A setter of a field also clears its group here; the
//! touch crate makes the two one act.

bitflags::bitflags! {
    /// Offset 0C0h. A set bit says the group has not changed since the last VMRUN.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Clean: u32 {
        /// Intercept words, TSC offset, PAUSE filter.
        const INTERCEPTS = 1 << 0;
        /// I/O and MSR permission map bases.
        const PERMISSION_MAPS = 1 << 1;
        /// ASID.
        const ASID = 1 << 2;
        /// V_TPR to V_INTR_VECTOR.
        const VIRTUAL_INTERRUPT = 1 << 3;
        /// Nested paging: nCR3, G_PAT.
        const NESTED_PAGING = 1 << 4;
        /// CR0, CR3, CR4, EFER.
        const CONTROL_REGISTERS = 1 << 5;
        /// DR6, DR7.
        const DEBUG_REGISTERS = 1 << 6;
        /// GDTR, IDTR.
        const DESCRIPTOR_TABLES = 1 << 7;
        /// CS, DS, SS, ES, CPL.
        const SEGMENTS = 1 << 8;
        /// CR2.
        const CR2 = 1 << 9;
        /// LBR state.
        const LBR = 1 << 10;
        /// AVIC: APIC BAR, backing page, tables.
        const AVIC = 1 << 11;
    }
}

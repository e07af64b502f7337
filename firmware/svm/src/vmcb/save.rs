//! VMCB state save area, field by field (24593 appendix B, table B-2).
//!
//! VMRUN and #VMEXIT move most of it; FS, GS, TR, LDTR and the system-call MSRs
//! move only with VMLOAD and VMSAVE.

use core::mem::offset_of;

/// A segment register with its hidden part. Attributes are packed as in the
/// descriptor: type 3:0, S 4, DPL 6:5, P 7, AVL 8, L 9, D/B 10, G 11.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Visible selector.
    pub selector: u16,
    /// Packed attributes.
    pub attributes: u16,
    /// Limit in bytes, already scaled.
    pub limit: u32,
    /// Base; only 32 bits count outside FS, GS, TR, LDTR, GDTR and IDTR.
    pub base: u64,
}

impl Segment {
    /// All zero: a null selector that is not present.
    pub const fn zeroed() -> Self {
        Self {
            selector: 0,
            attributes: 0,
            limit: 0,
            base: 0,
        }
    }

    /// Code segment is 64-bit (attribute L).
    pub const fn long(self) -> bool {
        self.attributes & (1 << 9) != 0
    }

    /// Default operand size is 32 bits (attribute D/B).
    pub const fn default_32(self) -> bool {
        self.attributes & (1 << 10) != 0
    }
}

/// State save area: offsets 400h to FFFh of the block (0 to BFFh here).
#[repr(C)]
#[derive(Clone)]
pub struct SaveArea {
    /// ES.
    pub es: Segment,
    /// CS.
    pub cs: Segment,
    /// SS.
    pub ss: Segment,
    /// DS.
    pub ds: Segment,
    /// FS (VMLOAD/VMSAVE).
    pub fs: Segment,
    /// GS (VMLOAD/VMSAVE).
    pub gs: Segment,
    /// GDTR: limit and base count.
    pub gdtr: Segment,
    /// LDTR (VMLOAD/VMSAVE).
    pub ldtr: Segment,
    /// IDTR: limit and base count.
    pub idtr: Segment,
    /// TR (VMLOAD/VMSAVE).
    pub tr: Segment,
    reserved_0a0: [u8; 0xcb - 0xa0],
    /// Current privilege level.
    pub cpl: u8,
    reserved_0cc: u32,
    /// EFER; SVME must be 1.
    pub efer: u64,
    reserved_0d8: [u8; 0x148 - 0xd8],
    /// CR4.
    pub cr4: u64,
    /// CR3.
    pub cr3: u64,
    /// CR0.
    pub cr0: u64,
    /// DR7; bits 63:32 must be zero.
    pub dr7: u64,
    /// DR6; bits 63:32 must be zero.
    pub dr6: u64,
    /// RFLAGS.
    pub rflags: u64,
    /// RIP.
    pub rip: u64,
    reserved_180: [u8; 0x1d8 - 0x180],
    /// RSP.
    pub rsp: u64,
    reserved_1e0: [u8; 0x1f8 - 0x1e0],
    /// RAX: the only general register VMRUN moves besides RSP.
    pub rax: u64,
    /// STAR (VMLOAD/VMSAVE).
    pub star: u64,
    /// LSTAR (VMLOAD/VMSAVE).
    pub lstar: u64,
    /// CSTAR (VMLOAD/VMSAVE).
    pub cstar: u64,
    /// SFMASK (VMLOAD/VMSAVE).
    pub sfmask: u64,
    /// KERNEL_GS_BASE (VMLOAD/VMSAVE).
    pub kernel_gs_base: u64,
    /// SYSENTER_CS (VMLOAD/VMSAVE).
    pub sysenter_cs: u64,
    /// SYSENTER_ESP (VMLOAD/VMSAVE).
    pub sysenter_esp: u64,
    /// SYSENTER_EIP (VMLOAD/VMSAVE).
    pub sysenter_eip: u64,
    /// CR2.
    pub cr2: u64,
    reserved_248: [u8; 0x268 - 0x248],
    /// Guest PAT, used with nested paging.
    pub g_pat: u64,
    /// Guest DEBUGCTL, used with LBR virtualization.
    pub debugctl: u64,
    reserved_278: [u8; 0xc00 - 0x278],
}

const _: () = assert!(size_of::<Segment>() == 16);
const _: () = assert!(size_of::<SaveArea>() == 0xc00);
const _: () = assert!(offset_of!(SaveArea, gdtr) == 0x60);
const _: () = assert!(offset_of!(SaveArea, tr) == 0x90);
const _: () = assert!(offset_of!(SaveArea, cpl) == 0xcb);
const _: () = assert!(offset_of!(SaveArea, efer) == 0xd0);
const _: () = assert!(offset_of!(SaveArea, cr4) == 0x148);
const _: () = assert!(offset_of!(SaveArea, rip) == 0x178);
const _: () = assert!(offset_of!(SaveArea, rsp) == 0x1d8);
const _: () = assert!(offset_of!(SaveArea, rax) == 0x1f8);
const _: () = assert!(offset_of!(SaveArea, cr2) == 0x240);
const _: () = assert!(offset_of!(SaveArea, g_pat) == 0x268);

impl SaveArea {
    /// All zero bytes.
    pub const fn zeroed() -> Self {
        const NULL: Segment = Segment::zeroed();
        Self {
            es: NULL,
            cs: NULL,
            ss: NULL,
            ds: NULL,
            fs: NULL,
            gs: NULL,
            gdtr: NULL,
            ldtr: NULL,
            idtr: NULL,
            tr: NULL,
            reserved_0a0: [0; 0xcb - 0xa0],
            cpl: 0,
            reserved_0cc: 0,
            efer: 0,
            reserved_0d8: [0; 0x148 - 0xd8],
            cr4: 0,
            cr3: 0,
            cr0: 0,
            dr7: 0,
            dr6: 0,
            rflags: 0,
            rip: 0,
            reserved_180: [0; 0x1d8 - 0x180],
            rsp: 0,
            reserved_1e0: [0; 0x1f8 - 0x1e0],
            rax: 0,
            star: 0,
            lstar: 0,
            cstar: 0,
            sfmask: 0,
            kernel_gs_base: 0,
            sysenter_cs: 0,
            sysenter_esp: 0,
            sysenter_eip: 0,
            cr2: 0,
            reserved_248: [0; 0x268 - 0x248],
            g_pat: 0,
            debugctl: 0,
            reserved_278: [0; 0xc00 - 0x278],
        }
    }
}

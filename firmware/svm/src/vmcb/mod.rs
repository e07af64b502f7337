//! The virtual machine control block: one 4 KiB page per vCPU.
//!
//! Two areas: what the hypervisor controls, and the state saved and loaded by
//! VMRUN and #VMEXIT. Layout: 24593 appendix B.
//! Also called: VMCB.

pub mod clean;
pub mod control;
pub mod event;
pub mod intercept;
pub mod save;
pub mod vintr;

pub use control::ControlArea;
pub use save::{SaveArea, Segment};

/// The block as memory holds it.
#[repr(C, align(4096))]
pub struct Vmcb {
    /// Offset 000h: control area.
    pub control: ControlArea,
    /// Offset 400h: state save area.
    pub save: SaveArea,
}

const _: () = assert!(size_of::<Vmcb>() == 4096);
const _: () = assert!(core::mem::offset_of!(Vmcb, save) == 0x400);

impl Vmcb {
    /// A block of zero bytes. Not a runnable guest: VMRUN refuses ASID 0.
    pub const fn zeroed() -> Self {
        Self {
            control: ControlArea::zeroed(),
            save: SaveArea::zeroed(),
        }
    }
}

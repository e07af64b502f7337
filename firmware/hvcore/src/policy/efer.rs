//! EFER: what a guest may write, and what becomes of it.
//!
//! EFER is never passed through: bit 12 (SVME) must stay set in the register
//! that VMRUN loads, and the guest must see it clear (24593 sections 3.1.7 and
//! 15.5.1). Long-mode activation (LMA) follows CR0.PG inside the guest and is
//! not the guest's to write.

use bitflags::bitflags;

use super::cpuid::HostCpuid;
use super::cpuid::mask;

bitflags! {
    /// The bits of EFER that exist for a guest.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Efer: u64 {
        /// SYSCALL and SYSRET.
        const SCE = 1 << 0;
        /// Long mode as soon as paging is on.
        const LME = 1 << 8;
        /// Long mode is active.
        const LMA = 1 << 10;
        /// No-execute pages.
        const NXE = 1 << 11;
        /// SVM; the host's, never the guest's.
        const SVME = 1 << 12;
        /// Fast FXSAVE.
        const FFXSR = 1 << 14;
    }
}

/// The guest gets #GP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReservedBits;

/// Bits that a guest on this host may set.
pub const fn writable(host: &HostCpuid) -> Efer {
    let nxe = if host.extended.edx & mask::NX != 0 {
        Efer::NXE
    } else {
        Efer::empty()
    };
    let ffxsr = if host.extended.edx & mask::FFXSR != 0 {
        Efer::FFXSR
    } else {
        Efer::empty()
    };
    Efer::SCE.union(Efer::LME).union(nxe).union(ffxsr)
}

/// What RDMSR shows of the VMCB's EFER.
pub const fn shown(vmcb_efer: u64) -> u64 {
    vmcb_efer & !Efer::SVME.bits()
}

/// The VMCB's next EFER after a guest wrote `value`.
///
/// `vmcb_efer` is the present one, `paging` the guest's CR0.PG. Refused are bits
/// outside `writable` (LMA is ignored) and a change of LME while paging is on.
pub const fn after_write(
    vmcb_efer: u64,
    value: u64,
    writable: Efer,
    paging: bool,
) -> Result<u64, ReservedBits> {
    let value = value & !Efer::LMA.bits();
    if value & !writable.bits() != 0 {
        return Err(ReservedBits);
    }
    if paging && (value ^ vmcb_efer) & Efer::LME.bits() != 0 {
        return Err(ReservedBits);
    }
    let kept = vmcb_efer & Efer::LMA.union(Efer::SVME).bits();
    Ok(value | kept)
}

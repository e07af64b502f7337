//! A vCPU's VMCB frame: every setter also marks its clean-bit group.
//!
//! Fields are private to this file, so that a changed field cannot keep a clean
//! bit. CR2 is always dirty (R003-06).

use hvcore::ids::Hpa;
use hvcore::port::GuestCpu;
use svm::vmcb::clean::Clean;
use svm::vmcb::control::TlbControl;
use svm::vmcb::event::Event;
use svm::vmcb::vintr::VirtualInterrupt;
use svm::vmcb::{ControlArea, SaveArea, Vmcb, intercept};

/// Owner of one VMCB.
pub struct VmcbPage {
    vmcb: &'static mut Vmcb,
    /// Clean bits the CPU knows; 0 where it has none.
    supported: u64,
}

impl VmcbPage {
    /// Takes a zeroed VMCB. `clean_bits` when the CPU has them.
    pub fn new(vmcb: &'static mut Vmcb, clean_bits: bool) -> Self {
        let supported = if clean_bits {
            u64::from(Clean::all().difference(Clean::CR2).bits())
        } else {
            0
        };
        Self { vmcb, supported }
    }

    /// Physical address for VMRUN.
    #[inline(always)]
    pub fn address(&self) -> Hpa {
        Hpa(&raw const *self.vmcb as u64)
    }

    fn dirty(&mut self, group: Clean) {
        self.vmcb.control.clean &= !u64::from(group.bits());
    }

    /// Back to an empty block with the forced intercepts, these maps and tables.
    pub fn reset(&mut self, maps: [Hpa; 2], nested_root: Hpa, asid: u32, tsc_offset: u64) {
        *self.vmcb = Vmcb::zeroed();
        let control = &mut self.vmcb.control;
        control.intercept_misc1 = intercept::FORCED_1.bits();
        control.intercept_misc2 = intercept::FORCED_2.bits();
        control.intercept_exceptions = intercept::FORCED_EXCEPTIONS;
        // DR accesses and CR accesses run natively: the guest owns them.
        control.msrpm_base = maps[0].0;
        control.iopm_base = maps[1].0;
        control.nested_control = 1;
        control.nested_cr3 = nested_root.0;
        control.asid = asid;
        control.tsc_offset = tsc_offset;
        control.vintr = VirtualInterrupt::MASKING.0;
        control.tlb_control = TlbControl::ALL.0;
    }

    /// The next VMRUN flushes this guest's translations (MMU-21).
    pub fn flush(&mut self, flush_by_asid: bool) {
        self.vmcb.control.tlb_control = TlbControl::guest(flush_by_asid).0;
    }

    /// Whether the next run exits when the guest writes CR8.
    #[inline(always)]
    pub fn intercept_cr8_writes(&mut self, on: bool) {
        let set = if on { intercept::CR8_WRITE } else { 0 };
        if self.vmcb.control.intercept_cr != set {
            self.vmcb.control.intercept_cr = set;
            self.dirty(Clean::INTERCEPTS);
        }
    }

    /// From here on a virtual interrupt exits instead of being taken.
    pub fn intercept_virtual_interrupts(&mut self) {
        let bit = intercept::Misc1::VINTR.bits();
        if self.vmcb.control.intercept_misc1 & bit == 0 {
            self.vmcb.control.intercept_misc1 |= bit;
            self.dirty(Clean::INTERCEPTS);
        }
    }

    /// After an exit: nothing has changed yet, no event, no flush left over.
    #[inline(always)]
    pub fn exited(&mut self) {
        let control = &mut self.vmcb.control;
        control.clean = self.supported;
        control.tlb_control = 0;
        control.event_inject = 0;
    }

    /// Raw block, for the world switch in `vmrun`.
    #[inline(always)]
    pub(crate) fn raw(&mut self) -> *mut Vmcb {
        &raw mut *self.vmcb
    }
}

impl GuestCpu for VmcbPage {
    #[inline(always)]
    fn control(&self) -> &ControlArea {
        &self.vmcb.control
    }

    #[inline(always)]
    fn save(&self) -> &SaveArea {
        &self.vmcb.save
    }

    #[inline(always)]
    fn set_rip(&mut self, rip: u64) {
        self.vmcb.save.rip = rip;
    }

    fn set_rflags(&mut self, rflags: u64) {
        self.vmcb.save.rflags = rflags;
    }

    #[inline(always)]
    fn set_shadow(&mut self, on: bool) {
        self.vmcb.control.interrupt_shadow = u64::from(on);
    }

    #[inline(always)]
    fn set_virtual_interrupt(&mut self, word: VirtualInterrupt) {
        if self.vmcb.control.vintr != word.0 {
            self.vmcb.control.vintr = word.0;
            self.dirty(Clean::VIRTUAL_INTERRUPT);
        }
    }

    fn inject(&mut self, event: Event) {
        self.vmcb.control.event_inject = event.0;
    }

    fn set_cr2(&mut self, address: u64) {
        self.vmcb.save.cr2 = address;
        self.dirty(Clean::CR2);
    }

    fn set_efer(&mut self, efer: u64) {
        self.vmcb.save.efer = efer | svm::msr::EFER_SVME;
        self.dirty(Clean::CONTROL_REGISTERS);
    }

    fn set_pat(&mut self, pat: u64) {
        self.vmcb.save.g_pat = pat;
        self.dirty(Clean::NESTED_PAGING);
    }

    fn set_dr6(&mut self, dr6: u64) {
        self.vmcb.save.dr6 = dr6;
        self.dirty(Clean::DEBUG_REGISTERS);
    }

    fn set_dr7(&mut self, dr7: u64) {
        self.vmcb.save.dr7 = dr7;
        self.dirty(Clean::DEBUG_REGISTERS);
    }

    fn set_exception_intercepts(&mut self, set: u32) {
        self.vmcb.control.intercept_exceptions = set;
        self.dirty(Clean::INTERCEPTS);
    }

    fn set_intercept_iret(&mut self, on: bool) {
        use svm::vmcb::intercept::Misc1;
        let bit = Misc1::IRET.bits();
        let word = &mut self.vmcb.control.intercept_misc1;
        *word = if on { *word | bit } else { *word & !bit };
        self.dirty(Clean::INTERCEPTS);
    }

    fn xcr0(&self) -> u64 {
        crate::cpu::xgetbv()
    }

    fn set_xcr0(&mut self, value: u64) {
        crate::cpu::xsetbv(value);
    }

    fn fetch_hidden_state(&mut self) {
        crate::vmrun::save_hidden_state(self);
    }

    fn replace_save(&mut self, save: &SaveArea) {
        self.vmcb.save = save.clone();
        self.vmcb.save.efer |= svm::msr::EFER_SVME;
        self.vmcb.control.interrupt_shadow = 0;
        self.vmcb.control.clean = 0;
    }
}

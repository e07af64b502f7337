//! A vCPU's VMCB on the build host: plain memory behind `GuestCpu`.
//!
//! Setters do what the manual asks of the real ones and nothing else; a test
//! plays the processor by writing the exit's words into `vmcb` itself. FS and GS
//! are kept apart until they are fetched, as VMSAVE does it, so that a handler
//! that forgets to fetch them sees stale bases.
//! Also called: fake VMCB, mock CPU.

use hvcore::port::GuestCpu;
use svm::vmcb::event::Event;
use svm::vmcb::vintr::VirtualInterrupt;
use svm::vmcb::{ControlArea, SaveArea, Vmcb, intercept};

const SVME: u64 = 1 << 12;

/// A VMCB and the registers around it.
pub struct FakeCpu {
    /// The block; write exit codes and guest state here.
    pub vmcb: Box<Vmcb>,
    /// XCR0 of the core.
    pub xcr0: u64,
    /// FS and GS bases as the core has them.
    pub core_fs_gs: [u64; 2],
    /// How often the hidden state was fetched.
    pub fetches: u32,
}

impl FakeCpu {
    /// An empty block with the forced intercepts.
    pub fn new() -> Self {
        let mut vmcb = Box::new(Vmcb::zeroed());
        vmcb.control.intercept_misc1 = intercept::FORCED_1.bits();
        vmcb.control.intercept_misc2 = intercept::FORCED_2.bits();
        vmcb.control.intercept_exceptions = intercept::FORCED_EXCEPTIONS;
        Self {
            vmcb,
            xcr0: 1,
            core_fs_gs: [0; 2],
            fetches: 0,
        }
    }

    /// The event that the next VMRUN would deliver.
    pub fn injected(&self) -> Event {
        Event(self.vmcb.control.event_inject)
    }

    /// IRET exits.
    pub fn watches_iret(&self) -> bool {
        self.vmcb.control.intercept_misc1 & intercept::Misc1::IRET.bits() != 0
    }
}

impl Default for FakeCpu {
    fn default() -> Self {
        Self::new()
    }
}

impl GuestCpu for FakeCpu {
    fn control(&self) -> &ControlArea {
        &self.vmcb.control
    }

    fn save(&self) -> &SaveArea {
        &self.vmcb.save
    }

    fn set_rip(&mut self, rip: u64) {
        self.vmcb.save.rip = rip;
    }

    fn set_rflags(&mut self, rflags: u64) {
        self.vmcb.save.rflags = rflags;
    }

    fn set_shadow(&mut self, on: bool) {
        self.vmcb.control.interrupt_shadow = u64::from(on);
    }

    fn set_virtual_interrupt(&mut self, word: VirtualInterrupt) {
        self.vmcb.control.vintr = word.0;
    }

    fn inject(&mut self, event: Event) {
        self.vmcb.control.event_inject = event.0;
    }

    fn set_cr2(&mut self, address: u64) {
        self.vmcb.save.cr2 = address;
    }

    fn set_efer(&mut self, efer: u64) {
        self.vmcb.save.efer = efer | SVME;
    }

    fn set_pat(&mut self, pat: u64) {
        self.vmcb.save.g_pat = pat;
    }

    fn set_dr6(&mut self, dr6: u64) {
        self.vmcb.save.dr6 = dr6;
    }

    fn set_dr7(&mut self, dr7: u64) {
        self.vmcb.save.dr7 = dr7;
    }

    fn set_exception_intercepts(&mut self, set: u32) {
        self.vmcb.control.intercept_exceptions = set;
    }

    fn set_intercept_iret(&mut self, on: bool) {
        let bit = intercept::Misc1::IRET.bits();
        let word = &mut self.vmcb.control.intercept_misc1;
        *word = if on { *word | bit } else { *word & !bit };
    }

    fn xcr0(&self) -> u64 {
        self.xcr0
    }

    fn set_xcr0(&mut self, value: u64) {
        self.xcr0 = value;
    }

    fn fetch_hidden_state(&mut self) {
        self.fetches += 1;
        self.vmcb.save.fs.base = self.core_fs_gs[0];
        self.vmcb.save.gs.base = self.core_fs_gs[1];
    }

    fn replace_save(&mut self, save: &SaveArea) {
        self.vmcb.save = save.clone();
        self.vmcb.save.efer |= SVME;
        self.vmcb.control.interrupt_shadow = 0;
    }
}

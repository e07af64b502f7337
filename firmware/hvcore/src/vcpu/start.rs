//! The states a vCPU starts from, as VMCB save areas.
//!
//! First start by the images' protocol, INIT and start-up IPI by the manual:
//! 24593 sections 14.1.3 (INIT state) and 16.5 (start-up).

use super::owned::{Run, Vcpu};
use crate::decode::regs::Regs;
use crate::guest::entry::{self, EntryState};
use crate::lapic::page::RegisterPage;
use crate::port::GuestCpu;
use svm::vmcb::event::Event;

/// Puts a vCPU at the first instruction of its image.
pub fn first(vcpu: &mut Vcpu, cpu: &mut impl GuestCpu, state: &EntryState) {
    apply(vcpu, cpu, state);
    vcpu.run = Run::Running;
}

/// INIT: reset state, waiting for a start-up IPI. `signature` is what EDX holds.
pub fn init(vcpu: &mut Vcpu, cpu: &mut impl GuestCpu, page: &RegisterPage, signature: u32) {
    vcpu.init();
    page.init();
    apply(vcpu, cpu, &entry::reset_state(signature));
    vcpu.run = Run::WaitForSipi;
}

/// Start-up IPI: real mode at `page << 12`; no effect unless it waits for one.
pub fn startup(vcpu: &mut Vcpu, cpu: &mut impl GuestCpu, page: u8, signature: u32) {
    if vcpu.run == Run::WaitForSipi {
        apply(vcpu, cpu, &entry::sipi_state(page, signature));
        vcpu.run = Run::Running;
    }
}

fn apply(vcpu: &mut Vcpu, cpu: &mut impl GuestCpu, state: &EntryState) {
    cpu.replace_save(&state.save_area());
    // An entry that was turned back may have left its event for the next one.
    cpu.inject(Event::NONE);
    let mut regs = Regs { gpr: [0; 16] };
    let gprs = state.gprs;
    for (slot, value) in regs
        .gpr
        .iter_mut()
        .zip([gprs.rax, 0, gprs.rdx, gprs.rbx, gprs.rsp, 0, gprs.rsi])
    {
        *slot = value;
    }
    vcpu.regs = regs;
}

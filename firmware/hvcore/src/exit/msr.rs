//! RDMSR and WRMSR: the policy table decides, kept registers answer.

use super::context::{Context, Verdict};
use super::skip;
use crate::decode::regs::{Gpr, Width};
use crate::policy::efer;
use crate::policy::msr::{Kept, MsrRead, MsrWrite};
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::counters::Count;
use crate::vcpu::post::Cores;

const CR0_PG: u64 = 1 << 31;

/// Handles the exit; EXITINFO1 is 1 for a write.
pub fn handle<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    let msr = at.vcpu.regs.full(Gpr::RCX) as u32;
    let done = if at.cpu.control().exit_info_1 & 1 != 0 {
        write(at, msr)
    } else {
        read(at, msr)
    };
    match done {
        Some(()) => skip::instruction(at),
        None => {
            at.shared.counters.bump(Count::MsrFault);
            at.vcpu.unknown_msr.get_or_insert(msr);
            at.general_protection()
        }
    }
}

fn read<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    msr: u32,
) -> Option<()> {
    let value = match at.facts.msr.read(msr, at.vcpu.id) {
        MsrRead::Emulate(kept) => kept_value(at, kept),
        MsrRead::Benign(value) => value,
        // A passed MSR does not exit unless the CPU lacks it.
        MsrRead::Pass | MsrRead::Fault => return None,
    };
    at.vcpu.regs.set_low(Gpr::RAX, Width::Dword, value);
    at.vcpu.regs.set_low(Gpr::RDX, Width::Dword, value >> 32);
    Some(())
}

fn kept_value<C: GuestCpu, M: GuestMemory, K: Cores>(at: &Context<'_, C, M, K>, kept: Kept) -> u64 {
    match kept {
        Kept::Tsc => at.now.0,
        Kept::TscDeadline => at.vcpu.timer.tsc_deadline(),
        Kept::Efer => efer::shown(at.cpu.save().efer),
        Kept::Pat => at.cpu.save().g_pat,
        Kept::Mtrr(register) => at.vcpu.mtrrs.read(register),
        Kept::WallClock => 0,
        Kept::SystemTime => at.vcpu.clock_page.msr(),
    }
}

fn write<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    msr: u32,
) -> Option<()> {
    let regs = &at.vcpu.regs;
    let value = (regs.full(Gpr::RDX) << 32) | (regs.full(Gpr::RAX) & 0xffff_ffff);
    match at.facts.msr.write(msr, value, at.vcpu.id) {
        MsrWrite::Emulate(kept) => write_kept(at, kept, value),
        MsrWrite::Ignore => Some(()),
        MsrWrite::Pass | MsrWrite::Fault => None,
    }
}

fn write_kept<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    kept: Kept,
    value: u64,
) -> Option<()> {
    match kept {
        Kept::Tsc => {}
        Kept::TscDeadline => at
            .vcpu
            .timer
            .set_tsc_deadline(&at.shared.page, value, at.now),
        Kept::Efer => {
            let paging = at.cpu.save().cr0 & CR0_PG != 0;
            let next = efer::after_write(at.cpu.save().efer, value, at.facts.efer, paging).ok()?;
            at.cpu.set_efer(next);
        }
        Kept::Pat => at.cpu.set_pat(value),
        Kept::Mtrr(register) => at.vcpu.mtrrs.write(register, value),
        Kept::WallClock => at.facts.clock.write_wall_clock(at.memory, value).ok()?,
        Kept::SystemTime => {
            at.vcpu
                .clock_page
                .write_msr(at.memory, &at.facts.clock, value)
                .ok()?;
        }
    }
    Some(())
}

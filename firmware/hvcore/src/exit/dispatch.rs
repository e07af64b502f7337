//! The match over exit codes: one line a kind.

use super::context::{Context, StopReason, Verdict};
use super::{cpuid, exception, hypercall, msr, nested_fault, port_io, skip, task_priority, xsetbv};
use crate::error::GuestFault;
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::counters::Count;
use crate::vcpu::post::Cores;
use svm::exit_code::ExitCode;

/// Handles one exit. The loop has taken EXITINTINFO and settled the offer.
// tidy: long function: dispatch, one arm a kind of exit
pub fn dispatch<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    code: ExitCode,
) -> Verdict {
    let (count, verdict) = match code {
        ExitCode::INTR => (Count::Interrupt, Verdict::Resume),
        ExitCode::NESTED_PAGE_FAULT => return nested_fault::handle(at),
        ExitCode::HLT => (Count::Halt, halt(at)),
        ExitCode::IOIO => (Count::Port, port_io::handle(at)),
        ExitCode::MSR => (Count::Msr, msr::handle(at)),
        ExitCode::CPUID => (Count::Cpuid, cpuid::handle(at)),
        ExitCode::VMMCALL => (Count::Hypercall, hypercall::handle(at)),
        ExitCode::EXCEPTION_DB => (Count::Exception, exception::debug(at)),
        ExitCode::EXCEPTION_AC => (Count::Exception, exception::alignment(at)),
        ExitCode::EXCEPTION_MC => (Count::Exception, Verdict::Stop(StopReason::MachineCheck)),
        // The window of `inject::eventinj_experiment` is open.
        ExitCode::VINTR => (Count::Other, Verdict::Resume),
        // Taken by the host when its interrupt flag is set again.
        ExitCode::NMI | ExitCode::SMI | ExitCode::INIT => (Count::Other, Verdict::Resume),
        ExitCode::CR8_WRITE => (Count::Other, task_priority::write(at)),
        ExitCode::IRET => (Count::Other, iret(at)),
        // Caches are coherent and no device bypasses them: nothing to write back.
        ExitCode::INVD | ExitCode::WBINVD => (Count::Other, skip::instruction(at)),
        ExitCode::RDPMC => (Count::Other, at.general_protection()),
        ExitCode::XSETBV => (Count::Other, xsetbv::handle(at)),
        ExitCode::VMRUN
        | ExitCode::VMLOAD
        | ExitCode::VMSAVE
        | ExitCode::STGI
        | ExitCode::CLGI
        | ExitCode::SKINIT
        | ExitCode::INVLPGA
        | ExitCode::MONITOR
        | ExitCode::MWAIT
        | ExitCode::MWAIT_ARMED
        | ExitCode::RDPRU => (Count::Other, at.fault(GuestFault::InvalidOpcode)),
        ExitCode::SHUTDOWN => (Count::Other, Verdict::Stop(StopReason::TripleFault)),
        ExitCode::TASK_SWITCH => (Count::Other, Verdict::Stop(StopReason::TaskSwitch)),
        code if code.invalid() => (Count::Other, Verdict::Stop(StopReason::InvalidState)),
        unknown => (
            Count::Other,
            Verdict::Stop(StopReason::UnknownExit(unknown)),
        ),
    };
    at.shared.counters.bump(count);
    verdict
}

fn halt<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    let event = at.vcpu.event;
    match skip::instruction(at) {
        // A fault or trap raised by the skip goes first; HLT runs again or is done.
        Verdict::Resume if at.vcpu.event == event => Verdict::Halt,
        other => other,
    }
}

fn iret<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    at.vcpu.nmi.iret(at.cpu.save().rip);
    at.cpu.set_intercept_iret(false);
    at.vcpu.iret_watched = false;
    Verdict::Resume
}

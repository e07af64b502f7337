//! Intercepted exceptions: given on to the guest they belong to.
//!
//! #DB and #AC exit only so that a guest whose handler faults the same way for
//! ever stays under control; #MC is never a guest's.

use super::context::{Context, StopReason, Verdict};
use crate::inject::exception::{Merged, merge};
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::post::Cores;
use svm::vmcb::event::Event;

/// General detect: accesses to debug registers fault.
const DR7_GD: u64 = 1 << 13;

/// #DB; DR6 is in the VMCB already. Delivering it clears DR7.GD, so that the
/// handler can use the debug registers (24593 section 13.1); an intercepted one was not
/// delivered, and an injected one does not.
pub fn debug<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    let dr7 = at.cpu.save().dr7;
    if dr7 & DR7_GD != 0 {
        at.cpu.set_dr7(dr7 & !DR7_GD);
    }
    give(at, Event::exception(1))
}

/// #AC with its error code, which is always 0.
pub fn alignment<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    give(at, Event::exception_with_code(17, 0))
}

fn give<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    event: Event,
) -> Verdict {
    match merge(at.vcpu.event, event) {
        Merged::Deliver(event) => {
            at.vcpu.event = event;
            Verdict::Resume
        }
        Merged::Shutdown => Verdict::Stop(StopReason::TripleFault),
    }
}

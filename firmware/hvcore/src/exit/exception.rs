//! Intercepted exceptions: given on to the guest they belong to.
//!
//! #DB and #AC exit only so that a guest whose handler faults the same way for
//! ever stays under control; #MC is never a guest's.

use super::context::{Context, StopReason, Verdict};
use crate::inject::exception::{Merged, merge};
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::post::Cores;
use svm::vmcb::event::Event;

/// #DB; DR6 is in the VMCB already.
pub fn debug<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    give(at, Event::exception(1))
}

/// #AC with its error code, which is always 0.
pub fn alignment<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    give(at, Event::exception_with_code(17, 0))
}

fn give<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>, event: Event) -> Verdict {
    match merge(at.vcpu.event, event) {
        Merged::Deliver(event) => {
            at.vcpu.event = event;
            Verdict::Resume
        }
        Merged::Shutdown => Verdict::Stop(StopReason::TripleFault),
    }
}

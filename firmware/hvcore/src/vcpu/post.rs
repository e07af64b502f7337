//! Getting something to a vCPU: post it, then kick what the kick protocol says.
//!
//! Order (R001-03): state, request or IRR bit, fence, kick. The caller of a
//! device goes through here, so that no path forgets the kick.
//! Also called: IPI delivery, interrupt routing.

use super::shared::PartitionShared;
use crate::ids::{CpuId, VcpuId};
use crate::kick::{Kick, Requests};
use crate::lapic::arrival::{Arrival, arrive};
use crate::lapic::icr::{self, Delivery, Message, Resolved};

/// Interrupting a host core.
pub trait Cores {
    /// Sends the kick IPI to another core; never called for one's own.
    fn interrupt(&self, core: CpuId);
    /// Wakes the housekeeping core: there is something for it to see.
    fn attention(&self);
}

/// What one delivery did, for the sender's counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Posted {
    /// vCPUs reached.
    pub targets: u32,
    /// Of these, others than the sender whose core had to be interrupted.
    pub kicks: u32,
}

/// Delivers a resolved message. `sender` is the vCPU whose core runs this, if any:
/// it needs no kick, because it looks before it enters.
pub fn deliver(
    partition: &PartitionShared,
    resolved: Resolved,
    sender: Option<VcpuId>,
    cores: &impl Cores,
) -> Posted {
    let Resolved::Deliver(targets, what) = resolved else {
        return Posted::default();
    };
    let mut posted = Posted::default();
    for target in targets {
        posted.targets += 1;
        posted.kicks += u32::from(one(partition, target, what, sender, cores));
    }
    posted
}

/// Delivers to one vCPU; true when its core was interrupted.
fn one(
    partition: &PartitionShared,
    target: VcpuId,
    what: Delivery,
    sender: Option<VcpuId>,
    cores: &impl Cores,
) -> bool {
    let Some(vcpu) = partition.vcpu(target) else {
        return false;
    };
    let kick = match what {
        Delivery::Fixed { vector, level } => {
            if arrive(&vcpu.page, vector, level) != Arrival::Requested {
                return false;
            }
            if sender == Some(target) {
                return false;
            }
            vcpu.words.kick_posted()
        }
        Delivery::Nmi => vcpu.words.raise(Requests::NMI),
        Delivery::Init => {
            vcpu.leave_init();
            vcpu.words.raise(Requests::INIT)
        }
        Delivery::StartUp(page) => {
            vcpu.leave_sipi(page);
            vcpu.words.raise(Requests::SIPI)
        }
    };
    sender != Some(target) && interrupt(partition, target, kick, cores)
}

/// Carries out a kick decision; true when an IPI was sent.
pub fn interrupt(
    partition: &PartitionShared,
    target: VcpuId,
    kick: Kick,
    cores: &impl Cores,
) -> bool {
    match (kick, partition.core(target)) {
        (Kick::WakeCore | Kick::Interrupt, Some(core)) => {
            cores.interrupt(core);
            true
        }
        _ => false,
    }
}

/// Routes a device's message.
pub fn route(
    partition: &PartitionShared,
    message: Message,
    sender: Option<VcpuId>,
    cores: &impl Cores,
) -> Posted {
    let resolved = icr::route(message, |id| partition.page(id), partition.count());
    deliver(partition, resolved, sender, cores)
}

/// Raises a request on a vCPU from another core.
pub fn request(partition: &PartitionShared, target: VcpuId, what: Requests, cores: &impl Cores) {
    if let Some(vcpu) = partition.vcpu(target) {
        let kick = vcpu.words.raise(what);
        interrupt(partition, target, kick, cores);
    }
}

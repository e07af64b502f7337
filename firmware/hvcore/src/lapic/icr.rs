//! Interrupt messages: from an ICR word or an IOAPIC entry to targets and effect.
//!
//! Owns no state. Every 64-bit ICR value has an answer; a guest cannot make this
//! panic or loop (H-40), and one bad target leaves the good ones (H-39).
//! Manual: 24593 section 16.5.
//! Also called: inter-processor interrupt, IPI, INIT-SIPI-SIPI.

use svm::apic::{DeliveryMode, FIRST_VECTOR, Icr, Shorthand};

use super::destination::{Destination, Targets, select};
use super::page::RegisterPage;
use crate::ids::{VcpuId, Vector};

/// What to do at each target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// Offer the vector with `arrival::arrive`.
    Fixed {
        /// 16 to 255.
        vector: Vector,
        /// Its end must be broadcast to the IOAPIC.
        level: bool,
    },
    /// Raise an NMI.
    Nmi,
    /// Reset the vCPU and have it wait for a start-up message.
    Init,
    /// Start a vCPU that waits for it at page `0..=255` of 4 KiB, in real mode;
    /// no effect on any other vCPU.
    StartUp(u8),
}

/// Meaning of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Resolved {
    /// Do this at all of these; the set can be empty.
    Deliver(Targets, Delivery),
    /// No effect: SMI, remote read, ExtINT, level de-assert, and shorthands that
    /// would make a vCPU reset itself.
    Ignored,
    /// Vector below 16: `registers::write` has logged it, nobody is interrupted.
    IllegalVector,
}

/// A message from a device: an IOAPIC entry, or an MSI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// Who is meant.
    pub destination: Destination,
    /// What is asked for.
    pub mode: DeliveryMode,
    /// Vector, for the modes that carry one.
    pub vector: Vector,
    /// Level triggered.
    pub level: bool,
}

/// Resolves an interrupt command that vCPU `sender` wrote. `page_of` gives the
/// page of each existing vCPU below `count`.
pub fn resolve<'p>(
    icr: Icr,
    sender: VcpuId,
    page_of: impl Fn(VcpuId) -> Option<&'p RegisterPage>,
    count: u8,
) -> Resolved {
    if icr.illegal_vector() {
        return Resolved::IllegalVector;
    }
    if icr.deasserts() {
        return Resolved::Ignored;
    }
    let delivery = match icr.mode() {
        DeliveryMode::Fixed | DeliveryMode::LowestPriority => Delivery::Fixed {
            vector: Vector(icr.vector()),
            level: icr.level_triggered(),
        },
        DeliveryMode::Nmi => Delivery::Nmi,
        DeliveryMode::Init => Delivery::Init,
        DeliveryMode::StartUp => Delivery::StartUp(icr.vector()),
        DeliveryMode::Smi | DeliveryMode::RemoteRead | DeliveryMode::ExtInt => {
            return Resolved::Ignored;
        }
    };
    let resets = matches!(delivery, Delivery::Init | Delivery::StartUp(_));
    let targets = match icr.shorthand() {
        Shorthand::Myself | Shorthand::All if resets => return Resolved::Ignored,
        Shorthand::Myself => Targets::one(sender),
        Shorthand::All => select(&page_of, count, |_| true),
        Shorthand::Others => select(&page_of, count, |_| true).without(Targets::one(sender)),
        Shorthand::Destination => {
            Destination::new(icr.destination(), icr.logical()).find(&page_of, count)
        }
    };
    Resolved::Deliver(arbitrate(icr.mode(), targets, page_of), delivery)
}

/// Resolves a device's message; `page_of` and `count` as in [`resolve`]. An
/// illegal vector is for `Fixed` targets to log, so it is routed like any other.
pub fn route<'p>(
    message: Message,
    page_of: impl Fn(VcpuId) -> Option<&'p RegisterPage>,
    count: u8,
) -> Resolved {
    let delivery = match message.mode {
        DeliveryMode::Fixed | DeliveryMode::LowestPriority => Delivery::Fixed {
            vector: message.vector,
            level: message.level,
        },
        DeliveryMode::Nmi => Delivery::Nmi,
        DeliveryMode::Init => Delivery::Init,
        DeliveryMode::Smi
        | DeliveryMode::RemoteRead
        | DeliveryMode::StartUp
        | DeliveryMode::ExtInt => return Resolved::Ignored,
    };
    let targets = message.destination.find(&page_of, count);
    Resolved::Deliver(arbitrate(message.mode, targets, page_of), delivery)
}

/// Lowest priority reaches one vCPU: the first whose APIC is enabled. No
/// arbitration register takes part: vCPUs are pinned, so none is less busy for
/// being last in a list, and the guest must not count on the choice anyway.
fn arbitrate<'p>(
    mode: DeliveryMode,
    targets: Targets,
    page_of: impl Fn(VcpuId) -> Option<&'p RegisterPage>,
) -> Targets {
    match mode {
        DeliveryMode::LowestPriority => targets
            .into_iter()
            .find(|&vcpu| page_of(vcpu).is_some_and(RegisterPage::software_enabled))
            .map_or(Targets::NONE, Targets::one),
        DeliveryMode::Fixed
        | DeliveryMode::Smi
        | DeliveryMode::RemoteRead
        | DeliveryMode::Nmi
        | DeliveryMode::Init
        | DeliveryMode::StartUp
        | DeliveryMode::ExtInt => targets,
    }
}

const _: () = assert!(Icr(0x0F).illegal_vector() && !Icr(FIRST_VECTOR as u64).illegal_vector());

//! Accesses to the local APIC and the IOAPIC, and what follows from them.

use super::context::Context;
use crate::lapic::icr;
use crate::lapic::registers::{self, Action};
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::counters::Count;
use crate::vcpu::post::{self, Cores};

/// Reads a register; one that is not 16-byte aligned reads as part of its slot.
#[inline]
pub fn read<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    offset: u16,
) -> u64 {
    let within = offset & 0xf;
    if within >= 4 {
        return 0;
    }
    let register = offset & !0xf;
    let value = registers::read(&at.shared.page, &at.vcpu.timer, register, at.now);
    u64::from(value) >> (within * 8)
}

/// Writes a register and does what it asks for.
#[inline]
pub fn write<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    offset: u16,
    value: u32,
) {
    if offset & 0xf != 0 {
        return;
    }
    match registers::write(&at.shared.page, &mut at.vcpu.timer, offset, value, at.now) {
        Action::SendIpi(command) => {
            let count = at.partition.count();
            let resolved = icr::resolve(command, at.vcpu.id, |id| at.partition.page(id), count);
            let posted = post::deliver(at.partition, resolved, Some(at.vcpu.id), at.cores);
            at.shared
                .counters
                .add(Count::IpiSent, u64::from(posted.targets));
            at.shared
                .counters
                .add(Count::KickSent, u64::from(posted.kicks));
        }
        Action::EoiBroadcast(vector) => {
            let (partition, me, cores) = (at.partition, at.vcpu.id, at.cores);
            partition.ioapic.lock().end(vector, |message| {
                post::route(partition, message, Some(me), cores);
            });
        }
        // Timer, priority and pending interrupts are looked at before every entry.
        Action::None
        | Action::PriorityChanged
        | Action::TimerChanged
        | Action::IdChanged
        | Action::LogicalIdChanged
        | Action::SoftwareEnabled
        | Action::SoftwareDisabled
        | Action::Refused => {}
    }
}

/// Writes an IOAPIC register; unmasking a raised level line can deliver.
pub fn write_ioapic<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    offset: u16,
    value: u32,
) {
    let message = at.partition.ioapic.lock().write(offset, value);
    if let Some(message) = message {
        post::route(at.partition, message, Some(at.vcpu.id), at.cores);
    }
}

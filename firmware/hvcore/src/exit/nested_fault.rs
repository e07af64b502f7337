//! Nested page faults: MMIO by a decoded instruction, or a guest beyond its RAM.
//!
//! All RAM is mapped, so a fault means a device, a hole, or an address that
//! cannot be RAM. A fault while the CPU was delivering an event or walking the
//! guest's page tables has no instruction to emulate. 24593 section 15.25.6.
//! Also called: NPF, MMIO emulation, APIC access.

use super::context::{Context, StopReason, Verdict};
use super::{apic, skip};
use crate::decode::emulate::{MmioOp, Retire, finish, start};
use crate::decode::fetch::{FetchError, instruction_at};
use crate::decode::instruction::{Instruction, Kind};
use crate::decode::memory_form::MemoryForm;
use crate::decode::paging::{Access, WalkFault};
use crate::decode::regs::Width;
use crate::decode::walk::walk;
use crate::ids::{Gpa, Gva};
use crate::policy::mmio::{self, Owner};
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::counters::Count;
use crate::vcpu::post::Cores;
use svm::exit_info::NestedFault;

/// Faults in a row on RAM that is mapped before the guest is given up (MMU-07).
const SPURIOUS_LIMIT: u32 = 64;

/// Handles the exit and counts it by the device that was meant.
#[inline]
pub fn handle<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    let info = NestedFault(at.cpu.control().exit_info_1);
    let gpa = Gpa(at.cpu.control().exit_info_2);
    let owner = mmio::owner(gpa);
    at.shared.counters.bump(match owner {
        Owner::LocalApic(_) => Count::Apic,
        Owner::IoApic(_) => Count::IoApic,
        Owner::Nobody => Count::Hole,
    });
    if info.table_walk() || info.fetch() || info.reserved() || at.delivering {
        return no_instruction(at, info, gpa);
    }
    if matches!(owner, Owner::Nobody) && at.memory.load_u32(Gpa(gpa.0 & !3)).is_ok() {
        return spurious(at, gpa);
    }
    let (rip, base, size) = (at.cpu.save().rip, at.cpu.save().cs.base, at.code_size());
    let paging = at.paging();
    match instruction_at(at.memory, &paging, base, rip, size) {
        Ok(instruction) => emulate(at, &instruction, gpa),
        Err(FetchError::Walk(fault)) => at.walk_fault(fault),
        Err(FetchError::Decode(error)) => skip::undecodable(at, error),
    }
}

fn no_instruction<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    info: NestedFault,
    gpa: Gpa,
) -> Verdict {
    if info.reserved() {
        return Verdict::Stop(StopReason::NestedTables);
    }
    if at.memory.load_u32(Gpa(gpa.0 & !3)).is_ok() {
        return spurious(at, gpa);
    }
    Verdict::Stop(StopReason::OutsideRam { at: gpa.0 })
}

/// RAM is always mapped: entering again must help, and soon. Only faults on one
/// page add up, or a guest that lives for years would collect enough of them.
fn spurious<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    gpa: Gpa,
) -> Verdict {
    let page = gpa.0 >> 12;
    if page != at.vcpu.spurious_page {
        at.vcpu.spurious_page = page;
        at.vcpu.spurious_faults = 0;
    }
    at.vcpu.spurious_faults += 1;
    if at.vcpu.spurious_faults > SPURIOUS_LIMIT {
        return Verdict::Stop(StopReason::StuckFault { at: gpa.0 });
    }
    Verdict::Resume
}

#[inline]
fn emulate<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    instruction: &Instruction,
    gpa: Gpa,
) -> Verdict {
    let Kind::Memory(form) = &instruction.kind else {
        return skip::not_emulated(at);
    };
    at.vcpu.spurious_faults = 0;
    let retire = match start(form, &at.vcpu.regs) {
        MmioOp::Nothing => Retire::Advance,
        MmioOp::Write { width, value } => {
            write(at, gpa, width, value);
            complete(at, form, 0).retire
        }
        MmioOp::Read { width } => {
            let value = read(at, gpa, width);
            complete(at, form, value).retire
        }
        MmioOp::ReadModifyWrite { width } => {
            let value = read(at, gpa, width);
            let next = complete(at, form, value);
            if let Some(value) = next.write {
                write(at, gpa, width, value);
            }
            next.retire
        }
        MmioOp::Copy { width } => match copy(at, instruction, form, width) {
            Ok(retire) => retire,
            Err(fault) => return at.walk_fault(fault),
        },
    };
    match retire {
        Retire::Advance => skip::by(at, u64::from(instruction.length), instruction.size),
        Retire::Repeat => skip::iterated(at),
    }
}

fn complete<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    form: &MemoryForm,
    value: u64,
) -> crate::decode::emulate::Next {
    let mut rflags = at.cpu.save().rflags;
    let next = finish(form, value, &mut at.vcpu.regs, &mut rflags);
    if rflags != at.cpu.save().rflags {
        at.cpu.set_rflags(rflags);
    }
    next
}

/// One element of MOVS: either end may be RAM or a device.
fn copy<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    instruction: &Instruction,
    form: &MemoryForm,
    width: Width,
) -> Result<Retire, WalkFault> {
    let bases = at.segment_bases();
    let rip = at.cpu.save().rip;
    let from = instruction
        .linear_address(&at.vcpu.regs, &bases, rip)
        .unwrap_or(0);
    let to = instruction
        .copy_destination(&at.vcpu.regs, &bases)
        .unwrap_or(0);
    let user = at.cpu.save().cpl == 3;
    let paging = at.paging();
    let source = walk(
        at.memory,
        &paging,
        Gva(from),
        Access {
            write: false,
            user,
            fetch: false,
        },
    )?;
    let target = walk(
        at.memory,
        &paging,
        Gva(to),
        Access {
            write: true,
            user,
            fetch: false,
        },
    )?;
    let last = |gpa: Gpa| (gpa.0 & 0xfff) + width.bytes() > 0x1000;
    if last(source) || last(target) {
        return Err(WalkFault::OutsideRam { at: source });
    }
    let mut bytes = [0; 8];
    let len = width.bytes() as usize;
    let value = match at
        .memory
        .read(source, bytes.get_mut(..len).unwrap_or_default())
    {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => read(at, source, width),
    };
    let next = complete(at, form, value);
    let value = next.write.unwrap_or(value);
    if at
        .memory
        .write(target, value.to_le_bytes().get(..len).unwrap_or_default())
        .is_err()
    {
        write(at, target, width, value);
    }
    Ok(next.retire)
}

#[inline]
fn read<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    gpa: Gpa,
    width: Width,
) -> u64 {
    match mmio::owner(gpa) {
        Owner::LocalApic(offset) => apic::read(at, offset) & width.mask(),
        Owner::IoApic(offset) => u64::from(at.partition.ioapic.lock().read(offset)) & width.mask(),
        Owner::Nobody => at.vcpu.unanswered.read(gpa, width.bytes() as u8),
    }
}

#[inline]
fn write<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    gpa: Gpa,
    width: Width,
    value: u64,
) {
    match mmio::owner(gpa) {
        // Only whole registers can be written.
        Owner::LocalApic(offset) if width >= Width::Dword => apic::write(at, offset, value as u32),
        Owner::IoApic(offset) if width >= Width::Dword => {
            apic::write_ioapic(at, offset, value as u32)
        }
        Owner::LocalApic(_) | Owner::IoApic(_) | Owner::Nobody => at.vcpu.unanswered.write(gpa),
    }
}

//! INS and OUTS: one element an exit, memory reached through the guest's tables.
//!
//! With REP the guest comes back for the next element until the count is zero, so
//! no loop of ours depends on a guest's number.

use super::context::{Context, Verdict};
use super::{port_io, skip};
use crate::decode::mode::CodeSize;
use crate::decode::paging::{Access, WalkFault};
use crate::decode::regs::{Gpr, Width};
use crate::decode::walk::walk;
use crate::ids::Gva;
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::post::Cores;
use svm::exit_info::IoInfo;

const RFLAGS_DF: u64 = 1 << 10;

/// Handles the exit.
pub fn handle<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>, info: IoInfo) -> Verdict {
    let next = at.cpu.control().exit_info_2;
    let address = match at.code_size() {
        CodeSize::Bits64 => Width::Qword,
        CodeSize::Bits32 => Width::Dword,
        CodeSize::Bits16 => Width::Word,
    };
    if info.repeated() && at.vcpu.regs.low(Gpr::RCX, address) == 0 {
        return skip::to(at, next);
    }
    let width = port_io::width(info.size());
    let done = if info.input() { input(at, info, width, address) } else { output(at, info, width, address) };
    match done {
        Err(fault) => return at.walk_fault(fault),
        Ok(Some(verdict)) => return verdict,
        Ok(None) => {}
    }
    let pointer = if info.input() { Gpr::RDI } else { Gpr::RSI };
    let back = at.cpu.save().rflags & RFLAGS_DF != 0;
    let step = if back { width.bytes().wrapping_neg() } else { width.bytes() };
    let moved = at.vcpu.regs.low(pointer, address).wrapping_add(step);
    at.vcpu.regs.set_low(pointer, address, moved);
    if info.repeated() {
        let left = at.vcpu.regs.low(Gpr::RCX, address).wrapping_sub(1);
        at.vcpu.regs.set_low(Gpr::RCX, address, left);
        if left & address.mask() != 0 {
            return skip::iterated(at);
        }
    }
    skip::to(at, next)
}

/// Reads or writes the element in memory, byte by byte where it crosses a page.
fn element<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &Context<'_, C, M, K>,
    linear: u64,
    write: bool,
    bytes: &mut [u8],
) -> Result<(), WalkFault> {
    let paging = at.paging();
    let access = Access { write, user: at.cpu.save().cpl == 3, fetch: false };
    for (i, byte) in bytes.iter_mut().enumerate() {
        let to = walk(at.memory, &paging, Gva(linear.wrapping_add(i as u64)), access)?;
        let one = core::slice::from_mut(byte);
        let copied = if write { at.memory.write(to, one) } else { at.memory.read(to, one) };
        copied.map_err(|_| WalkFault::OutsideRam { at: to })?;
    }
    Ok(())
}

fn input<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    info: IoInfo,
    width: Width,
    address: Width,
) -> Result<Option<Verdict>, WalkFault> {
    let base = at.cpu.save().es.base;
    let linear = at.code_size().linear(base, at.vcpu.regs.low(Gpr::RDI, address));
    // The place is tried before the port is read, so that a fault loses no byte.
    let mut bytes = [0; 4];
    let len = width.bytes() as usize;
    element(at, linear, false, bytes.get_mut(..len).unwrap_or_default())?;
    element(at, linear, true, bytes.get_mut(..len).unwrap_or_default())?;
    bytes = port_io::read(at, info.port(), width).to_le_bytes();
    element(at, linear, true, bytes.get_mut(..len).unwrap_or_default())?;
    Ok(None)
}

fn output<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    info: IoInfo,
    width: Width,
    address: Width,
) -> Result<Option<Verdict>, WalkFault> {
    let base = at.cpu.save().ds.base;
    let linear = at.code_size().linear(base, at.vcpu.regs.low(Gpr::RSI, address));
    let mut bytes = [0; 4];
    let len = width.bytes() as usize;
    element(at, linear, false, bytes.get_mut(..len).unwrap_or_default())?;
    Ok(port_io::write(at, info.port(), u32::from_le_bytes(bytes)).map(Verdict::Stop))
}

//! INS and OUTS: one element an exit, memory reached through the guest's tables.
//!
//! With REP the guest comes back for the next element until the count is zero, so
//! no loop of ours depends on a guest's number. EXITINFO1 has neither address size
//! nor segment on every CPU, so both come from the prefixes.

use super::context::{Context, Verdict};
use super::{port_io, skip};
use crate::decode::fetch::fetch;
use crate::decode::mode::CodeSize;
use crate::decode::operand::Segment;
use crate::decode::paging::{Access, WalkFault};
use crate::decode::regs::{Gpr, Width};
use crate::decode::walk::walk;
use crate::ids::Gva;
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::post::Cores;
use svm::exit_info::IoInfo;

const RFLAGS_DF: u64 = 1 << 10;

/// What the prefixes say.
struct Prefixes {
    /// Width of addresses and of the count.
    address: Width,
    /// Segment of an OUTS; INS always uses ES.
    segment: Option<Segment>,
}

/// Handles the exit.
pub fn handle<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    info: IoInfo,
) -> Verdict {
    let next = at.cpu.control().exit_info_2;
    let Prefixes { address, segment } = match prefixes(at) {
        Ok(prefixes) => prefixes,
        Err(fault) => return at.walk_fault(fault),
    };
    if info.repeated() && at.vcpu.regs.low(Gpr::RCX, address) == 0 {
        return skip::to(at, next);
    }
    let width = port_io::width(info.size());
    let done = if info.input() {
        input(at, info, width, address)
    } else {
        output(at, info, width, address, segment)
    };
    match done {
        Err(fault) => return at.walk_fault(fault),
        Ok(Some(verdict)) => return verdict,
        Ok(None) => {}
    }
    let pointer = if info.input() { Gpr::RDI } else { Gpr::RSI };
    let back = at.cpu.save().rflags & RFLAGS_DF != 0;
    let step = if back {
        width.bytes().wrapping_neg()
    } else {
        width.bytes()
    };
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

/// Takes the prefixes of the instruction at RIP; there are fourteen at most.
fn prefixes<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &Context<'_, C, M, K>,
) -> Result<Prefixes, WalkFault> {
    let (rip, base, size) = (at.cpu.save().rip, at.cpu.save().cs.base, at.code_size());
    let mut fetched = fetch(at.memory, &at.paging(), base, rip, size)?;
    fetched.extend(at.memory, &at.paging(), size).ok();
    let long = size == CodeSize::Bits64;
    let mut segment = None;
    let mut other_size = false;
    for byte in fetched.bytes() {
        match byte {
            0x67 => other_size = true,
            0x64 => segment = Some(Segment::Fs),
            0x65 => segment = Some(Segment::Gs),
            0x26 if !long => segment = Some(Segment::Es),
            0x2e if !long => segment = Some(Segment::Cs),
            0x36 if !long => segment = Some(Segment::Ss),
            0x3e if !long => segment = Some(Segment::Ds),
            0x6c..=0x6f => break,
            _ => {}
        }
    }
    let address = match (size, other_size) {
        (CodeSize::Bits64, false) => Width::Qword,
        (CodeSize::Bits64, true) | (CodeSize::Bits32, false) | (CodeSize::Bits16, true) => {
            Width::Dword
        }
        (CodeSize::Bits32, true) | (CodeSize::Bits16, false) => Width::Word,
    };
    Ok(Prefixes { address, segment })
}

/// What is done to the element in memory.
enum Touch<'b> {
    /// Only see that it can be written.
    Reach(usize),
    /// Copy it out.
    Read(&'b mut [u8]),
    /// Replace it.
    Write(&'b [u8]),
}

/// Touches the element byte by byte, because it may cross a page.
fn element<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &Context<'_, C, M, K>,
    linear: u64,
    mut touch: Touch<'_>,
) -> Result<(), WalkFault> {
    let paging = at.paging();
    let (len, write) = match &touch {
        Touch::Reach(len) => (*len, true),
        Touch::Read(bytes) => (bytes.len(), false),
        Touch::Write(bytes) => (bytes.len(), true),
    };
    let access = Access {
        write,
        user: at.cpu.save().cpl == 3,
        fetch: false,
    };
    for i in 0..len {
        let to = walk(
            at.memory,
            &paging,
            Gva(linear.wrapping_add(i as u64)),
            access,
        )?;
        let done = match &mut touch {
            Touch::Reach(_) => at.memory.read(to, &mut [0]),
            Touch::Read(bytes) => at.memory.read(to, bytes.get_mut(i..=i).unwrap_or_default()),
            Touch::Write(bytes) => at.memory.write(to, bytes.get(i..=i).unwrap_or_default()),
        };
        done.map_err(|_| WalkFault::OutsideRam { at: to })?;
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
    let linear = at
        .code_size()
        .linear(base, at.vcpu.regs.low(Gpr::RDI, address));
    // The place is tried before the port is read, so that a fault loses no byte.
    let len = width.bytes() as usize;
    element(at, linear, Touch::Reach(len))?;
    let bytes = port_io::read(at, info.port(), width).to_le_bytes();
    element(
        at,
        linear,
        Touch::Write(bytes.get(..len).unwrap_or_default()),
    )?;
    Ok(None)
}

fn output<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    info: IoInfo,
    width: Width,
    address: Width,
    segment: Option<Segment>,
) -> Result<Option<Verdict>, WalkFault> {
    let size = at.code_size();
    let offset = at.vcpu.regs.low(Gpr::RSI, address);
    let base = match segment {
        None => at.cpu.save().ds.base,
        Some(segment) => at.segment_bases().of(segment),
    };
    // FS and GS keep their base in 64-bit mode, where `linear` knows none.
    let linear = match (size, segment) {
        (CodeSize::Bits64, Some(Segment::Fs | Segment::Gs)) => base.wrapping_add(offset),
        _ => size.linear(base, offset),
    };
    let mut bytes = [0; 4];
    let len = width.bytes() as usize;
    element(
        at,
        linear,
        Touch::Read(bytes.get_mut(..len).unwrap_or_default()),
    )?;
    Ok(port_io::write(at, info.port(), u32::from_le_bytes(bytes)).map(Verdict::Stop))
}

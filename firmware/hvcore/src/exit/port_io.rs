//! IN and OUT: who owns the port, and what the UART makes of it.
//!
//! EXITINFO2 holds the next RIP on every CPU, so nothing is decoded here; string
//! forms are in `port_string`. 24593 section 15.10.2.

use super::context::{Context, StopReason, Verdict};
use super::{port_string, skip};
use crate::decode::regs::{Gpr, Width};
use crate::ids::VcpuId;
use crate::policy::port_io::{self, PortRead, PortWrite};
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::counters::Count;
use crate::vcpu::post::{self, Cores};
use svm::exit_info::IoInfo;

/// GSI of the UART.
pub const UART_GSI: u8 = 4;

/// Handles the exit.
pub fn handle<C: GuestCpu, M: GuestMemory, K: Cores>(at: &mut Context<'_, C, M, K>) -> Verdict {
    let info = IoInfo(at.cpu.control().exit_info_1);
    let next = at.cpu.control().exit_info_2;
    if info.string() {
        return port_string::handle(at, info);
    }
    let width = width(info.size());
    if info.input() {
        let value = read(at, info.port(), width);
        at.vcpu.regs.set_low(Gpr::RAX, width, u64::from(value));
        skip::to(at, next)
    } else {
        let value = at.vcpu.regs.low(Gpr::RAX, width) as u32;
        match write(at, info.port(), value) {
            Some(reason) => Verdict::Stop(reason),
            None => skip::to(at, next),
        }
    }
}

/// Operand width of a port access; the word is the CPU's, so nothing else comes.
pub const fn width(size: u8) -> Width {
    match size {
        1 => Width::Byte,
        2 => Width::Word,
        _ => Width::Dword,
    }
}

/// What a port reads.
pub fn read<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    port: u16,
    width: Width,
) -> u32 {
    match port_io::read(port, width as u8) {
        PortRead::Value(value) => value,
        PortRead::Uart(register) => {
            let (value, attention) = {
                let mut serial = at.partition.serial.lock();
                let read = serial.uart.read(u16::from(register));
                let attention = register == 0 && serial.input_waits && serial.uart.drained();
                line_moved(at, read.line);
                (read.value, attention)
            };
            if attention {
                at.cores.attention();
            }
            u32::from(value) | (width.mask() as u32 & !0xff)
        }
    }
}

/// What a write to a port does; a reason when it ends the partition's life.
pub fn write<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    port: u16,
    value: u32,
) -> Option<StopReason> {
    match port_io::write(port, value) {
        PortWrite::Uart(register, byte) => {
            let attention = {
                let mut serial = at.partition.serial.lock();
                let effect = serial.uart.write(u16::from(register), byte);
                let (line, attention) = match effect.out {
                    Some(out) if serial.sent(out) => {
                        (serial.uart.set_tx_ready(false).or(effect.line), true)
                    }
                    Some(_) => (effect.line, serial.first_to_show()),
                    None => (effect.line, false),
                };
                line_moved(at, line);
                attention
            };
            if attention {
                at.cores.attention();
            }
            None
        }
        PortWrite::PowerOff => Some(StopReason::PowerOff),
        PortWrite::Reset => Some(StopReason::Reset),
        PortWrite::Ignore => None,
    }
}

/// The UART's interrupt line, through the IOAPIC; the serial port is locked.
fn line_moved<C: GuestCpu, M: GuestMemory, K: Cores>(
    at: &mut Context<'_, C, M, K>,
    line: Option<bool>,
) {
    if let Some(level) = line {
        let me = at.vcpu.id;
        let posted = raise(at.partition, level, Some(me), at.cores);
        at.shared
            .counters
            .add(Count::KickSent, u64::from(posted.kicks));
    }
}

/// Moves the UART's line on the IOAPIC and delivers what comes of it. Call with
/// the serial port locked: two cores that each moved the line and told it in the
/// other order would lose a rising edge, and the guest would not look again.
pub fn raise(
    partition: &crate::vcpu::shared::PartitionShared,
    level: bool,
    sender: Option<VcpuId>,
    cores: &impl Cores,
) -> post::Posted {
    let message = partition.ioapic.lock().set_line(UART_GSI, level);
    match message {
        Some(message) => post::route(partition, message, sender, cores),
        None => post::Posted::default(),
    }
}

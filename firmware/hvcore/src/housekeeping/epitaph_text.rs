//! An epitaph in words: who died, why, and what it was doing.
//!
//! The first two lines are meant to be enough; the registers below are for the
//! person who goes on from there.
//! Also called: crash report, register dump, post-mortem.

use core::fmt::{self, Display, Formatter, Write};

use abi::epitaph::{Epitaph, PastExit, Reason};
use abi::plan::Name;

use super::exit_name::{ExitName, ExitPhrase, exception_name};
use super::quantity::Millis;

/// Why a partition died, in one sentence. A reason of a newer image has none.
pub const fn reason_text(reason: Reason) -> &'static str {
    match reason {
        Reason::TRIPLE_FAULT => "the guest's CPU shut down after a triple fault",
        Reason::UNKNOWN_EXIT => "the guest caused an exit that nothing handles",
        Reason::INVALID_STATE => "the CPU refused the guest's register state at entry",
        Reason::DECODE => {
            "the guest touched a device with an instruction that could not be decoded"
        }
        Reason::OUTSIDE_MEMORY => {
            "the guest accessed an address where it has neither memory nor a device"
        }
        Reason::MACHINE_CHECK => "a machine check was reported while the guest ran",
        Reason::IMAGE => "an image of the partition could not be loaded",
        Reason::ALL_HALTED => {
            "every vCPU is halted with interrupts off, so that nothing can wake the guest"
        }
        Reason::UNSUPPORTED => "the guest used something it was told it does not have",
        Reason::STOPPED => "it was stopped from the console while it ran",
        Reason::HYPERVISOR => "the hypervisor found a mistake of its own and stopped the partition",
        _ => "for a reason that this image does not know",
    }
}

/// Writes the whole record.
pub fn write(record: &Epitaph, out: &mut dyn Write) -> fmt::Result {
    head(record, out)?;
    registers(record, out)?;
    segments(record, out)?;
    code(record, out)?;
    exits(record, out)
}

fn head(record: &Epitaph, out: &mut dyn Write) -> fmt::Result {
    write!(
        out,
        "partition {} died on vCPU {}, core {}",
        Name(record.partition),
        record.vcpu,
        record.core
    )?;
    if let Some(age) = Millis::of_ticks(record.lifetime(), record.tsc_khz) {
        write!(out, ", {age} after its start")?;
    }
    match record.restarts {
        0 => write!(out, "\r\n")?,
        1 => write!(out, ", restarted once before\r\n")?,
        times => write!(out, ", restarted {times} times before\r\n")?,
    }
    write!(out, "why       {}\r\n", reason_text(record.reason))?;
    let phrase = ExitPhrase {
        code: record.exit_code,
        info1: record.info1,
        info2: record.info2,
    };
    write!(
        out,
        "last exit {phrase} (code {:#x}, info {:#x} {:#x})\r\n",
        record.exit_code, record.info1, record.info2
    )?;
    if record.exit_int_info >> 31 & 1 != 0 {
        write!(
            out,
            "          while {} was being delivered\r\n",
            Delivered(record.exit_int_info)
        )?;
    }
    Ok(())
}

/// EXITINTINFO (24593 section 15.7.2) as a phrase.
struct Delivered(u64);

impl Display for Delivered {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let vector = self.0 as u8;
        match self.0 >> 8 & 7 {
            0 => write!(f, "interrupt {vector:#x}"),
            2 => f.write_str("an NMI"),
            3 => write!(f, "exception {}", exception_name(vector)),
            4 => write!(f, "software interrupt {vector:#x}"),
            kind => write!(f, "an event of unknown type {kind}"),
        }
    }
}

fn registers(record: &Epitaph, out: &mut dyn Write) -> fmt::Result {
    const NAMES: [&str; 16] = [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15",
    ];
    let control = [
        ("rip", record.rip),
        ("rfl", record.rflags),
        ("cr0", record.cr0),
        ("cr2", record.cr2),
        ("cr3", record.cr3),
        ("cr4", record.cr4),
        ("efer", record.efer),
        ("idt", record.idt_base),
        ("gdt", record.gdt_base),
    ];
    let general = NAMES.into_iter().zip(record.gprs);
    for (place, (name, value)) in control.into_iter().chain(general).enumerate() {
        let end = if place % 3 == 2 { "\r\n" } else { "  " };
        write!(out, "{name:<4} {value:016x}{end}")?;
    }
    out.write_str("\r\n")
}

fn segments(record: &Epitaph, out: &mut dyn Write) -> fmt::Result {
    for (name, segment) in ["es", "cs", "ss", "ds", "fs", "gs"]
        .into_iter()
        .zip(&record.segments)
    {
        write!(
            out,
            "{name}   {:04x} base {:016x} limit {:08x} attributes {:04x}\r\n",
            segment.selector, segment.base, segment.limit, segment.attributes
        )?;
    }
    Ok(())
}

fn code(record: &Epitaph, out: &mut dyn Write) -> fmt::Result {
    if record.code().is_empty() {
        return out.write_str("code at rip could not be read\r\n");
    }
    out.write_str("code at rip")?;
    for byte in record.code() {
        write!(out, " {byte:02x}")?;
    }
    out.write_str("\r\n")
}

fn exits(record: &Epitaph, out: &mut dyn Write) -> fmt::Result {
    if record.exits().is_empty() {
        return Ok(());
    }
    out.write_str("exits before, the newest last:\r\n")?;
    let before = core::iter::once(None).chain(record.exits().iter().map(Some));
    for (exit, before) in record.exits().iter().zip(before) {
        write!(out, "  rip {:016x}", exit.rip)?;
        gap(before, exit, record.tsc_khz, out)?;
        write!(out, "  {}\r\n", ExitName(exit.code))?;
    }
    Ok(())
}

/// Microseconds since the exit before; blank for the first.
fn gap(before: Option<&PastExit>, exit: &PastExit, khz: u32, out: &mut dyn Write) -> fmt::Result {
    let ticks = before.map(|before| exit.tsc.saturating_sub(before.tsc));
    let micros = ticks.and_then(|ticks| ticks.saturating_mul(1000).checked_div(u64::from(khz)));
    match micros {
        Some(micros) => write!(out, "  +{micros:>8} us"),
        None => write!(out, "{:14}", ""),
    }
}

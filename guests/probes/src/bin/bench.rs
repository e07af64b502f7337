//! What each exit costs, in time-stamp ticks per operation.
//!
//! Meant for a run with counted instructions (one tick is one instruction, `performance.md`): there the
//! numbers are path lengths and repeat exactly. Each operation is timed by itself between two RDTSC;
//! `empty` is what the timing costs, and is contained in every other line. `min` and `mean` are over
//! `iterations=N` of the command line. Nothing is judged here: who compares reads the lines.
//!
//! needs: cpus=1 memory=16M cmdline="iterations=1000"
#![no_std]
#![no_main]
#![expect(unsafe_code)]
// UNSAFETY: executes one privileged instruction at a time, each harmless by itself.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use rt::cpuid::{has_tsc_deadline, under_bulkhead};
use rt::lapic::{self, Register, icr};
use rt::timer::{self, TSC_DEADLINE};
use rt::{interrupt, ioapic, mmio, msr, multiboot, report, tsc, uart};

const VECTOR: u8 = 0x60;
const TIMER: u8 = 0xD0;
/// A place without device or memory.
const HOLE: u64 = 0xD000_0000;
/// Page attribute table: kept by the hypervisor, and written back as it was.
const PAT: u32 = 0x277;

/// Ticks of the last end-of-interrupt write, and the moment the timer handler was entered.
static EOI_TICKS: AtomicU64 = AtomicU64::new(0);
static TIMER_ENTERED: AtomicU64 = AtomicU64::new(0);

fn bench() {
    let iterations = multiboot::command_line()
        .number("iterations", 1000)
        .unwrap_or(1000)
        .max(1);
    report!("bench iterations={iterations} tsc-hz={}", tsc::hertz());
    let run = Run { iterations };
    instructions(run);
    ports(run);
    registers(run);
    device_memory(run);
    local_apic(run);
    timers(run);
}

/// How often each operation is done.
#[derive(Clone, Copy)]
struct Run {
    iterations: u64,
}

impl Run {
    /// Times `operation`, and prints its line.
    #[inline(always)]
    fn each(self, name: &str, mut operation: impl FnMut()) {
        self.told(name, || {
            let start = tsc::now();
            operation();
            tsc::now() - start
        });
    }

    /// Collects what `operation` says that it took, and prints the line.
    #[inline(always)]
    fn told(self, name: &str, mut operation: impl FnMut() -> u64) {
        let (mut least, mut sum) = (u64::MAX, 0);
        for _ in 0..self.iterations {
            let ticks = operation();
            least = least.min(ticks);
            sum += ticks;
        }
        report!("bench {name} min={least} mean={}", sum / self.iterations);
    }
}

fn instructions(run: Run) {
    run.each("empty", || ());
    run.each("cpuid", || {
        core::hint::black_box(rt::cpuid::leaf(0));
    });
    // SAFETY: an unknown number; where there is no hypervisor the instruction is #UD, hence the test.
    let hypercall =
        || unsafe { asm!("vmmcall", inout("rax") 0xFFFF_FFFFu64 => _, options(nostack)) };
    if under_bulkhead() {
        run.each("vmmcall", hypercall);
    }
    // SAFETY: writes back and empties the caches, which changes no value.
    run.each("wbinvd", || unsafe { asm!("wbinvd", options(nostack)) });
    // SAFETY: raises and lowers what interrupts are let through, with none pending.
    run.each("cr8-write", || unsafe {
        asm!("mov cr8, {}", in(reg) 0u64, options(nostack))
    });
    run.each("cr8-read", || {
        let value: u64;
        // SAFETY: reads a control register.
        unsafe { asm!("mov {}, cr8", out(reg) value, options(nostack)) };
        core::hint::black_box(value);
    });
}

fn ports(run: Run) {
    run.each("port-read-unclaimed", || {
        core::hint::black_box(rt::port::read8(0x80));
    });
    run.each("port-write-unclaimed", || rt::port::write8(0x80, 0));
    run.each("port-read-uart-lsr", || {
        core::hint::black_box(uart::read(uart::register::LSR));
    });
    run.each("port-write-uart-scratch", || {
        uart::write(uart::register::SCRATCH, 0x55)
    });
}

fn registers(run: Run) {
    let pat = msr::read(PAT);
    run.each("msr-read-emulated", || {
        core::hint::black_box(msr::read(PAT));
    });
    run.each("msr-write-emulated", || msr::write(PAT, pat));
    run.each("msr-read-passed", || {
        core::hint::black_box(msr::read(0xC000_0102));
    });
}

fn device_memory(run: Run) {
    run.each("mmio-read-hole", || {
        core::hint::black_box(mmio::read32(HOLE));
    });
    run.each("mmio-write-hole", || mmio::write32(HOLE, 0));
    run.each("mmio-read-ioapic", || {
        core::hint::black_box(mmio::read32(ioapic::BASE + 0x10));
    });
    run.each("mmio-read-lapic", || {
        core::hint::black_box(lapic::read(Register::ID));
    });
    run.each("lapic-write-tpr", || lapic::write(Register::TPR, 0));
}

fn local_apic(run: Run) {
    interrupt::set_handler(VECTOR, |_| {
        let start = tsc::now();
        lapic::eoi();
        EOI_TICKS.store(tsc::now() - start, Ordering::Relaxed);
    });
    // The request is taken outside of the timed part.
    run.told("icr-write-self", || {
        let start = tsc::now();
        lapic::write(
            Register::ICR_LOW,
            icr::TO_SELF | icr::ASSERT | u32::from(VECTOR),
        );
        let ticks = tsc::now() - start;
        interrupt::window();
        ticks
    });
    run.told("eoi-write", || {
        lapic::send_self(VECTOR);
        interrupt::window();
        EOI_TICKS.load(Ordering::Relaxed)
    });
    interrupt::set_handler(VECTOR, |_| lapic::eoi());
    run.each("self-ipi-sti-nop", || {
        lapic::send_self(VECTOR);
        // SAFETY: takes the pending interrupt.
        unsafe { asm!("sti", "nop", "cli", options(nostack)) };
    });
    run.each("self-ipi-sti-hlt", || {
        lapic::send_self(VECTOR);
        interrupt::wait();
    });
}

fn timers(run: Run) {
    interrupt::set_handler(TIMER, |_| {
        TIMER_ENTERED.store(tsc::now(), Ordering::Relaxed);
        lapic::eoi();
    });
    timer::use_one_shot(TIMER);
    lapic::write(Register::TIMER_INITIAL, u32::MAX);
    run.each("lapic-read-timer-count", || {
        core::hint::black_box(lapic::read(Register::TIMER_CURRENT));
    });
    lapic::write(Register::TIMER_INITIAL, 0);
    if !has_tsc_deadline() {
        return;
    }
    timer::use_deadline(TIMER);
    let far = tsc::now() + tsc::from_microseconds(3_600_000_000);
    run.each("deadline-write", || msr::write(TSC_DEADLINE, far));
    run.each("deadline-due-to-handler-end", || {
        msr::write(TSC_DEADLINE, 1);
        interrupt::wait();
    });
    let ahead = tsc::from_microseconds(50);
    run.told("deadline-lateness-in-hlt", || {
        let at = tsc::now() + ahead;
        msr::write(TSC_DEADLINE, at);
        interrupt::wait();
        TIMER_ENTERED.load(Ordering::Relaxed).saturating_sub(at)
    });
    run.told("deadline-lateness-busy", || {
        let at = tsc::now() + ahead;
        TIMER_ENTERED.store(0, Ordering::Relaxed);
        msr::write(TSC_DEADLINE, at);
        interrupt::enable();
        while TIMER_ENTERED.load(Ordering::Relaxed) == 0 {
            core::hint::spin_loop();
        }
        interrupt::disable();
        TIMER_ENTERED.load(Ordering::Relaxed).saturating_sub(at)
    });
    timer::stop();
}

probes::probe!(bench);

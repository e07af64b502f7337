//! Everything a guest can do to a hypervisor, at random and as fast as it can.
//!
//! Random commands to both APICs, random MSRs and ports, device memory, hypercalls, timers of a single
//! tick, exceptions and interrupts in between, on two CPUs. What the guest gets is of no interest; the
//! hypervisor and the neighbours must not notice. `rounds=N` bounds it, 0 means for ever; `seed=N` picks
//! the sequence. Also called: fuzz, stress, noisy neighbour.
//!
//! needs: cpus=2 memory=16M cmdline="rounds=20000 seed=1"
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use rt::lapic::{self, Register, icr};
use rt::{cpuid, fault, interrupt, ioapic, mmio, msr, multiboot, port, report, smp, timer, tsc};

static ROUNDS: AtomicU64 = AtomicU64::new(0);
static SEED: AtomicU64 = AtomicU64::new(1);
static DONE: AtomicU32 = AtomicU32::new(0);

/// A small generator, so that a seed names a whole run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

fn hostile_loop() {
    let line = multiboot::command_line();
    ROUNDS.store(
        line.number("rounds", 20_000).unwrap_or(20_000),
        Ordering::Relaxed,
    );
    SEED.store(
        line.number("seed", 1).unwrap_or(1).max(1),
        Ordering::Relaxed,
    );
    for vector in 32..=255 {
        interrupt::set_handler(vector, |_| lapic::eoi());
    }
    interrupt::set_handler(fault::vector::NMI, |_| ());
    report!("PROBE hostile_loop begins");
    smp::start(run);
    run(0);
    tsc::wait_for(|| DONE.load(Ordering::Acquire) >= 2);
    interrupt::disable();
}

fn run(index: usize) {
    let mut random = Random(
        SEED.load(Ordering::Relaxed)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ (index as u64 + 1),
    );
    let rounds = ROUNDS.load(Ordering::Relaxed);
    let mut round = 0;
    while rounds == 0 || round < rounds {
        act(&mut random);
        round += 1;
    }
    timer::stop();
    DONE.fetch_add(1, Ordering::AcqRel);
}

fn act(random: &mut Random) {
    match random.below(12) {
        0 => command(random),
        1 => register(random),
        2 => model_specific(random),
        3 => ports(random),
        4 => device_memory(random),
        5 => routing(random),
        6 => timers(random),
        7 => hypercalls(random),
        8 => lapic::send_self(random.below(224) as u8 + 32),
        9 => {
            core::hint::black_box(cpuid::subleaf(random.next() as u32, random.next() as u32));
        }
        10 => interrupt::window(),
        _ => {
            // A guest that is asleep cannot be hostile: the timer of one tick ends it.
            lapic::write(Register::LVT_TIMER, 0x40);
            lapic::write(Register::TIMER_INITIAL, 1);
            interrupt::window();
        }
    }
}

/// Any interrupt command but those that would stop one of the CPUs: INIT and start-up.
fn command(random: &mut Random) {
    let low = random.next() as u32;
    let mode = low >> 8 & 7;
    if mode == 5 || mode == 6 {
        return;
    }
    // Vectors below 32 would look like exceptions to this guest.
    lapic::send(random.next() as u8, (low | 0x20) & !icr::PENDING);
}

/// Any offset of the APIC page, aligned or not; the software enable is put back.
fn register(random: &mut Random) {
    let offset = random.below(4092);
    if offset & 0xFF0 == u64::from(Register::ICR_LOW.0) {
        return;
    }
    if random.next() & 1 == 0 {
        mmio::write32(lapic::BASE + offset, random.next() as u32);
    } else {
        core::hint::black_box(mmio::read32(lapic::BASE + offset));
    }
    lapic::write(Register::SVR, 0x1FF);
    lapic::write(Register::TPR, 0);
}

fn model_specific(random: &mut Random) {
    let base = [
        0,
        0x200,
        0x4B56_4D00,
        0xC000_0080,
        0xC001_0000,
        random.next() as u32,
    ];
    let index =
        base[random.below(base.len() as u64) as usize].wrapping_add(random.below(0x120) as u32);
    let _ = msr::try_read(index);
    // Writes only where they cannot end the guest: not EFER, GS base, nor pages that the hypervisor writes.
    let ours =
        [msr::EFER, msr::GS_BASE].contains(&index) || index >> 8 == 0x4B_564D || index < 0x200;
    if !ours {
        let _ = msr::try_write(index, random.next());
    }
}

fn ports(random: &mut Random) {
    let at = random.next() as u16;
    // Not the console, nor what ends the machine.
    if (0x3F8..0x400).contains(&at) || (0x5F0..0x610).contains(&at) || (0xCF0..0xD00).contains(&at)
    {
        return;
    }
    match random.below(4) {
        0 => port::write8(at, random.next() as u8),
        1 => port::write32(at, random.next() as u32),
        2 => drop(core::hint::black_box(port::read16(at))),
        _ => drop(core::hint::black_box(port::read32(at))),
    }
}

fn device_memory(random: &mut Random) {
    let at = 0xC000_0000 + random.below(0x2EC0_0000);
    if random.next() & 1 == 0 {
        mmio::write64(at, random.next());
    } else {
        core::hint::black_box(mmio::read64(at));
    }
}

/// Any entry of the I/O APIC, but no NMI, INIT or SMI to ourselves through the UART's pin.
fn routing(random: &mut Random) {
    let pin = random.below(24) as u8;
    ioapic::set_entry(pin, random.next() & !0x700);
    let index = random.next() as u8;
    core::hint::black_box(ioapic::read(index));
}

fn timers(random: &mut Random) {
    match random.below(4) {
        0 => timer::use_periodic(random.below(224) as u8 + 32, random.below(100) as u32 + 1),
        1 => {
            lapic::write(Register::TIMER_DIVIDE, random.next() as u32);
            lapic::write(Register::TIMER_INITIAL, random.next() as u32);
        }
        2 => {
            timer::use_deadline(random.below(224) as u8 + 32);
            let _ = msr::try_write(
                timer::TSC_DEADLINE,
                tsc::now().wrapping_add(random.below(100_000)),
            );
        }
        _ => {
            let _ = msr::try_write(timer::TSC_DEADLINE, random.next());
        }
    }
    interrupt::window();
}

fn hypercalls(random: &mut Random) {
    if cpuid::under_bulkhead() {
        let number = random.next();
        #[expect(unsafe_code)]
        // SAFETY: changes RAX alone. UNSAFETY: VMMCALL.
        let _ = fault::expect_fault(|| unsafe {
            core::arch::asm!("vmmcall", inout("rax") number => _, options(nostack))
        });
    }
}

probes::probe!(hostile_loop, bulkhead);

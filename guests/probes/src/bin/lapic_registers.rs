//! The local APIC's registers read, write and reset as the manual says.
//!
//! Owns PLT-09: values after reset, which bits are writable, which registers ignore writes, and what
//! software disable does to the local entries.
//! Manual: 24593 section 16.3, table 16-2. Also called: xAPIC MMIO.
//!
//! needs: cpus=1 memory=16M
#![no_std]
#![no_main]

use probes::{claim, require};
use rt::interrupt;
use rt::lapic::{self, Register, icr, read, write};
use rt::timer::MASKED;

const LOCAL_ENTRIES: [Register; 6] = [
    Register::LVT_TIMER,
    Register::LVT_THERMAL,
    Register::LVT_PERF,
    Register::LVT_LINT0,
    Register::LVT_LINT1,
    Register::LVT_ERROR,
];

fn lapic_registers() {
    identity();
    priorities();
    logical();
    local_entries();
    software_disable();
    interrupt_command();
    read_only();
    timer_registers();
}

fn identity() {
    claim!(lapic::id() == 0, "the boot CPU has id 0");
    let version = read(Register::VERSION);
    claim!(
        (0x10..0x20).contains(&(version & 0xFF)),
        "the version is one of a built-in APIC"
    );
    claim!(
        version >> 16 & 0xFF >= 4,
        "there are at least five local entries"
    );
    claim!(
        read(Register::SVR) & 0x1FF == 0x1FF,
        "the spurious register has vector and enable bit as set"
    );
}

fn priorities() {
    for value in [0x00, 0x10, 0x4F, 0xF0, 0xFF] {
        write(Register::TPR, value);
        require!(read(Register::TPR) == value, "TPR loses {value:#x}");
        require!(
            read(Register::PPR) == value,
            "PPR is not {value:#x} with nothing in service"
        );
        require!(
            cr8() == u64::from(value >> 4),
            "CR8 is not the class of {value:#x}"
        );
    }
    set_cr8(0);
    claim!(
        read(Register::TPR) == 0,
        "TPR, PPR and CR8 are three views of one value"
    );
    set_cr8(9);
    claim!(
        read(Register::TPR) == 0x90,
        "CR8 sets the class and clears the rest"
    );
    set_cr8(0);
}

fn logical() {
    write(Register::DFR, 0x0FFF_FFFF);
    claim!(
        read(Register::DFR) == 0x0FFF_FFFF,
        "DFR takes the cluster model"
    );
    write(Register::DFR, u32::MAX);
    claim!(read(Register::DFR) == u32::MAX, "DFR takes the flat model");
    write(Register::LDR, 0x0200_0000);
    claim!(
        read(Register::LDR) == 0x0200_0000,
        "LDR holds the logical id"
    );
    write(Register::LDR, 0);
}

fn local_entries() {
    let mut good = 0;
    for (n, entry) in LOCAL_ENTRIES.into_iter().enumerate() {
        let vector = 0x60 + n as u32;
        write(entry, MASKED | vector);
        let masked = read(entry) & (MASKED | 0xFF) == MASKED | vector;
        // Unmasked with the mode left at fixed; nothing is connected that could fire.
        write(entry, vector);
        let open = read(entry) & (MASKED | 0xFF) == vector;
        write(entry, MASKED);
        require!(
            masked && open,
            "local entry {:#x} loses its mask or vector",
            entry.0
        );
        good += u32::from(masked && open);
    }
    claim!(good == 6, "the local entries hold vector and mask");
    write(Register::LVT_ERROR, u32::MAX);
    let ones = read(Register::LVT_ERROR);
    claim!(
        ones & !(MASKED | 0x1FFF) == 0,
        "reserved bits of a local entry stay clear"
    );
    write(Register::LVT_ERROR, MASKED);
}

fn software_disable() {
    write(Register::LVT_LINT0, 0x61);
    write(Register::SVR, 0xFF);
    let masked = LOCAL_ENTRIES
        .into_iter()
        .all(|entry| read(entry) & MASKED != 0);
    claim!(masked, "software disable masks every local entry");
    write(Register::LVT_LINT0, 0x61);
    claim!(
        read(Register::LVT_LINT0) & MASKED != 0,
        "no entry can be unmasked while disabled"
    );
    write(Register::SVR, 0x100 | u32::from(lapic::SPURIOUS));
    claim!(
        read(Register::LVT_LINT0) & MASKED != 0,
        "software enable leaves the entries masked"
    );
    write(Register::LVT_LINT0, MASKED);
}

fn interrupt_command() {
    write(Register::ICR_HIGH, 0x0700_0000);
    claim!(
        read(Register::ICR_HIGH) == 0x0700_0000,
        "the command's destination is held"
    );
    interrupt::disable();
    lapic::send_self(0x70);
    claim!(
        read(Register::ICR_LOW) & icr::PENDING == 0,
        "the command register is never busy"
    );
    claim!(
        read(Register::ICR_LOW) & 0xFF == 0x70,
        "the command register shows what was sent"
    );
    claim!(
        lapic::bit(Register::IRR, 0x70),
        "a request that is not taken yet stands in IRR"
    );
    interrupt::set_handler(0x70, |_| {
        claim!(
            lapic::bit(Register::ISR, 0x70),
            "an interrupt in service stands in ISR"
        );
        claim!(!lapic::bit(Register::IRR, 0x70), "it has left IRR");
        claim!(read(Register::PPR) == 0x70, "PPR has its class");
        lapic::eoi();
    });
    interrupt::window();
    claim!(
        !lapic::bit(Register::ISR, 0x70),
        "the end of the interrupt clears ISR"
    );
    claim!(read(Register::PPR) == 0, "PPR falls back");
    lapic::eoi();
    claim!(
        read(Register::PPR) == 0,
        "an end without an interrupt does nothing"
    );
}

fn read_only() {
    let fixed = [
        Register::VERSION,
        Register::PPR,
        Register::ISR,
        Register::TMR,
        Register::IRR,
    ];
    let mut kept = 0;
    for register in fixed {
        let before = read(register);
        write(register, !before);
        require!(
            read(register) == before,
            "register {:#x} can be written",
            register.0
        );
        kept += u32::from(read(register) == before);
    }
    claim!(
        kept == fixed.len() as u32,
        "read-only registers ignore writes"
    );
    write(Register::ESR, 0);
    let unclaimed = read(Register(0x40));
    write(Register::ESR, 0);
    let logged = read(Register::ESR) & 0x80 != 0;
    claim!(
        unclaimed == 0 && logged,
        "an offset without a register reads 0 and logs an error"
    );
    write(Register::ESR, 0);
}

fn timer_registers() {
    for divide in [0x0, 0x3, 0x8, 0xB] {
        write(Register::TIMER_DIVIDE, divide);
        require!(
            read(Register::TIMER_DIVIDE) == divide,
            "divide loses {divide:#x}"
        );
    }
    claim!(
        read(Register::TIMER_CURRENT) == 0,
        "the current count of a stopped timer is 0"
    );
    write(Register::LVT_TIMER, MASKED);
    write(Register::TIMER_DIVIDE, 0xB);
    write(Register::TIMER_INITIAL, u32::MAX);
    let (first, second) = (read(Register::TIMER_CURRENT), read(Register::TIMER_CURRENT));
    claim!(first > second && second != 0, "the current count runs down");
    claim!(
        read(Register::TIMER_INITIAL) == u32::MAX,
        "the initial count is held"
    );
    write(Register::TIMER_INITIAL, 0);
    claim!(
        read(Register::TIMER_CURRENT) == 0,
        "an initial count of 0 stops the timer"
    );
}

#[expect(unsafe_code)]
fn cr8() -> u64 {
    let value;
    // SAFETY: reads a control register. UNSAFETY: CR8.
    unsafe { core::arch::asm!("mov {}, cr8", out(reg) value, options(nostack, nomem)) };
    value
}

#[expect(unsafe_code)]
fn set_cr8(class: u64) {
    // SAFETY: raises or lowers what interrupts are let through. UNSAFETY: CR8.
    unsafe { core::arch::asm!("mov cr8, {}", in(reg) class, options(nostack)) };
}

probes::probe!(lapic_registers);

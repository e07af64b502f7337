//! The I/O APIC's registers and routing: edge, level, mask, destination.
//!
//! The UART is the one source; its transmitter-empty interrupt can be raised at will. Owns the guest's
//! view of PLT-51. Also called: IOAPIC, redirection entry, remote IRR.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};
use probes::{claim, require};
use rt::ioapic::{self, LEVEL, MASKED, PINS, REMOTE_IRR};
use rt::uart::{self, PIN, ier, register};
use rt::{interrupt, lapic, percpu, smp, tsc};

const VECTOR: u8 = 0x50;

static TAKEN: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
/// Interrupts after which the handler takes the cause away.
static UNTIL: AtomicU32 = AtomicU32::new(1);
static SAW_REMOTE: AtomicU32 = AtomicU32::new(0);

fn registers() {
    let version = ioapic::read(ioapic::VERSION);
    claim!(
        (version >> 16 & 0xFF) + 1 == u32::from(PINS),
        "it has 24 pins"
    );
    claim!(
        (0x10..=0x2F).contains(&(version & 0xFF)),
        "its version is one of an I/O APIC"
    );
    let id = ioapic::read(ioapic::ID);
    ioapic::write(ioapic::ID, 0x0500_0000);
    claim!(
        ioapic::read(ioapic::ID) >> 24 & 0xF == 5,
        "its id can be written"
    );
    ioapic::write(ioapic::ID, id);
    let masked = (0..PINS)
        .filter(|pin| *pin != PIN)
        .all(|pin| ioapic::entry(pin) & MASKED != 0);
    claim!(masked, "every entry starts masked");
    let mut good = 0;
    for pin in 0..PINS {
        let entry = 0x0300_0000_0001_0000 | u64::from(0x40 + pin) | u64::from(pin & 1) << 15;
        ioapic::set_entry(pin, entry);
        let found = ioapic::entry(pin);
        require!(found == entry, "pin {pin} holds {found:#x}, not {entry:#x}");
        good += u32::from(found == entry);
        ioapic::set_entry(pin, MASKED);
    }
    claim!(
        good == u32::from(PINS),
        "every entry holds vector, trigger, mask and destination"
    );
    ioapic::set_entry(0, u64::MAX);
    let ones = ioapic::entry(0);
    claim!(
        ones & (1 << 12 | REMOTE_IRR) == 0,
        "status bits cannot be written"
    );
    ioapic::set_entry(0, MASKED);
    claim!(
        ioapic::read(0xFE) == 0 || ioapic::read(0xFE) == u32::MAX,
        "an index without a register is harmless"
    );
}

/// Raises the UART's interrupt: with the cause enabled an empty transmitter asks at once.
fn raise() {
    uart::write(register::IER, ier::TRANSMIT_EMPTY);
}

fn ioapic_probe() {
    registers();
    interrupt::set_handler(VECTOR, |_| {
        let own = percpu::index();
        if ioapic::entry(PIN) & REMOTE_IRR != 0 {
            SAW_REMOTE.fetch_add(1, Ordering::Relaxed);
        }
        let taken = TAKEN[own].fetch_add(1, Ordering::AcqRel) + 1;
        if taken >= UNTIL.load(Ordering::Relaxed) {
            uart::write(register::IER, 0);
            uart::read(register::IIR);
        }
        lapic::eoi();
    });
    uart::drain();
    edge();
    masked();
    level();
    claim!(smp::start(|_| ()) == 2, "the second CPU runs");
    destination();
    ioapic::set_entry(PIN, MASKED);
}

fn taken(cpu: usize) -> u32 {
    interrupt::enable();
    tsc::delay(2_000);
    interrupt::disable();
    TAKEN[cpu].swap(0, Ordering::AcqRel)
}

fn edge() {
    ioapic::route_edge(PIN, VECTOR, 0);
    let mut good = 0;
    for _ in 0..100 {
        raise();
        interrupt::window();
        good += u32::from(TAKEN[0].swap(0, Ordering::AcqRel) == 1);
    }
    claim!(good == 100, "each rising edge is one interrupt");
    claim!(
        SAW_REMOTE.load(Ordering::Relaxed) == 0,
        "an edge leaves no remote IRR"
    );
}

fn masked() {
    ioapic::set_entry(PIN, MASKED | u64::from(VECTOR));
    raise();
    claim!(taken(0) == 0, "a masked pin does not interrupt");
    uart::write(register::IER, 0);
}

/// As long as the line is asserted, every end of interrupt brings the next one.
fn level() {
    UNTIL.store(5, Ordering::Relaxed);
    ioapic::set_entry(PIN, LEVEL | u64::from(VECTOR));
    raise();
    let count = taken(0);
    require!(count == 5, "taken {count} times");
    claim!(
        count == 5,
        "a level interrupts again after each end until its cause is gone"
    );
    claim!(
        SAW_REMOTE.load(Ordering::Relaxed) >= 5,
        "while it is handled its entry says so"
    );
    claim!(
        ioapic::entry(PIN) & REMOTE_IRR == 0,
        "and no longer afterwards"
    );
    UNTIL.store(1, Ordering::Relaxed);
}

fn destination() {
    ioapic::route_edge(PIN, VECTOR, 1);
    raise();
    let other = tsc::wait_for(|| TAKEN[1].load(Ordering::Acquire) == 1);
    claim!(
        other && taken(0) == 0,
        "a pin routed to the other CPU interrupts only that"
    );
}

probes::probe!(ioapic_probe);

//! The interrupt-driven UART loses nothing, both ways at full speed.
//!
//! Owns PLT-51 from the guest's side: an edge-triggered line from pin 4, the transmitter-empty
//! interrupt that is raised by enabling it, and the receiver's. The probe sends a numbered text by
//! interrupt while it echoes everything that is typed, and counts both.
//! Also called: THRE, tty, serial interrupt storm.
//!
//! needs: cpus=1 memory=16M input="0123456789abcdefghijklmnopqrstuvwxyz"
#![no_std]
#![no_main]

use core::fmt::Write;
use core::sync::atomic::{AtomicUsize, Ordering};
use probes::claim;
use rt::timer::Alarm;
use rt::{interrupt, report, tsc, uart, uart_writer};

const VECTOR: u8 = 0x50;
const TIMER: u8 = 0xD0;
const LINES: u32 = 400;
const TYPED: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

static RECEIVED: AtomicUsize = AtomicUsize::new(0);
static IN_ORDER: AtomicUsize = AtomicUsize::new(0);

fn received(byte: u8) {
    let n = RECEIVED.fetch_add(1, Ordering::Relaxed);
    if TYPED.get(n) == Some(&byte) {
        IN_ORDER.fetch_add(1, Ordering::Relaxed);
    }
}

fn uart_interrupt() {
    rt::interrupt::set_handler(TIMER, |_| rt::lapic::eoi());
    let alarm = Alarm::set_up(TIMER);
    report!("READY");
    uart::drain();
    uart_writer::set_up(VECTOR, received);
    for number in 0..LINES {
        send_line(number);
    }
    drain(alarm);
    let sent = uart_writer::interrupts();
    // Typed bytes may come late: the alarm ends the sleep when nothing else does.
    let end = tsc::now() + tsc::from_microseconds(20_000_000);
    while RECEIVED.load(Ordering::Relaxed) < TYPED.len() && tsc::now() < end {
        alarm.arm(tsc::now() + tsc::from_microseconds(10_000));
        interrupt::wait();
    }
    uart::write(uart::register::IER, 0);
    claim!(
        RECEIVED.load(Ordering::Relaxed) == TYPED.len(),
        "every typed byte was received by interrupt"
    );
    claim!(
        IN_ORDER.load(Ordering::Relaxed) == TYPED.len(),
        "in the order it was typed"
    );
    // How often depends on how fast the device takes bytes: one interrupt may send many FIFOs.
    claim!(sent > 0, "the transmitter interrupted");
}

/// Sleeps until the ring is empty; an alarm bounds each sleep so that a lost interrupt is seen.
fn drain(alarm: Alarm) {
    let end = tsc::now() + tsc::from_microseconds(20_000_000);
    while !uart_writer::is_empty() && tsc::now() < end {
        alarm.arm(tsc::now() + tsc::from_microseconds(100_000));
        interrupt::wait();
    }
    claim!(uart_writer::is_empty(), "everything was sent by interrupt");
}

struct Line {
    bytes: [u8; 64],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = self
            .bytes
            .get_mut(self.length..self.length + text.len())
            .ok_or(core::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

fn send_line(number: u32) {
    let mut line = Line {
        bytes: [0; 64],
        length: 0,
    };
    let fits = write!(line, "line {number:03} of text by interrupt\r\n").is_ok();
    let mut rest = &line.bytes[..line.length];
    while fits && !rest.is_empty() {
        rest = &rest[uart_writer::push(rest)..];
        if !rest.is_empty() {
            // The ring is full: sleep until the device has taken some.
            interrupt::wait();
        }
    }
}

probes::probe!(uart_interrupt);

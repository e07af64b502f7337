//! The polled UART sends every byte in order and receives what is typed.
//!
//! Owns the transmit and receive half of PLT-50 without interrupts: line status, loopback, FIFOs,
//! divisor latch, modem lines. Also called: 16550, COM1, earlyprintk.
//!
//! needs: cpus=1 memory=16M input="the quick brown fox"
#![no_std]
#![no_main]

use probes::{claim, require};
use rt::uart::{self, lsr, register};
use rt::{report, tsc};

fn uart_poll() {
    identification();
    divisor();
    loopback();
    line_status();
    typed();
}

fn identification() {
    claim!(uart::read(register::IIR) & 0xC0 == 0xC0, "the FIFOs are on");
    uart::write(register::FCR, 0);
    let off = uart::read(register::IIR) & 0xC0;
    uart::write(register::FCR, 7);
    claim!(off == 0, "the FIFOs can be turned off");
    claim!(
        uart::read(register::IER) & 0xF0 == 0,
        "the upper half of the interrupt enable register is clear"
    );
    claim!(
        uart::read(register::MSR) & 0xB0 == 0xB0,
        "carrier, data set and clear to send are there"
    );
}

fn divisor() {
    uart::write(register::LCR, 0x83);
    uart::write(register::DATA, 0x34);
    uart::write(register::IER, 0x12);
    let held = (uart::read(register::DATA), uart::read(register::IER)) == (0x34, 0x12);
    uart::write(register::DATA, 1);
    uart::write(register::IER, 0);
    uart::write(register::LCR, 0x03);
    claim!(held, "the divisor latch holds what was written");
    claim!(
        uart::read(register::LCR) == 0x03,
        "the line control register reads back"
    );
    claim!(
        uart::read(register::IER) == 0,
        "the latch does not leak into the interrupt enable register"
    );
}

/// In loopback the device receives what it sends, and the outputs appear as inputs: what drivers probe.
/// Nothing is printed until it is over, because the report would go round as well.
fn loopback() {
    uart::drain();
    uart::write(register::MCR, 0x1A);
    let lines = uart::read(register::MSR) & 0xF0;
    let mut echoed = 0;
    for byte in 0..=255u8 {
        uart::write(register::DATA, byte);
        if !tsc::wait_for(|| uart::read(register::LSR) & lsr::DATA_READY != 0) {
            break;
        }
        echoed += u32::from(uart::read(register::DATA) == byte);
    }
    uart::write(register::MCR, 0x0B);
    claim!(lines == 0x90, "loopback shows the outputs at the inputs");
    claim!(echoed == 256, "loopback gives back every byte value");
}

fn line_status() {
    uart::drain();
    let idle = uart::read(register::LSR);
    claim!(
        idle & (lsr::TRANSMIT_HOLDING_EMPTY | lsr::TRANSMIT_EMPTY) == 0x60,
        "an idle transmitter is empty"
    );
    claim!(idle & 0x9E == 0, "no error is reported");
    report!("{}", core::str::from_utf8(&PATTERN).unwrap_or(""));
    report!("{}", core::str::from_utf8(&PATTERN).unwrap_or(""));
}

/// All printable characters.
const PATTERN: [u8; 94] = {
    let mut pattern = [0; 94];
    let mut n = 0;
    while n < 94 {
        pattern[n] = b'!' + n as u8;
        n += 1;
    }
    pattern
};

fn typed() {
    const WANTED: &[u8] = b"the quick brown fox";
    report!("READY");
    let mut received = [0; WANTED.len()];
    for (n, slot) in received.iter_mut().enumerate() {
        let came = tsc::wait_for(|| match uart::receive() {
            Some(byte) => {
                *slot = byte;
                true
            }
            None => false,
        });
        require!(came, "byte {n} was not received");
        if !came {
            break;
        }
    }
    claim!(received == WANTED, "what was typed is received in order");
}

probes::probe!(uart_poll);

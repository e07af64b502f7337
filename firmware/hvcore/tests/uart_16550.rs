//! Serial port: what drivers probe, interrupts, and no byte lost either way.
#![cfg(not(any(loom, shuttle)))]

use std::collections::VecDeque;

use hvcore::device::uart::{BURST, Uart};
use proptest::prelude::*;

const DATA: u16 = 0;
const IER: u16 = 1;
const IIR: u16 = 2;
const FCR: u16 = 2;
const LCR: u16 = 3;
const MCR: u16 = 4;
const LSR: u16 = 5;
const MSR: u16 = 6;
const SCRATCH: u16 = 7;

const RECEIVED: u8 = 1;
const TRANSMITTER: u8 = 2;
const OUT2: u8 = 8;
const LOOPBACK: u8 = 0x10;
const EMPTY: u8 = 0x60;
const NO_INTERRUPT: u8 = 1;

/// A port with its line wired to an edge counter.
struct Port {
    uart: Uart,
    line: bool,
    edges: u32,
    sent: Vec<u8>,
}

impl Port {
    fn new() -> Self {
        Self {
            uart: Uart::new(),
            line: false,
            edges: 0,
            sent: Vec::new(),
        }
    }

    /// FIFOs on with trigger level 8, line gated through.
    fn open(enable: u8) -> Self {
        let mut port = Self::new();
        port.set(FCR, 0x81);
        port.set(MCR, OUT2 | 3);
        port.set(IER, enable);
        port
    }

    fn drive(&mut self, line: Option<bool>) {
        if let Some(level) = line {
            assert_ne!(level, self.line, "a change that is none");
            self.line = level;
            self.edges += u32::from(level);
        }
    }

    fn get(&mut self, offset: u16) -> u8 {
        let read = self.uart.read(offset);
        self.drive(read.line);
        read.value
    }

    fn set(&mut self, offset: u16, value: u8) {
        let effect = self.uart.write(offset, value);
        self.drive(effect.line);
        self.sent.extend(effect.out);
    }

    fn type_in(&mut self, byte: u8) -> bool {
        let received = self.uart.receive(byte);
        self.drive(received.line);
        received.taken
    }

    fn set_ready(&mut self, ready: bool) {
        let line = self.uart.set_tx_ready(ready);
        self.drive(line);
    }

    fn cause(&mut self) -> u8 {
        self.get(IIR) & 0x0F
    }

    /// What Linux's handler does for one interrupt.
    fn serve(&mut self, got: &mut Vec<u8>, to_send: &mut VecDeque<u8>) {
        for _ in 0..64 {
            if self.cause() == NO_INTERRUPT {
                return;
            }
            let mut status = self.get(LSR);
            while status & 1 != 0 {
                got.push(self.get(DATA));
                status = self.get(LSR);
            }
            if status & 0x20 != 0 {
                for byte in to_send.drain(..to_send.len().min(BURST)) {
                    self.set(DATA, byte);
                }
                if to_send.is_empty() {
                    self.set(IER, RECEIVED);
                }
            }
        }
        panic!("the handler never saw the end of the causes");
    }
}

/// PLT-50: Linux's `autoconfig`, step by step.
#[test]
fn the_probe_of_linux_finds_a_16550a() {
    let mut port = Port::new();
    port.set(IER, 0);
    assert_eq!(port.get(IER), 0);
    port.set(IER, 0xFF);
    assert_eq!(port.get(IER), 0x0F);
    port.set(IER, 0);
    port.set(MCR, LOOPBACK | 0x0A);
    assert_eq!(port.get(MSR) & 0xF0, 0x90);
    port.set(MCR, 0);
    port.set(LCR, 0xBF);
    port.set(FCR, 1);
    port.set(LCR, 0);
    assert_eq!(port.get(IIR) >> 6, 3);
    port.set(LCR, 0x80);
    assert_ne!(port.get(IIR), 0, "no enhanced feature register");
    port.set(LCR, 0);
    port.set(FCR, 0);
    assert_eq!(port.get(IIR) >> 6, 0);
    // 64-byte FIFO and the extra enable bit of other chips.
    port.set(LCR, 0x80);
    port.set(FCR, 0x21);
    assert_eq!(port.get(IIR) & 0x20, 0);
    port.set(LCR, 0);
    port.set(IER, 0x40);
    assert_eq!(port.get(IER), 0);
}

/// PLT-50.
#[test]
fn status_registers_rest_at_idle_and_connected() {
    let mut port = Port::new();
    assert_eq!(port.get(LSR), EMPTY);
    assert_eq!(port.get(MSR), 0xB0);
    assert_eq!(port.get(IIR), NO_INTERRUPT);
    port.set(LSR, 0xFF);
    port.set(MSR, 0xFF);
    assert_eq!((port.get(LSR), port.get(MSR)), (EMPTY, 0xB0));
}

#[test]
fn scratch_and_divisor_keep_what_is_written_behind_their_latch() {
    let mut port = Port::new();
    port.set(SCRATCH, 0xA5);
    port.set(IER, 0x05);
    port.set(LCR, 0x83);
    port.set(DATA, 0x01);
    port.set(IER, 0x02);
    assert_eq!((port.get(DATA), port.get(IER)), (0x01, 0x02));
    port.set(LCR, 0x03);
    assert_eq!(
        (port.get(IER), port.get(SCRATCH), port.get(LCR)),
        (0x05, 0xA5, 0x03)
    );
    assert_eq!(port.sent, []);
}

#[test]
fn loopback_ties_outputs_to_inputs_and_data_to_the_receiver() {
    let mut port = Port::open(0);
    for (out, input) in [(1, 0x20), (2, 0x10), (4, 0x40), (8, 0x80)] {
        port.set(MCR, LOOPBACK | out);
        assert_eq!(port.get(MSR) & 0xF0, input);
    }
    port.set(MCR, LOOPBACK);
    assert_eq!(port.get(MSR), 0x08, "DCD fell and was reported once");
    assert_eq!(port.get(MSR), 0x00);
    for byte in 0..16 {
        port.set(DATA, byte);
    }
    assert_eq!(port.uart.room(), 0);
    assert!(!port.type_in(0x55), "the receiver is not connected");
    port.set(DATA, 99);
    assert_eq!(port.get(LSR) & 3, 3, "the seventeenth overran");
    assert_eq!(port.get(LSR) & 3, 1, "and that was told once");
    assert_eq!(
        (0..16).map(|_| port.get(DATA)).collect::<Vec<_>>(),
        Vec::from_iter(0..16)
    );
    assert_eq!(port.sent, []);
}

#[test]
fn ring_reports_its_end_and_not_its_start() {
    let mut port = Port::open(8);
    port.set(MCR, LOOPBACK | 0x0F);
    port.get(MSR);
    port.set(MCR, LOOPBACK | 0x0B);
    assert_eq!(port.get(MSR) & 0x0F, 4);
    port.set(MCR, LOOPBACK | 0x0F);
    assert_eq!(port.get(MSR) & 0x0F, 0);
}

#[test]
fn a_modem_change_interrupts_until_it_is_read() {
    let mut port = Port::open(8);
    port.set(MCR, LOOPBACK | OUT2);
    assert!(!port.line, "loopback releases OUT2");
    port.set(MCR, OUT2);
    assert!(port.line);
    assert_eq!(port.cause(), 0x00);
    assert!(port.line, "identifying does not settle it");
    port.get(MSR);
    assert!(!port.line);
    assert_eq!(port.cause(), NO_INTERRUPT);
}

#[test]
fn an_overrun_has_the_highest_priority_and_ends_with_lsr() {
    let mut port = Port::open(0x0F);
    port.set(MCR, LOOPBACK | OUT2);
    for byte in 0..17 {
        port.set(DATA, byte);
    }
    port.set(MCR, OUT2);
    assert_eq!(port.cause(), 0x06);
    port.get(LSR);
    assert_eq!(port.cause(), 0x04);
    for _ in 0..16 {
        port.get(DATA);
    }
    assert_eq!(port.cause(), 0x02);
    assert_eq!(port.cause(), 0x00);
    port.get(MSR);
    assert_eq!(port.cause(), NO_INTERRUPT);
}

#[test]
fn received_bytes_show_as_time_out_below_the_trigger_and_as_data_from_it_on() {
    for (fcr, trigger) in [(0x01, 1), (0x41, 4), (0x81, 8), (0xC1, 14)] {
        let mut port = Port::open(RECEIVED);
        port.set(FCR, fcr);
        for count in 1..=16 {
            assert!(port.type_in(b'x'));
            let expected = if count < trigger { 0x0C } else { 0x04 };
            assert_eq!(port.cause(), expected, "{count} bytes, trigger {trigger}");
        }
        assert!(port.line);
        assert_eq!(port.edges, 1);
        for _ in 0..16 {
            assert_eq!(port.get(DATA), b'x');
        }
        assert!(!port.line);
        assert_eq!(port.get(DATA), 0);
    }
}

#[test]
fn without_fifos_one_byte_fits() {
    let mut port = Port::new();
    assert!(port.type_in(1));
    assert!(!port.type_in(2));
    assert_eq!(port.get(DATA), 1);
    assert!(port.type_in(2));
}

#[test]
fn switching_or_clearing_the_fifo_empties_the_receiver() {
    for fcr in [0x00, 0x83] {
        let mut port = Port::open(RECEIVED);
        assert!(port.type_in(1) && port.line);
        port.set(FCR, fcr);
        assert!(!port.line);
        assert_eq!(port.get(LSR), EMPTY);
    }
    let mut port = Port::open(RECEIVED);
    assert!(port.type_in(1));
    port.set(FCR, 0x05);
    assert_eq!(
        port.get(LSR),
        EMPTY | 1,
        "clearing the transmitter is no reason"
    );
}

/// PLT-50: the THRE test of Linux's start-up.
#[test]
fn enabling_the_transmitter_interrupt_raises_it_each_time() {
    let mut port = Port::open(0);
    for _ in 0..2 {
        port.set(IER, TRANSMITTER);
        assert!(port.line);
        assert_eq!(port.cause(), 0x02);
        assert!(!port.line);
        port.set(IER, 0);
    }
    assert_eq!(port.edges, 2);
}

/// PLT-50.
#[test]
fn identifying_settles_the_transmitter_and_the_next_byte_raises_it_again() {
    let mut port = Port::open(TRANSMITTER);
    assert_eq!((port.cause(), port.cause()), (0x02, NO_INTERRUPT));
    port.set(IER, TRANSMITTER);
    assert_eq!(port.cause(), NO_INTERRUPT, "enabled already");
    port.set(DATA, b'a');
    assert!(port.line);
    assert_eq!((port.cause(), port.cause()), (0x02, NO_INTERRUPT));
    assert_eq!(port.edges, 2);
}

#[test]
fn identifying_a_receiver_cause_leaves_the_transmitter_pending() {
    let mut port = Port::open(RECEIVED | TRANSMITTER);
    assert!(port.type_in(1));
    assert_eq!((port.cause(), port.cause()), (0x0C, 0x0C));
    port.get(DATA);
    assert!(port.line);
    assert_eq!(port.cause(), 0x02);
    assert!(!port.line);
}

#[test]
fn the_line_is_gated_by_out2() {
    let mut port = Port::open(RECEIVED);
    port.set(MCR, 3);
    assert!(port.type_in(1));
    assert!(!port.line);
    port.set(MCR, OUT2 | 3);
    assert!(port.line);
    port.set(MCR, 3);
    assert!(!port.line);
}

/// PLT-52: back-pressure of the attached console.
#[test]
fn a_busy_transmitter_shows_in_lsr_and_interrupts_when_ready_again() {
    let mut port = Port::open(TRANSMITTER);
    port.set_ready(false);
    assert_eq!(port.get(LSR) & EMPTY, 0);
    assert!(!port.line);
    assert_eq!(port.cause(), NO_INTERRUPT);
    port.set(IER, 0);
    port.set(IER, TRANSMITTER);
    assert!(!port.line, "not while busy");
    port.set_ready(true);
    assert!(port.line);
    assert_eq!(port.get(LSR) & EMPTY, EMPTY);
    assert_eq!(port.cause(), 0x02);
}

/// PLT-52: a driver writes a FIFO's worth without looking again.
#[test]
fn one_burst_still_passes_a_busy_transmitter_and_more_is_counted() {
    let mut port = Port::open(0);
    port.set_ready(false);
    for byte in 0..20 {
        port.set(DATA, byte);
    }
    assert_eq!(port.sent, Vec::from_iter(0..16));
    assert_eq!(port.uart.dropped(), 4);
    port.set_ready(true);
    port.set_ready(false);
    port.set(DATA, 77);
    assert_eq!(port.sent.last(), Some(&77));
}

#[test]
fn output_polled_through_lsr_is_complete() {
    let mut port = Port::new();
    for byte in 0..=255 {
        while port.get(LSR) & 0x20 == 0 {
            port.set_ready(true);
        }
        port.set(DATA, byte);
        port.set_ready(byte % 3 != 0);
    }
    assert_eq!(port.sent, Vec::from_iter(0..=255));
    assert_eq!((port.uart.dropped(), port.edges), (0, 0));
}

proptest! {
    /// PLT-50, PLT-51: driven by edges alone, with a console that stalls at any
    /// time, every byte gets through in order in both directions.
    #[test]
    fn edge_driven_traffic_loses_nothing_in_either_direction(
        input in proptest::collection::vec(any::<u8>(), 0..200),
        output in proptest::collection::vec(any::<u8>(), 1..200),
        chances in proptest::collection::vec((any::<bool>(), 0usize..24, any::<bool>()), 1..40),
    ) {
        let mut port = Port::open(RECEIVED);
        let mut typed: VecDeque<u8> = input.iter().copied().collect();
        let mut to_send: VecDeque<u8> = output.iter().copied().collect();
        let (mut got, mut served) = (Vec::new(), 0);
        port.set(IER, RECEIVED | TRANSMITTER);
        let end = [(true, 24, true)];
        for &(ready, burst, serve) in chances.iter().chain(end.iter().cycle().take(400)) {
            port.set_ready(ready);
            for _ in 0..burst {
                let Some(&byte) = typed.front() else { break };
                let room = port.uart.room();
                prop_assert_eq!(port.type_in(byte), room > 0);
                if room == 0 {
                    break;
                }
                typed.pop_front();
            }
            if serve && port.edges > served {
                served = port.edges;
                port.serve(&mut got, &mut to_send);
            }
        }
        prop_assert_eq!(got, input);
        prop_assert_eq!(&port.sent, &output);
        prop_assert_eq!(port.uart.dropped(), 0);
    }

    /// Any accesses: no panic, the line events alternate (`drive` asserts), and
    /// the line is never asserted without a cause to read.
    #[test]
    fn an_asserted_line_always_has_a_cause(
        steps in proptest::collection::vec((0u8..5, any::<u16>(), any::<u8>()), 0..200)
    ) {
        let mut port = Port::new();
        for (kind, offset, value) in steps {
            match kind {
                0 => drop(port.get(offset)),
                1 => drop(port.type_in(value)),
                2 => port.set_ready(value & 1 != 0),
                _ => port.set(offset, value),
            }
            let asserted = port.line;
            let mut copy = port.uart.clone();
            let idle = copy.read(IIR).value & 1 != 0;
            prop_assert!(!asserted || !idle);
        }
    }
}

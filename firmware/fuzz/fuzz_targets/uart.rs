//! Fuzz target: 16550A.
//!
//! The input is a sequence of port accesses and console events. Claims: typed
//! bytes are taken exactly when there is room and come out in order, none lost,
//! unless the guest cleared the FIFO or looped the port back; line changes
//! alternate; registers without side effects read the same twice.
#![no_main]

use std::collections::VecDeque;

use hvcore::device::uart::Uart;
use libfuzzer_sys::fuzz_target;

struct Line(bool);

impl Line {
    fn follow(&mut self, change: Option<bool>) {
        if let Some(level) = change {
            assert_ne!(level, self.0);
            self.0 = level;
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&control, steps)) = input.split_first() else {
        return;
    };
    // With this bit the guest leaves FIFO and modem control alone, and order is
    // checked.
    let orderly = control & 1 != 0;
    let mut uart = Uart::new();
    let mut line = Line(false);
    let mut expected = VecDeque::new();
    let mut latch = false;
    if orderly {
        line.follow(uart.write(2, control & 0xC1).line);
        line.follow(uart.write(4, 8).line);
    }
    for step in steps.chunks_exact(2) {
        let (offset, value) = (u16::from(step[0] & 7), step[1]);
        match step[0] >> 6 {
            0 if orderly && (offset == 2 || offset == 4) => {}
            0 => {
                line.follow(uart.write(offset, value).line);
                latch = if offset == 3 {
                    value & 0x80 != 0
                } else {
                    latch
                };
            }
            1 => {
                let read = uart.read(offset);
                line.follow(read.line);
                if orderly && offset == 0 && !latch {
                    assert_eq!(read.value, expected.pop_front().unwrap_or(0));
                }
                if matches!(offset, 1 | 3 | 4 | 7) {
                    assert_eq!(uart.read(offset).value, read.value);
                }
            }
            2 => {
                let room = uart.room();
                let received = uart.receive(value);
                assert_eq!(received.taken, room > 0);
                line.follow(received.line);
                if received.taken {
                    expected.push_back(value);
                    assert_eq!(uart.room(), room - 1);
                }
            }
            _ => line.follow(uart.set_tx_ready(value & 1 != 0)),
        }
    }
});

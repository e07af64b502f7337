//! The console line of core 0: a queue towards the UART that never blocks a core.
//!
//! Text, guest output and, on boards with one UART, log frames share it; frames
//! are queued whole, so they never split. `FF` in text is doubled there, because
//! it starts a frame.

use core::fmt::Write;
use heapless::Deque;
use metal::serial::Serial;

/// Bytes that wait for the line: the longest report of the shell.
const QUEUE: usize = 16 << 10;

/// The console line.
pub struct Terminal {
    queue: Deque<u8, QUEUE>,
    /// The line carries log frames too.
    shared: bool,
}

impl Terminal {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            queue: Deque::new(),
            shared: false,
        }
    }

    /// The line carries log frames too, or not.
    pub fn share(&mut self, shared: bool) {
        self.shared = shared;
    }

    /// Room for guest output, in bytes as the guest wrote them.
    pub fn room(&self) -> usize {
        let free = QUEUE - self.queue.len();
        if self.shared { free / 2 } else { free }
    }

    /// Everything has been handed to the UART.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Queues bytes of text; the line is waited for only if the queue is full.
    pub fn text(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.raw(*byte);
            if self.shared && *byte == abi::log_frame::ESCAPE {
                self.raw(*byte);
            }
        }
    }

    /// Queues a frame as it is.
    pub fn frame(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.raw(*byte);
        }
    }

    fn raw(&mut self, byte: u8) {
        while self.queue.push_back(byte).is_err() {
            // The answer to one command is longer than the queue: let it drain.
            if !self.pump() {
                metal::cpu::pause();
            }
        }
    }

    /// Hands waiting bytes to the UART while it takes them; true if it took any.
    pub fn pump(&mut self) -> bool {
        let mut console = metal::crash::CONSOLE.lock();
        let Some(serial) = console.as_mut() else {
            self.queue.clear();
            return true;
        };
        let mut any = false;
        while self.pump_once(serial) {
            any = true;
        }
        any
    }

    fn pump_once(&mut self, serial: &mut Serial) -> bool {
        let (head, _) = self.queue.as_slices();
        if head.is_empty() {
            return false;
        }
        let sent = serial.send(head);
        for _ in 0..sent {
            self.queue.pop_front();
        }
        sent != 0
    }
}

impl Write for Terminal {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.text(text.as_bytes());
        Ok(())
    }
}

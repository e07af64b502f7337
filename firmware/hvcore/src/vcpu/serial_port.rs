//! A partition's console: its UART and the output nobody has read yet.
//!
//! Written by the partition's vCPUs, read and fed by the housekeeping core, under
//! one lock. While attached, a full backlog holds the guest's transmitter busy;
//! otherwise the oldest bytes give way and are counted. Either way no vCPU waits
//! in the host (PLT-52).
//! Also called: virtual console, back-pressure.

use crate::device::uart::Uart;
use crate::ring::Backlog;

/// Bytes of output kept for one partition.
pub const BACKLOG: usize = 32 << 10;
/// Room below which an attached guest's transmitter is held.
const MARGIN: usize = 64;

/// UART and backlog.
pub struct SerialPort {
    /// The guest's UART.
    pub uart: Uart,
    backlog: Backlog<BACKLOG>,
    attached: bool,
    shown: u64,
    /// Typed bytes wait for room in the receiver: core 0 wants to know.
    pub input_waits: bool,
}

impl SerialPort {
    /// A UART in reset state, nothing written.
    pub const fn new() -> Self {
        Self {
            uart: Uart::new(),
            backlog: Backlog::new(),
            attached: false,
            shown: 0,
            input_waits: false,
        }
    }

    /// A new life of the partition: the UART as after reset, the output kept.
    pub fn reset(&mut self) {
        self.uart = Uart::new();
        self.uart.set_tx_ready(self.may_send());
    }

    /// The guest sent a byte. True when the transmitter must now be held.
    pub fn sent(&mut self, byte: u8) -> bool {
        self.backlog.push(byte);
        self.full()
    }

    fn full(&self) -> bool {
        self.attached && self.backlog.len() + MARGIN > BACKLOG
    }

    /// Output became available to somebody who shows it: tell core 0.
    pub fn first_to_show(&self) -> bool {
        self.attached && self.backlog.len() == 1
    }

    /// Whether the transmitter may accept bytes now.
    pub fn may_send(&self) -> bool {
        !self.full()
    }

    /// The console is shown to somebody, or no longer.
    pub fn attach(&mut self, attached: bool) {
        self.attached = attached;
    }

    /// Copies out up to `into.len()` of the oldest bytes and forgets them.
    pub fn take(&mut self, into: &mut [u8]) -> usize {
        let (head, tail) = self.backlog.pieces();
        let mut count = 0;
        for (slot, byte) in into.iter_mut().zip(head.iter().chain(tail)) {
            *slot = *byte;
            count += 1;
        }
        self.backlog.consume(count);
        count
    }

    /// Bytes waiting to be shown.
    pub fn waiting(&self) -> usize {
        self.backlog.len()
    }

    /// Bytes overwritten since this was last asked.
    pub fn newly_lost(&mut self) -> u64 {
        let lost = self.backlog.overwritten() - self.shown;
        self.shown = self.backlog.overwritten();
        lost
    }

    /// Bytes overwritten since the start.
    pub fn lost(&self) -> u64 {
        self.backlog.overwritten()
    }
}

impl Default for SerialPort {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PLT-52.
    #[test]
    fn only_the_attached_console_holds_its_guest() {
        let mut port = SerialPort::new();
        for _ in 0..2 * BACKLOG {
            assert!(!port.sent(b'x'));
        }
        assert_eq!(port.newly_lost(), BACKLOG as u64);
        port.attach(true);
        assert!(!port.may_send());
        let mut buffer = [0; 100];
        assert_eq!(port.take(&mut buffer), 100);
        assert!(port.may_send());
        assert_eq!(port.newly_lost(), 0);
    }
}

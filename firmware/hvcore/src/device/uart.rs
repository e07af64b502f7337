//! Serial port of a guest: a 16550A that loses no byte.
//!
//! Owns the registers, the receive FIFO and the level of the interrupt line. The
//! transmitter has no store: a byte written leaves at once, and the console that
//! takes it can hold the transmitter busy. It does so while it has room for one
//! burst yet, because drivers write a FIFO's worth per look at LSR.
//!
//! Time does not exist here, so a character time-out is due at once: bytes below
//! the trigger level show as time-out instead of waiting for silence.
//! Also called: 8250, COM1, ttyS0, PC16550D.

use heapless::Deque;

use super::uart_registers::{
    CONNECTED, Cause, DIVISOR_LATCH, Enable, FIFO_CLEAR_RECEIVER, FIFO_ENABLE, FIFOS_ON,
    LineStatus, ModemControl, ModemStatus, NO_INTERRUPT, looped_back,
};

/// First I/O port.
pub const BASE: u16 = 0x3F8;

/// IOAPIC pin.
pub const PIN: u8 = 4;

/// Depth of each FIFO: also the bytes that may follow after the transmitter was
/// declared busy.
pub const BURST: usize = 16;

/// Answer to a guest's port read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Read {
    /// Value for the guest.
    pub value: u8,
    /// New level of the interrupt line, if it changed.
    pub line: Option<bool>,
}

/// Effect of a guest's port write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Effect {
    /// Byte sent to the console.
    pub out: Option<u8>,
    /// New level of the interrupt line, if it changed.
    pub line: Option<bool>,
}

/// Answer to [`Uart::receive`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Received {
    /// False: no room, the caller keeps the byte.
    pub taken: bool,
    /// New level of the interrupt line, if it changed.
    pub line: Option<bool>,
}

/// One serial port.
#[derive(Clone, Debug)]
pub struct Uart {
    received: Deque<u8, BURST>,
    fifos: bool,
    /// Bytes from which on the receiver interrupt is not a time-out.
    trigger: usize,
    enable: Enable,
    line_control: u8,
    modem_control: ModemControl,
    modem_status: ModemStatus,
    overrun: bool,
    scratch: u8,
    divisor: [u8; 2],
    /// The transmitter ran empty and nobody was told yet.
    transmitter_pending: bool,
    transmitter_ready: bool,
    /// Bytes that are still taken while the transmitter is busy.
    burst_left: usize,
    dropped: u64,
    line: bool,
}

impl Uart {
    /// Reset state: 1200 baud divisor, FIFOs off, no interrupt enabled, a modem
    /// that is there and ready.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            received: Deque::new(),
            fifos: false,
            trigger: 1,
            enable: Enable::empty(),
            line_control: 0,
            modem_control: ModemControl::empty(),
            modem_status: CONNECTED,
            overrun: false,
            scratch: 0,
            divisor: [0x60, 0],
            transmitter_pending: false,
            transmitter_ready: true,
            burst_left: BURST,
            dropped: 0,
            line: false,
        }
    }

    /// Bytes a guest wrote although LSR had long said that there is no room.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes that [`Self::receive`] will take now. None in loopback, where the
    /// receiver is not connected.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.loops() {
            0
        } else {
            self.depth().saturating_sub(self.received.len())
        }
    }

    /// The guest has read all that was typed.
    #[must_use]
    pub fn drained(&self) -> bool {
        self.received.is_empty()
    }

    /// A byte typed at the console.
    pub fn receive(&mut self, byte: u8) -> Received {
        let taken = self.room() > 0 && self.received.push_back(byte).is_ok();
        let line = self.update_line();
        Received { taken, line }
    }

    /// The console can or cannot take more. Not ready shows as a busy
    /// transmitter; up to [`BURST`] bytes still come. Returns the new level of
    /// the interrupt line, if it changed.
    pub fn set_tx_ready(&mut self, ready: bool) -> Option<bool> {
        if ready != self.transmitter_ready {
            self.transmitter_ready = ready;
            self.burst_left = BURST;
            self.transmitter_pending = ready;
        }
        self.update_line()
    }

    /// Reads port `BASE + offset`; only the low three bits of `offset` count.
    pub fn read(&mut self, offset: u16) -> Read {
        let value = match offset & 7 {
            0 if self.latches() => self.divisor[0],
            1 if self.latches() => self.divisor[1],
            0 => self.received.pop_front().unwrap_or(0),
            1 => self.enable.bits(),
            2 => self.identify(),
            3 => self.line_control,
            4 => self.modem_control.bits(),
            5 => self.take_line_status(),
            6 => self.take_modem_status(),
            _ => self.scratch,
        };
        let line = self.update_line();
        Read { value, line }
    }

    /// Writes port `BASE + offset`; only the low three bits of `offset` count.
    pub fn write(&mut self, offset: u16, value: u8) -> Effect {
        let mut out = None;
        match offset & 7 {
            0 if self.latches() => self.divisor[0] = value,
            1 if self.latches() => self.divisor[1] = value,
            0 => out = self.transmit(value),
            1 => self.set_enable(Enable::from_bits_truncate(value)),
            2 => self.set_fifo_control(value),
            3 => self.line_control = value,
            4 => self.set_modem_control(ModemControl::from_bits_truncate(value)),
            // Both status registers are read only.
            5 | 6 => {}
            _ => self.scratch = value,
        }
        let line = self.update_line();
        Effect { out, line }
    }

    const fn latches(&self) -> bool {
        self.line_control & DIVISOR_LATCH != 0
    }

    const fn loops(&self) -> bool {
        self.modem_control.contains(ModemControl::LOOPBACK)
    }

    const fn depth(&self) -> usize {
        if self.fifos { BURST } else { 1 }
    }

    fn transmit(&mut self, byte: u8) -> Option<u8> {
        // The byte is gone before the guest can look: empty again.
        self.transmitter_pending = self.transmitter_ready;
        if self.loops() {
            let full = self.received.len() >= self.depth();
            self.overrun |= full || self.received.push_back(byte).is_err();
            return None;
        }
        if self.transmitter_ready {
            return Some(byte);
        }
        match self.burst_left.checked_sub(1) {
            Some(left) => {
                self.burst_left = left;
                Some(byte)
            }
            None => {
                self.dropped = self.dropped.wrapping_add(1);
                None
            }
        }
    }

    /// Enabling the transmitter interrupt while the transmitter is empty raises
    /// it, also when it was read away before: Linux probes for that.
    fn set_enable(&mut self, enable: Enable) {
        let newly = enable.difference(self.enable);
        if newly.contains(Enable::TRANSMITTER) {
            self.transmitter_pending = self.transmitter_ready;
        }
        self.enable = enable;
    }

    fn set_fifo_control(&mut self, value: u8) {
        let fifos = value & FIFO_ENABLE != 0;
        if fifos != self.fifos || value & FIFO_CLEAR_RECEIVER != 0 {
            self.received.clear();
        }
        self.fifos = fifos;
        self.trigger = match value >> 6 {
            _ if !fifos => 1,
            0 => 1,
            1 => 4,
            2 => 8,
            _ => 14,
        };
    }

    fn set_modem_control(&mut self, control: ModemControl) {
        self.modem_control = control;
        let lines = if self.loops() {
            looped_back(control)
        } else {
            CONNECTED
        };
        let before = self.modem_status;
        let mut changes = ModemStatus::from_bits_truncate((before ^ lines).bits() >> 4);
        // Ring reports its end only.
        changes.set(
            ModemStatus::RING_ENDED,
            before.contains(ModemStatus::RING) && !lines.contains(ModemStatus::RING),
        );
        self.modem_status = before & ModemStatus::CHANGES | changes & ModemStatus::CHANGES | lines;
    }

    fn take_line_status(&mut self) -> u8 {
        let mut status = LineStatus::empty();
        status.set(LineStatus::DATA_READY, !self.received.is_empty());
        status.set(LineStatus::OVERRUN, self.overrun);
        status.set(
            LineStatus::HOLDING_EMPTY | LineStatus::SHIFTER_EMPTY,
            self.transmitter_ready,
        );
        self.overrun = false;
        status.bits()
    }

    fn take_modem_status(&mut self) -> u8 {
        let status = self.modem_status;
        self.modem_status = status & ModemStatus::LINES;
        status.bits()
    }

    /// Reads the interrupt id. Being told of an empty transmitter settles it;
    /// the other causes stand until their reason is gone.
    fn identify(&mut self) -> u8 {
        let cause = self.cause();
        if cause == Some(Cause::Transmitter) {
            self.transmitter_pending = false;
        }
        let fifos = if self.fifos { FIFOS_ON } else { 0 };
        fifos | cause.map_or(NO_INTERRUPT, |cause| cause as u8)
    }

    fn cause(&self) -> Option<Cause> {
        let on = |source| self.enable.contains(source);
        if on(Enable::LINE_STATUS) && self.overrun {
            Some(Cause::LineStatus)
        } else if on(Enable::RECEIVED) && self.received.len() >= self.trigger {
            Some(Cause::Received)
        } else if on(Enable::RECEIVED) && !self.received.is_empty() {
            Some(Cause::TimeOut)
        } else if on(Enable::TRANSMITTER) && self.transmitter_pending && self.transmitter_ready {
            Some(Cause::Transmitter)
        } else if on(Enable::MODEM_STATUS) && self.modem_status.intersects(ModemStatus::CHANGES) {
            Some(Cause::ModemStatus)
        } else {
            None
        }
    }

    /// In loopback the OUT2 pin is released, which closes the gate.
    fn update_line(&mut self) -> Option<bool> {
        let gate = self.modem_control.contains(ModemControl::OUT2) && !self.loops();
        let level = gate && self.cause().is_some();
        let changed = level != self.line;
        self.line = level;
        changed.then_some(level)
    }
}

impl Default for Uart {
    fn default() -> Self {
        Self::new()
    }
}

//! Words of the 16550A: the bits of its registers and its interrupt ids.
//!
//! Owns the layout only; [`super::uart`] has the behaviour.

use bitflags::bitflags;

bitflags! {
    /// Interrupt enable register.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(super) struct Enable: u8 {
        const RECEIVED = 1 << 0;
        const TRANSMITTER = 1 << 1;
        const LINE_STATUS = 1 << 2;
        const MODEM_STATUS = 1 << 3;
    }
}

bitflags! {
    /// Line status register.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(super) struct LineStatus: u8 {
        const DATA_READY = 1 << 0;
        const OVERRUN = 1 << 1;
        const HOLDING_EMPTY = 1 << 5;
        const SHIFTER_EMPTY = 1 << 6;
    }
}

bitflags! {
    /// Modem control register.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(super) struct ModemControl: u8 {
        const DTR = 1 << 0;
        const RTS = 1 << 1;
        const OUT1 = 1 << 2;
        /// Gates the interrupt line, as on every PC.
        const OUT2 = 1 << 3;
        const LOOPBACK = 1 << 4;
    }
}

bitflags! {
    /// Modem status register; the low half tells what changed since it was read.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(super) struct ModemStatus: u8 {
        const CTS_CHANGED = 1 << 0;
        const DSR_CHANGED = 1 << 1;
        const RING_ENDED = 1 << 2;
        const DCD_CHANGED = 1 << 3;
        const CTS = 1 << 4;
        const DSR = 1 << 5;
        const RING = 1 << 6;
        const DCD = 1 << 7;
        const CHANGES = 0x0F;
        const LINES = 0xF0;
    }
}

/// Why the line is asserted, highest priority first; the value is the id field
/// of the interrupt identification register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Cause {
    LineStatus = 0x06,
    Received = 0x04,
    TimeOut = 0x0C,
    Transmitter = 0x02,
    ModemStatus = 0x00,
}

pub(super) const NO_INTERRUPT: u8 = 0x01;
pub(super) const FIFOS_ON: u8 = 0xC0;
pub(super) const DIVISOR_LATCH: u8 = 0x80;
pub(super) const FIFO_ENABLE: u8 = 0x01;
pub(super) const FIFO_CLEAR_RECEIVER: u8 = 0x02;

/// What the guest sees of its peer: present, ready, clear to send.
pub(super) const CONNECTED: ModemStatus = ModemStatus::CTS
    .union(ModemStatus::DSR)
    .union(ModemStatus::DCD);

/// Loopback ties the four outputs to the four inputs.
pub(super) const fn looped_back(control: ModemControl) -> ModemStatus {
    let mut lines = ModemStatus::empty();
    if control.contains(ModemControl::RTS) {
        lines = lines.union(ModemStatus::CTS);
    }
    if control.contains(ModemControl::DTR) {
        lines = lines.union(ModemStatus::DSR);
    }
    if control.contains(ModemControl::OUT1) {
        lines = lines.union(ModemStatus::RING);
    }
    if control.contains(ModemControl::OUT2) {
        lines = lines.union(ModemStatus::DCD);
    }
    lines
}

//! IOAPIC: 24 pins that turn line changes into interrupt messages.
//!
//! Owns the redirection entries, the state of each line and remote IRR. Follows
//! the 82093AA: an edge on a masked pin is lost, a level on a masked pin counts
//! again as soon as the pin is unmasked. There is no EOI register (version 0x11);
//! a guest that wants to clear remote IRR by hand makes the pin edge-triggered
//! for a moment, as Linux does. Lines are asserted or not; the polarity bit is
//! kept for the guest to read and changes nothing (virtual wires have no volts).
//! Also called: 82093AA, redirection table, GSI.

use svm::apic::DeliveryMode;

use crate::ids::Vector;
use crate::lapic::destination::Destination;
use crate::lapic::icr::Message;

/// Input pins.
pub const PINS: u8 = 24;

/// Guest-physical address of the register window.
pub const BASE: u64 = 0xFEC0_0000;

/// Offset of the index register.
const INDEX: u16 = 0x00;
/// Offset of the data window.
const WINDOW: u16 = 0x10;

const REGISTER_ID: u8 = 0x00;
const REGISTER_VERSION: u8 = 0x01;
const REGISTER_ARBITRATION: u8 = 0x02;
const REGISTER_FIRST_ENTRY: u8 = 0x10;

/// Version 0x11, last entry 23.
const VERSION: u32 = 0x11 | (PINS as u32 - 1) << 16;

/// Redirection entry of one pin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry(u64);

impl Entry {
    const REMOTE_IRR: u64 = 1 << 14;
    const LEVEL: u64 = 1 << 15;
    const MASKED: u64 = 1 << 16;
    /// Vector, mode, destination mode, polarity, trigger, mask, destination.
    const WRITABLE: u64 = 0xFF00_0000_0001_AFFF;

    const fn vector(self) -> u8 {
        self.0 as u8
    }

    const fn has(self, bit: u64) -> bool {
        self.0 & bit != 0
    }

    const fn message(self) -> Message {
        Message {
            destination: Destination::new((self.0 >> 56) as u8, self.has(1 << 11)),
            mode: DeliveryMode::from_bits((self.0 >> 8) as u32),
            vector: Vector(self.vector()),
            level: self.has(Self::LEVEL),
        }
    }
}

/// The IOAPIC of one partition.
#[derive(Clone, Debug)]
pub struct IoApic {
    id: u32,
    index: u8,
    entries: [Entry; PINS as usize],
    /// One bit per asserted line.
    lines: u32,
    lost_edges: u64,
}

impl IoApic {
    /// Power-up state: all pins masked, all lines idle.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            id: 0,
            index: 0,
            entries: [Entry(Entry::MASKED); PINS as usize],
            lines: 0,
            lost_edges: 0,
        }
    }

    /// Edges that came while their pin was masked.
    #[must_use]
    pub const fn lost_edges(&self) -> u64 {
        self.lost_edges
    }

    /// Reads 32 bits at `offset` in the window page. What is not there reads 0.
    #[must_use]
    pub fn read(&self, offset: u16) -> u32 {
        match offset {
            INDEX => self.index.into(),
            WINDOW => self.read_register(),
            _ => 0,
        }
    }

    /// Writes 32 bits at `offset` in the window page. A message comes out when
    /// the write unmasks a pin whose level line is asserted.
    pub fn write(&mut self, offset: u16, value: u32) -> Option<Message> {
        match offset {
            INDEX => {
                self.index = value as u8;
                None
            }
            WINDOW => self.write_register(value),
            _ => None,
        }
    }

    fn read_register(&self) -> u32 {
        match self.index {
            REGISTER_ID | REGISTER_ARBITRATION => self.id,
            REGISTER_VERSION => VERSION,
            index => match self.entries.get(pin_of(index)) {
                Some(entry) if index & 1 == 0 => entry.0 as u32,
                Some(entry) => (entry.0 >> 32) as u32,
                None => 0,
            },
        }
    }

    fn write_register(&mut self, value: u32) -> Option<Message> {
        if self.index == REGISTER_ID {
            self.id = value & 0x0F00_0000;
            return None;
        }
        let pin = pin_of(self.index);
        let entry = self.entries.get_mut(pin)?;
        let (half, shift) = if self.index & 1 == 0 {
            (0xFFFF_FFFF, 0)
        } else {
            (0xFFFF_FFFF << 32, 32)
        };
        let writable = Entry::WRITABLE & half;
        entry.0 = entry.0 & !writable | u64::from(value) << shift & writable;
        if !entry.has(Entry::LEVEL) {
            entry.0 &= !Entry::REMOTE_IRR;
        }
        self.send_level(pin)
    }

    /// A device asserts or releases the line of `pin`. Pins that do not exist
    /// stay silent.
    pub fn set_line(&mut self, pin: u8, asserted: bool) -> Option<Message> {
        let entry = *self.entries.get(usize::from(pin))?;
        let bit = 1 << pin;
        let rising = asserted && self.lines & bit == 0;
        if asserted {
            self.lines |= bit;
        } else {
            self.lines &= !bit;
        }
        if entry.has(Entry::LEVEL) {
            return self.send_level(pin.into());
        }
        if rising && entry.has(Entry::MASKED) {
            self.lost_edges = self.lost_edges.wrapping_add(1);
        }
        (rising && !entry.has(Entry::MASKED)).then(|| entry.message())
    }

    /// An APIC ended level vector `vector`. Pins with it can interrupt again;
    /// `send` gets one message for each whose line is still asserted.
    pub fn end(&mut self, vector: Vector, mut send: impl FnMut(Message)) {
        for pin in 0..self.entries.len() {
            let Some(entry) = self.entries.get_mut(pin) else {
                return;
            };
            if entry.vector() == vector.0 && entry.has(Entry::REMOTE_IRR) {
                entry.0 &= !Entry::REMOTE_IRR;
                self.send_level(pin).into_iter().for_each(&mut send);
            }
        }
    }

    /// The message of a level pin, if it is asserted, unmasked and not already
    /// in a CPU's hands.
    fn send_level(&mut self, pin: usize) -> Option<Message> {
        let asserted = self.lines & (1 << pin) != 0;
        let entry = self.entries.get_mut(pin)?;
        let held = entry.has(Entry::MASKED) || entry.has(Entry::REMOTE_IRR);
        if !asserted || held || !entry.has(Entry::LEVEL) {
            return None;
        }
        let message = entry.message();
        // Only a vector is ever ended, so only a vector may wait for its end.
        if message.mode.carries_vector() {
            entry.0 |= Entry::REMOTE_IRR;
        }
        Some(message)
    }
}

impl Default for IoApic {
    fn default() -> Self {
        Self::new()
    }
}

/// Pin of a register index; out of range for indexes below the first entry.
const fn pin_of(index: u8) -> usize {
    (index.wrapping_sub(REGISTER_FIRST_ENTRY) >> 1) as usize
}

const _: () = assert!(pin_of(0) >= PINS as usize && pin_of(0x0F) >= PINS as usize);
const _: () = assert!(pin_of(0x3F) == PINS as usize - 1);

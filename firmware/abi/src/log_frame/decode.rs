//! The receiving side: bytes in, text and frames out, in step again after loss.
//!
//! A machine with four states that never looks back, so that it serves a serial
//! port, a saved log and a fuzzer alike. Memory is one frame buffer of `N` bytes.

use super::encode::checksum;
use super::{Channel, ControlKind, ESCAPE, FRAME_END, cobs};

/// What a byte completed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// One byte of text.
    Text(Channel, u8),
    /// A defmt frame without its final zero; a defmt stream decoder wants the
    /// zero back.
    Defmt(&'a [u8]),
    /// A control frame whose checksum holds.
    Control(ControlKind, &'a [u8]),
    /// Bytes that make no sense; the stream goes on behind them.
    Damaged(Damage),
}

/// What made no sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// An escape with an unknown second byte, given.
    Escape(u8),
    /// A frame longer than the buffer.
    TooLong,
    /// A control frame that is no COBS block or too short.
    Stuffing,
    /// A control frame with a wrong checksum.
    Checksum,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Text,
    Escaped,
    Frame {
        control: bool,
        len: usize,
    },
    /// Passing over the rest of a frame that did not fit.
    Skipping,
}

/// A stream in progress; `N` is the longest frame accepted.
#[derive(Clone, Debug)]
pub struct Decoder<const N: usize> {
    state: State,
    channel: Channel,
    frame: [u8; N],
}

impl<const N: usize> Default for Decoder<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Decoder<N> {
    /// At the start of a stream.
    pub const fn new() -> Self {
        Self {
            state: State::Text,
            channel: Channel::OURS,
            frame: [0; N],
        }
    }

    /// Takes the next byte of the stream.
    pub fn push(&mut self, byte: u8) -> Option<Event<'_>> {
        match self.state {
            State::Text if byte == ESCAPE => {
                self.state = State::Escaped;
                None
            }
            State::Text => Some(Event::Text(self.channel, byte)),
            State::Escaped => self.escaped(byte),
            State::Frame { control, len } if byte == FRAME_END => {
                self.state = State::Text;
                let frame = self.frame.get_mut(..len).unwrap_or(&mut []);
                if control {
                    Some(control_frame(frame))
                } else {
                    Some(Event::Defmt(frame))
                }
            }
            State::Frame { control, len } => self.collect(control, len, byte),
            State::Skipping => {
                if byte == FRAME_END {
                    self.state = State::Text;
                }
                None
            }
        }
    }

    fn escaped(&mut self, byte: u8) -> Option<Event<'_>> {
        self.state = State::Text;
        match byte {
            0x00 => {
                self.state = State::Frame {
                    control: false,
                    len: 0,
                }
            }
            0x01 => {
                self.state = State::Frame {
                    control: true,
                    len: 0,
                }
            }
            0x10..=0x1f => self.channel = Channel(byte & 0xf),
            ESCAPE => return Some(Event::Text(self.channel, byte)),
            _ => return Some(Event::Damaged(Damage::Escape(byte))),
        }
        None
    }

    fn collect(&mut self, control: bool, len: usize, byte: u8) -> Option<Event<'_>> {
        match self.frame.get_mut(len) {
            Some(slot) => {
                *slot = byte;
                self.state = State::Frame {
                    control,
                    len: len + 1,
                };
                None
            }
            None => {
                self.state = State::Skipping;
                Some(Event::Damaged(Damage::TooLong))
            }
        }
    }
}

fn control_frame(frame: &mut [u8]) -> Event<'_> {
    let Some((code, block)) = frame.split_first_mut() else {
        return Event::Damaged(Damage::Stuffing);
    };
    if cobs::unstuff(*code, block).is_none() {
        return Event::Damaged(Damage::Stuffing);
    }
    let parts = || {
        let (plain, sum) = block.split_last_chunk::<4>()?;
        let (kind, body) = plain.split_first()?;
        Some((ControlKind(*kind), body, u32::from_le_bytes(*sum)))
    };
    match parts() {
        None => Event::Damaged(Damage::Stuffing),
        Some((kind, body, sum)) if checksum(kind, body) == sum => Event::Control(kind, body),
        Some(_) => Event::Damaged(Damage::Checksum),
    }
}

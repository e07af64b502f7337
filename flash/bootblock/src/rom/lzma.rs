//! LZMA decoder for the `.lzma` (13-byte header) streams that `cbfstool` writes.
//!
//! The usual crates keep a window of their own on a heap. Here the output is one
//! slice that holds the whole result, so it is its own window, and the only
//! state is the probability model: 28 KiB on the stack. Literal contexts are
//! limited to lc + lp = 4, as in LZMA2; `cbfstool` uses lc=3, lp=0, pb=2.
//!
//! Also called: LZMA-alone, LZMA1, range decoder.

use super::range_decoder::{HALF, RangeDecoder};
use crate::bytes::{array, le64};

/// Why a stream cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The properties byte is outside the format, or asks for too large a model.
    Properties,
    /// The bytes end before the output is complete.
    Truncated,
    /// The header promises more bytes than there is memory for.
    TooLarge,
    /// The stream contradicts itself.
    Damaged,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Properties => "unsupported properties byte.",
            Self::Truncated => "the stream ends too early.",
            Self::TooLarge => "unpacks to more bytes than the segment has memory for.",
            Self::Damaged => "the stream is damaged.",
        })
    }
}

const HEADER_BYTES: usize = 13;
const POSITION_STATES: usize = 1 << 4;
const STATES: usize = 12;

/// Unpacks `stream` into the beginning of `out`; the number of bytes written.
pub fn decode(stream: &[u8], out: &mut [u8]) -> Result<usize, Error> {
    let header: [u8; HEADER_BYTES] = array(stream, 0).ok_or(Error::Truncated)?;
    let properties = header[0];
    if properties >= 9 * 5 * 5 {
        return Err(Error::Properties);
    }
    let (lc, lp, pb) = (properties % 9, properties / 9 % 5, properties / 45);
    if lc + lp > 4 {
        return Err(Error::Properties);
    }
    let size = le64(&header, 5).filter(|&size| size != u64::MAX);
    let out = match size.map(usize::try_from) {
        Some(size) => {
            let size = size.map_err(|_| Error::TooLarge)?;
            out.get_mut(..size).ok_or(Error::TooLarge)?
        }
        None => out,
    };
    let input = stream.get(HEADER_BYTES..).ok_or(Error::Truncated)?;
    let mut decoder = Decoder {
        range: RangeDecoder::new(input)?,
        model: Model::new(),
        out,
        at: 0,
        lc: u32::from(lc),
        literal_mask: (1 << lp) - 1,
        position_mask: (1 << pb) - 1,
        repeats: [0; 4],
        state: 0,
    };
    decoder.run(size.is_some())
}

struct LengthModel {
    choice: [u16; 2],
    low: [[u16; 8]; POSITION_STATES],
    middle: [[u16; 8]; POSITION_STATES],
    high: [u16; 256],
}

impl LengthModel {
    const NEW: Self = Self {
        choice: [HALF; 2],
        low: [[HALF; 8]; POSITION_STATES],
        middle: [[HALF; 8]; POSITION_STATES],
        high: [HALF; 256],
    };

    /// Length of a match, at least 2.
    fn decode(&mut self, range: &mut RangeDecoder<'_>, position: usize) -> Result<usize, Error> {
        Ok(if range.bit(&mut self.choice[0])? == 0 {
            2 + range.tree(&mut self.low[position])?
        } else if range.bit(&mut self.choice[1])? == 0 {
            10 + range.tree(&mut self.middle[position])?
        } else {
            18 + range.tree(&mut self.high)?
        })
    }
}

struct Model {
    literal: [[u16; 0x300]; 16],
    is_match: [[u16; POSITION_STATES]; STATES],
    is_repeat: [u16; STATES],
    is_repeat0: [u16; STATES],
    is_repeat1: [u16; STATES],
    is_repeat2: [u16; STATES],
    is_long_repeat0: [[u16; POSITION_STATES]; STATES],
    slot: [[u16; 64]; 4],
    distance: [u16; 128],
    align: [u16; 16],
    length: LengthModel,
    repeat_length: LengthModel,
}

impl Model {
    const fn new() -> Self {
        Self {
            literal: [[HALF; 0x300]; 16],
            is_match: [[HALF; POSITION_STATES]; STATES],
            is_repeat: [HALF; STATES],
            is_repeat0: [HALF; STATES],
            is_repeat1: [HALF; STATES],
            is_repeat2: [HALF; STATES],
            is_long_repeat0: [[HALF; POSITION_STATES]; STATES],
            slot: [[HALF; 64]; 4],
            distance: [HALF; 128],
            align: [HALF; 16],
            length: LengthModel::NEW,
            repeat_length: LengthModel::NEW,
        }
    }
}

struct Decoder<'i, 'o> {
    range: RangeDecoder<'i>,
    model: Model,
    out: &'o mut [u8],
    at: usize,
    lc: u32,
    literal_mask: usize,
    position_mask: usize,
    /// The last four distances, minus one.
    repeats: [usize; 4],
    state: usize,
}

impl Decoder<'_, '_> {
    fn run(&mut self, size_known: bool) -> Result<usize, Error> {
        while !size_known || self.at < self.out.len() {
            let position = self.at & self.position_mask;
            if self
                .range
                .bit(&mut self.model.is_match[self.state][position])?
                == 0
            {
                self.literal()?;
                continue;
            }
            let length = if self.range.bit(&mut self.model.is_repeat[self.state])? == 0 {
                match self.new_match(position)? {
                    Some(length) => length,
                    None => break,
                }
            } else {
                self.repeat(position)?
            };
            self.copy(length)?;
        }
        // A complete stream leaves nothing in the range coder.
        if self.range.is_finished() {
            Ok(self.at)
        } else {
            Err(Error::Damaged)
        }
    }

    /// The byte `distance` before the next one.
    fn back(&self, distance: usize) -> Result<u8, Error> {
        let from = self.at.checked_sub(distance).ok_or(Error::Damaged)?;
        self.out.get(from).copied().ok_or(Error::Damaged)
    }

    fn put(&mut self, byte: u8) -> Result<(), Error> {
        *self.out.get_mut(self.at).ok_or(Error::TooLarge)? = byte;
        self.at += 1;
        Ok(())
    }

    fn literal(&mut self) -> Result<(), Error> {
        let previous = if self.at == 0 { 0 } else { self.back(1)? };
        let context =
            (self.at & self.literal_mask) << self.lc | usize::from(previous) >> (8 - self.lc);
        let mut matched = if self.state >= 7 {
            Some(usize::from(self.back(self.repeats[0] + 1)?))
        } else {
            None
        };
        let tree = &mut self.model.literal[context & 15];
        let mut symbol = 1;
        while symbol < 0x100 {
            let row = match &mut matched {
                Some(byte) => {
                    *byte <<= 1;
                    0x100 + (*byte & 0x100)
                }
                None => 0,
            };
            let bit = self.range.bit(&mut tree[row + symbol])?;
            symbol = symbol << 1 | bit;
            if row != 0 && row >> 8 != bit + 1 {
                matched = None;
            }
        }
        self.state = match self.state {
            0..=3 => 0,
            4..=9 => self.state - 3,
            _ => self.state - 6,
        };
        self.put((symbol & 0xff) as u8)
    }

    /// A match at a new distance; `None` is the end marker.
    fn new_match(&mut self, position: usize) -> Result<Option<usize>, Error> {
        let length = self.model.length.decode(&mut self.range, position)?;
        let slot = self.range.tree(&mut self.model.slot[(length - 2).min(3)])?;
        let distance = self.distance(slot)?;
        if distance == u32::MAX {
            return Ok(None);
        }
        self.repeats = [
            distance as usize,
            self.repeats[0],
            self.repeats[1],
            self.repeats[2],
        ];
        self.state = if self.state < 7 { 7 } else { 10 };
        Ok(Some(length))
    }

    fn distance(&mut self, slot: usize) -> Result<u32, Error> {
        let slot = slot as u32;
        if slot < 4 {
            return Ok(slot);
        }
        let bits = (slot >> 1) - 1;
        let base = (2 | slot & 1) << bits;
        if slot < 14 {
            let tree = self.model.distance.get_mut((base - slot) as usize..);
            let low = self.range.reverse_tree(tree.ok_or(Error::Damaged)?, bits)?;
            return Ok(base + low);
        }
        let high = self.range.direct(bits - 4)? << 4;
        let low = self.range.reverse_tree(&mut self.model.align, 4)?;
        Ok(base.wrapping_add(high).wrapping_add(low))
    }

    /// A match at one of the last four distances.
    fn repeat(&mut self, position: usize) -> Result<usize, Error> {
        let s = self.state;
        if self.range.bit(&mut self.model.is_repeat0[s])? == 0 {
            if self
                .range
                .bit(&mut self.model.is_long_repeat0[s][position])?
                == 0
            {
                self.state = if s < 7 { 9 } else { 11 };
                return Ok(1);
            }
        } else {
            let which = if self.range.bit(&mut self.model.is_repeat1[s])? == 0 {
                1
            } else {
                2 + self.range.bit(&mut self.model.is_repeat2[s])?
            };
            self.repeats[..=which].rotate_right(1);
        }
        self.state = if s < 7 { 8 } else { 11 };
        self.model.repeat_length.decode(&mut self.range, position)
    }

    fn copy(&mut self, length: usize) -> Result<(), Error> {
        let distance = self.repeats[0] + 1;
        for _ in 0..length {
            let byte = self.back(distance)?;
            self.put(byte)?;
        }
        Ok(())
    }
}

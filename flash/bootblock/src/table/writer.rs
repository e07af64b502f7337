//! Writes records of a coreboot table into a byte slice.
//!
//! Words are little-endian and 64-bit ones are only 4-byte aligned: a record is
//! whatever bytes were put in it, padded to 4.

/// Bytes of the header in front of the records.
pub const HEADER_BYTES: usize = 24;

/// The slice is too small for the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A table being written. Overflow is remembered and reported by [`finish`].
///
/// [`finish`]: TableWriter::finish
pub struct TableWriter<'a> {
    buffer: &'a mut [u8],
    at: usize,
    entries: u32,
    full: bool,
}

impl<'a> TableWriter<'a> {
    /// Begins a table at the first byte of `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self {
            buffer,
            at: HEADER_BYTES,
            entries: 0,
            full: false,
        }
    }

    /// Writes one record; `body` puts what follows tag and size.
    pub fn record(&mut self, tag: u32, body: impl FnOnce(&mut Record<'_, 'a>)) {
        let start = self.at;
        let mut record = Record { table: self };
        record.u32(tag).u32(0);
        body(&mut record);
        while !(self.at - start).is_multiple_of(4) {
            self.put(&[0]);
        }
        let size = (self.at - start) as u32;
        if let Some(field) = self.buffer.get_mut(start + 4..start + 8) {
            field.copy_from_slice(&size.to_le_bytes());
        }
        self.entries += 1;
    }

    /// A record that holds one zero-terminated text.
    pub fn text(&mut self, tag: u32, text: &str) {
        self.record(tag, |r| {
            r.bytes(text.as_bytes()).bytes(&[0]);
        });
    }

    /// Writes the header; the bytes of the whole table.
    pub fn finish(self) -> Result<usize, Full> {
        if self.full || self.buffer.len() < self.at {
            return Err(Full);
        }
        let (header, records) = self.buffer.split_at_mut(HEADER_BYTES);
        let records = &records[..self.at - HEADER_BYTES];
        header.fill(0);
        header[0..4].copy_from_slice(b"LBIO");
        header[4..8].copy_from_slice(&(HEADER_BYTES as u32).to_le_bytes());
        header[12..16].copy_from_slice(&(records.len() as u32).to_le_bytes());
        header[16..20].copy_from_slice(&u32::from(checksum(records)).to_le_bytes());
        header[20..24].copy_from_slice(&self.entries.to_le_bytes());
        let sum = checksum(header);
        header[8..12].copy_from_slice(&u32::from(sum).to_le_bytes());
        Ok(self.at)
    }

    fn put(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.at..self.at + bytes.len()) {
            Some(place) => place.copy_from_slice(bytes),
            None => self.full = true,
        }
        self.at += bytes.len();
    }
}

/// The body of a record.
pub struct Record<'t, 'a> {
    table: &'t mut TableWriter<'a>,
}

impl Record<'_, '_> {
    /// Appends bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.table.put(bytes);
        self
    }

    /// Appends a 32-bit word.
    pub fn u32(&mut self, word: u32) -> &mut Self {
        self.bytes(&word.to_le_bytes())
    }

    /// Appends a 64-bit word.
    pub fn u64(&mut self, word: u64) -> &mut Self {
        self.bytes(&word.to_le_bytes())
    }
}

/// The internet checksum: complement of the one's-complement sum of 16-bit words.
/// 0 over data that contains its own checksum.
pub fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) | pair.get(1).map_or(0, |&high| u32::from(high) << 8))
        .fold(0, |sum, word| {
            let sum = sum + word;
            (sum & 0xffff) + (sum >> 16)
        });
    !(sum as u16)
}

//! The backlog: the newest `N` bytes of a console nobody is watching.
//!
//! One owner at a time (it lies behind the lock of the guest's UART), so these
//! are plain bytes. Old bytes give way to new ones and are counted; a console
//! that comes to the foreground replays what is left, oldest first.
//! Also called: scrollback, dmesg buffer, ring log.

/// The newest bytes of a stream.
#[derive(Debug)]
pub struct Backlog<const N: usize> {
    bytes: [u8; N],
    /// Place of the oldest byte.
    oldest: usize,
    len: usize,
    overwritten: u64,
}

impl<const N: usize> Backlog<N> {
    /// An empty backlog.
    pub const fn new() -> Self {
        const { assert!(N != 0) };
        Self {
            bytes: [0; N],
            oldest: 0,
            len: 0,
            overwritten: 0,
        }
    }

    /// Appends bytes; the oldest give way. Copies at most `N` bytes, in at most
    /// two pieces, however long the slice is.
    pub fn write(&mut self, bytes: &[u8]) {
        let skipped = bytes.len().saturating_sub(N);
        let kept = bytes.get(skipped..).unwrap_or_default();
        let start = wrap::<N>(self.oldest, self.len);
        let (upto_end, from_start) = kept.split_at(kept.len().min(N - start));
        for (place, piece) in [(start, upto_end), (0, from_start)] {
            if let Some(room) = self.bytes.get_mut(place..place + piece.len()) {
                room.copy_from_slice(piece);
            }
        }
        let evicted = (self.len + kept.len()).saturating_sub(N);
        self.oldest = wrap::<N>(self.oldest, evicted);
        self.len = self.len + kept.len() - evicted;
        self.overwritten = self.overwritten.saturating_add((skipped + evicted) as u64);
    }

    /// Appends one byte, as a UART does.
    pub fn push(&mut self, byte: u8) {
        self.write(&[byte]);
    }

    /// The kept bytes in order, as two pieces.
    pub fn pieces(&self) -> (&[u8], &[u8]) {
        let first = self.len.min(N - self.oldest);
        let head = self.bytes.get(self.oldest..self.oldest + first);
        let tail = self.bytes.get(..self.len - first);
        (head.unwrap_or_default(), tail.unwrap_or_default())
    }

    /// The kept bytes, oldest first.
    pub fn replay(&self) -> impl Iterator<Item = u8> + '_ {
        let (head, tail) = self.pieces();
        head.iter().chain(tail).copied()
    }

    /// Bytes kept now.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is kept.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that gave way to newer ones, since the start.
    pub const fn overwritten(&self) -> u64 {
        self.overwritten
    }

    /// Forgets the oldest `count` bytes (at most all), which have been shown.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.len);
        self.oldest = wrap::<N>(self.oldest, count);
        self.len -= count;
    }

    /// Forgets the kept bytes, which have been shown; the count stays.
    pub fn clear(&mut self) {
        self.oldest = 0;
        self.len = 0;
    }
}

impl<const N: usize> Default for Backlog<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// `place + by`, both at most `N`, brought back below `N` without a division.
const fn wrap<const N: usize>(place: usize, by: usize) -> usize {
    let sum = place + by;
    if sum >= N { sum - N } else { sum }
}

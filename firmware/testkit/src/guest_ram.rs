//! Guest RAM on the build host: ranges of words behind `GuestMemory`.
//!
//! Words are atomics, so a test may run guests on several threads. For the
//! races that a test wants to be certain of, an interference can be planted: it
//! runs before every exchange, and may be planted to do something only once.
//! Also called: fake memory, mock memory.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use hvcore::ids::Gpa;
use hvcore::port::{GuestMemory, NotRam};

type Interference = Box<dyn FnMut(&GuestRam, Gpa) + Send>;

struct Range {
    base: u64,
    words: Vec<AtomicU64>,
}

/// RAM of one partition; ranges may leave holes.
pub struct GuestRam {
    ranges: Vec<Range>,
    interference: Mutex<Option<Interference>>,
}

impl GuestRam {
    /// One range of zeroes. `base` and `len` are multiples of eight.
    pub fn new(base: u64, len: u64) -> Self {
        Self::with_ranges(&[(base, len)])
    }

    /// Several ranges (base, length) of zeroes, none of them adjacent.
    pub fn with_ranges(ranges: &[(u64, u64)]) -> Self {
        let ranges = ranges.iter().map(|&(base, len)| {
            assert!(
                base.is_multiple_of(8) && len.is_multiple_of(8),
                "ranges are made of 64-bit words"
            );
            let words = (0..len / 8).map(|_| AtomicU64::new(0)).collect();
            Range { base, words }
        });
        GuestRam {
            ranges: ranges.collect(),
            interference: Mutex::new(None),
        }
    }

    /// Runs `act` before every exchange from now on, as another CPU might.
    pub fn interfere(&self, act: impl FnMut(&GuestRam, Gpa) + Send + 'static) {
        *self.interference.lock().unwrap() = Some(Box::new(act));
    }

    /// Stores a word for test set-up; panics outside RAM.
    #[track_caller]
    pub fn put_u64(&self, at: u64, value: u64) {
        self.word(Gpa(at))
            .expect("an aligned word of RAM")
            .store(value, Ordering::SeqCst);
    }

    /// Stores bytes for test set-up; panics outside RAM.
    #[track_caller]
    pub fn put(&self, at: u64, bytes: &[u8]) {
        self.write(Gpa(at), bytes).expect("RAM");
    }

    /// Loads a word to look at it; panics outside RAM.
    #[track_caller]
    pub fn get_u64(&self, at: u64) -> u64 {
        self.load_u64(Gpa(at)).expect("an aligned word of RAM")
    }

    /// The whole content, to compare before and after.
    pub fn snapshot(&self) -> Vec<u64> {
        let words = self.ranges.iter().flat_map(|range| &range.words);
        words.map(|word| word.load(Ordering::SeqCst)).collect()
    }

    fn word(&self, at: Gpa) -> Result<&AtomicU64, NotRam> {
        if !at.0.is_multiple_of(8) {
            return Err(NotRam);
        }
        let range = self.range(at, 8)?;
        range
            .words
            .get(((at.0 - range.base) / 8) as usize)
            .ok_or(NotRam)
    }

    fn range(&self, at: Gpa, len: u64) -> Result<&Range, NotRam> {
        let inside = |range: &&Range| {
            let size = range.words.len() as u64 * 8;
            at.0.checked_sub(range.base)
                .is_some_and(|from| from <= size && len <= size - from)
        };
        self.ranges.iter().find(inside).ok_or(NotRam)
    }

    /// Replaces the byte at `at`, which is RAM.
    fn set_byte(&self, at: u64, value: u8) -> Result<(), NotRam> {
        let shift = at % 8 * 8;
        let word = self.word(Gpa(at & !7))?;
        let merge = |old: u64| Some(old & !(0xFF << shift) | u64::from(value) << shift);
        word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, merge)
            .map(drop)
            .map_err(|_| NotRam)
    }
}

impl GuestMemory for GuestRam {
    fn read(&self, at: Gpa, into: &mut [u8]) -> Result<(), NotRam> {
        self.range(at, into.len() as u64)?;
        for (place, at) in into.iter_mut().zip(at.0..) {
            let word = self.word(Gpa(at & !7))?.load(Ordering::SeqCst);
            *place = (word >> (at % 8 * 8)) as u8;
        }
        Ok(())
    }

    fn write(&self, at: Gpa, from: &[u8]) -> Result<(), NotRam> {
        self.range(at, from.len() as u64)?;
        let mut at = at.0;
        let mut rest = from;
        while let Some((&byte, tail)) = rest.split_first() {
            match rest.split_first_chunk() {
                Some((word, tail)) if at.is_multiple_of(8) => {
                    self.word(Gpa(at))?
                        .store(u64::from_le_bytes(*word), Ordering::SeqCst);
                    (at, rest) = (at + 8, tail);
                }
                _ => {
                    self.set_byte(at, byte)?;
                    (at, rest) = (at + 1, tail);
                }
            }
        }
        Ok(())
    }

    fn fill(&self, at: Gpa, len: u64, value: u8) -> Result<(), NotRam> {
        self.range(at, len)?;
        self.write(at, &vec![value; len as usize])
    }

    fn load_u64(&self, at: Gpa) -> Result<u64, NotRam> {
        Ok(self.word(at)?.load(Ordering::SeqCst))
    }

    fn exchange_u64(&self, at: Gpa, old: u64, new: u64) -> Result<bool, NotRam> {
        let mut planted = self.interference.lock().unwrap().take();
        if let Some(act) = &mut planted {
            act(self, at);
        }
        *self.interference.lock().unwrap() = planted;
        let word = self.word(at)?;
        Ok(word
            .compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok())
    }

    fn load_u32(&self, at: Gpa) -> Result<u32, NotRam> {
        if !at.0.is_multiple_of(4) {
            return Err(NotRam);
        }
        let word = self.word(Gpa(at.0 & !7))?.load(Ordering::SeqCst);
        Ok((word >> ((at.0 & 4) * 8)) as u32)
    }

    fn store_u32(&self, at: Gpa, value: u32) -> Result<(), NotRam> {
        if !at.0.is_multiple_of(4) {
            return Err(NotRam);
        }
        let shift = (at.0 & 4) * 8;
        let merge = |old: u64| Some(old & !(0xFFFF_FFFF << shift) | u64::from(value) << shift);
        let word = self.word(Gpa(at.0 & !7))?;
        word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, merge)
            .map(drop)
            .map_err(|_| NotRam)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_leaves_ram_changes_nothing() {
        let ram = GuestRam::with_ranges(&[(0x1000, 16), (0x2000, 8)]);
        assert_eq!(ram.write(Gpa(0x100C), &[1; 5]), Err(NotRam));
        assert_eq!(ram.fill(Gpa(0xFFF), 2, 1), Err(NotRam));
        assert_eq!(ram.fill(Gpa(u64::MAX), u64::MAX, 1), Err(NotRam));
        assert!(ram.snapshot().iter().all(|&word| word == 0));
        assert_eq!(ram.write(Gpa(0x100C), &[1; 4]), Ok(()));
        assert_eq!(ram.get_u64(0x1008), 0x0101_0101_0000_0000);
        assert_eq!(
            ram.write(Gpa(0x1003), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
            Ok(())
        );
        assert_eq!(ram.get_u64(0x1000), 0x0504_0302_0100_0000);
        assert_eq!(ram.get_u64(0x1008), 0x0D0C_0B0A_0908_0706);
        assert_eq!(ram.fill(Gpa(0x1001), 14, 0xEE), Ok(()));
        assert_eq!(ram.get_u64(0x1000), 0xEEEE_EEEE_EEEE_EE00);
    }

    #[test]
    fn words_are_aligned_and_halves_are_little_endian() {
        let ram = GuestRam::new(0, 16);
        ram.put_u64(8, 0x1122_3344_5566_7788);
        assert_eq!(ram.load_u32(Gpa(8)), Ok(0x5566_7788));
        assert_eq!(ram.load_u32(Gpa(12)), Ok(0x1122_3344));
        assert_eq!(ram.load_u64(Gpa(12)), Err(NotRam));
        assert_eq!(ram.store_u32(Gpa(14), 0), Err(NotRam));
        ram.store_u32(Gpa(12), 5).unwrap();
        assert_eq!(ram.get_u64(8), 0x5_5566_7788);
    }

    #[test]
    fn an_interference_can_win_against_an_exchange() {
        let ram = GuestRam::new(0, 8);
        ram.interfere(|ram, at| ram.put_u64(at.0, 7));
        assert_eq!(ram.exchange_u64(Gpa(0), 0, 1), Ok(false));
        assert_eq!(ram.get_u64(0), 7);
    }
}

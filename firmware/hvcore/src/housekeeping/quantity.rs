//! Bytes and times as people write them.

use core::fmt::{self, Display, Formatter};

/// A number of bytes; prints in the largest unit that loses nothing up to one
/// decimal place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bytes(pub u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        let fits = units.into_iter().find(|(shift, _)| self.0 >> shift != 0);
        let Some((shift, unit)) = fits else {
            return write!(f, "{} B", self.0);
        };
        let rest = self.0 & ((1 << shift) - 1);
        // Below 2^30, so the product fits.
        let tenths = (rest * 10) >> shift;
        match tenths {
            0 => write!(f, "{} {unit}", self.0 >> shift),
            _ => write!(f, "{}.{tenths} {unit}", self.0 >> shift),
        }
    }
}

/// A span of time in milliseconds; prints as `1d 02:03:04`, `02:03:04` or
/// `4.321 s`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Millis(pub u64);

impl Display for Millis {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        if seconds < 60 {
            return write!(f, "{seconds}.{:03} s", self.0 % 1000);
        }
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
        if days != 0 {
            write!(f, "{days}d ")?;
        }
        write!(f, "{hours:02}:{:02}:{:02}", seconds / 60 % 60, seconds % 60)
    }
}

impl Millis {
    /// From time-stamp ticks; `None` while the frequency is unknown.
    pub const fn of_ticks(ticks: u64, khz: u32) -> Option<Self> {
        if khz == 0 {
            None
        } else {
            Some(Self(ticks / khz as u64))
        }
    }
}

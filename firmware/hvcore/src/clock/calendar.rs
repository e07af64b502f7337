//! A calendar date and time as nanoseconds since 1970: the wall clock's start.
//!
//! The board's real-time clock is read once at boot; guests get it through
//! kvmclock. Also called: RTC, CMOS clock, epoch.

/// Registers of an MC146818-compatible clock, as read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RtcReading {
    /// Seconds, minutes, hours, day of month, month, year of the century.
    pub fields: [u8; 6],
    /// Century (20), or 0 where the clock has no such register.
    pub century: u8,
    /// Status register B: bit 1 24-hour form, bit 2 binary.
    pub status_b: u8,
}

const BINARY: u8 = 1 << 2;
const HOURS_24: u8 = 1 << 1;
const AFTERNOON: u8 = 1 << 7;

impl RtcReading {
    fn number(&self, field: u8) -> Option<u64> {
        if self.status_b & BINARY != 0 {
            return Some(field.into());
        }
        let (tens, ones) = (field >> 4, field & 0xf);
        (tens < 10 && ones < 10).then(|| u64::from(tens * 10 + ones))
    }

    fn hour(&self, field: u8) -> Option<u64> {
        if self.status_b & HOURS_24 != 0 {
            return self.number(field);
        }
        let hour = self.number(field & !AFTERNOON)? % 12;
        Some(if field & AFTERNOON != 0 {
            hour + 12
        } else {
            hour
        })
    }

    /// Nanoseconds since 1970-01-01 UTC; `None` for registers that are no date
    /// (a clock without battery), or one before 2000.
    pub fn epoch_ns(&self) -> Option<u64> {
        let [second, minute, hour, day, month, year] = self.fields;
        let (second, minute) = (self.number(second)?, self.number(minute)?);
        let (hour, day, month) = (self.hour(hour)?, self.number(day)?, self.number(month)?);
        let century = match self.number(self.century)? {
            century @ 20..=21 => century,
            _ => 20,
        };
        let year = century * 100 + self.number(year)?;
        let sound = second < 60 && minute < 60 && hour < 24 && (1..=12).contains(&month);
        if !sound || day == 0 || day > days_in(year, month) {
            return None;
        }
        let days = days_before(year) + (1..month).map(|m| days_in(year, m)).sum::<u64>() + day - 1;
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
        seconds.checked_mul(1_000_000_000)
    }
}

const fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of January of `year`, which is 2000 to 2199.
fn days_before(year: u64) -> u64 {
    (1970..year).map(|y| if leap(y) { 366 } else { 365 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn reading(fields: [u8; 6], status_b: u8) -> RtcReading {
        RtcReading {
            fields,
            century: 0,
            status_b,
        }
    }

    #[test]
    fn binary_and_decimal_forms_give_the_same_moment() {
        let decimal = reading([0x59, 0x58, 0x23, 0x29, 0x02, 0x24], HOURS_24);
        let binary = reading([59, 58, 23, 29, 2, 24], HOURS_24 | BINARY);
        assert_eq!(decimal.epoch_ns(), Some(1_709_251_139_000_000_000));
        assert_eq!(binary.epoch_ns(), decimal.epoch_ns());
    }

    #[test]
    fn twelve_hour_clocks_have_noon_and_midnight() {
        let noon = reading([0, 0, 0x92, 1, 1, 0], 0).epoch_ns();
        let midnight = reading([0, 0, 0x12, 1, 1, 0], 0).epoch_ns();
        assert_eq!(midnight, Some(946_684_800_000_000_000));
        assert_eq!(noon, midnight.map(|at| at + 12 * 3_600_000_000_000));
    }

    #[test]
    fn registers_that_are_no_date_are_refused() {
        for fields in [
            [0xff; 6],
            [0, 0, 0, 0, 1, 0],
            [0, 0, 0, 0x30, 2, 0x24],
            [0, 0x60, 0, 1, 1, 0],
        ] {
            assert_eq!(reading(fields, HOURS_24).epoch_ns(), None);
        }
    }
}

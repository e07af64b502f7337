//! Lateness in fixed memory: least, mean, most, and percentiles.
//!
//! Lateness is how long after its due time the task ran. The histogram is log-linear: 16 buckets for
//! every doubling, so a percentile is never more than 1/16 above the true value, at any scale.
//! Also called: jitter, latency histogram, HDR histogram, p99.

const BUCKETS_PER_DOUBLING: usize = 16;
/// Doublings above the first 16 values: up to 2^40 ns, eighteen minutes.
const DOUBLINGS: usize = 36;
const BUCKETS: usize = BUCKETS_PER_DOUBLING * (DOUBLINGS + 1);

/// Statistics over a number of periods. Times in nanoseconds.
#[derive(Clone)]
pub struct Jitter {
    count: u64,
    sum: u64,
    least: u64,
    most: u64,
    missed: u64,
    buckets: [u32; BUCKETS],
}

impl Jitter {
    /// Nothing measured yet.
    pub const fn new() -> Self {
        Self {
            count: 0,
            sum: 0,
            least: u64::MAX,
            most: 0,
            missed: 0,
            buckets: [0; BUCKETS],
        }
    }

    /// One period began `late` nanoseconds after it was due.
    pub fn record(&mut self, late: u64) {
        self.count += 1;
        self.sum = self.sum.saturating_add(late);
        self.least = self.least.min(late);
        self.most = self.most.max(late);
        let bucket = &mut self.buckets[bucket(late)];
        *bucket = bucket.saturating_add(1);
    }

    /// `count` periods went by without the task.
    pub fn miss(&mut self, count: u64) {
        self.missed = self.missed.saturating_add(count);
    }

    /// Adds what `other` measured.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
        self.missed = self.missed.saturating_add(other.missed);
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Periods recorded.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Periods missed.
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    /// Smallest lateness, 0 if nothing was recorded.
    pub const fn least(&self) -> u64 {
        if self.count == 0 { 0 } else { self.least }
    }

    /// Largest lateness.
    pub const fn most(&self) -> u64 {
        self.most
    }

    /// Mean lateness, 0 if nothing was recorded.
    pub const fn mean(&self) -> u64 {
        match self.sum.checked_div(self.count) {
            Some(mean) => mean,
            None => 0,
        }
    }

    /// The lateness that `thousandths` of all periods did not exceed, rounded up to its bucket's end.
    pub fn percentile(&self, thousandths: u64) -> u64 {
        let wanted = (self.count * thousandths).div_ceil(1000);
        let mut seen = 0;
        for (n, count) in self.buckets.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted && seen != 0 {
                return bucket_end(n).min(self.most);
            }
        }
        self.most
    }
}

impl Default for Jitter {
    fn default() -> Self {
        Self::new()
    }
}

/// Bucket of a value: exact below 16, then 16 for each doubling, the last for all that is longer.
fn bucket(value: u64) -> usize {
    let doubling = 60 - (value | 15).leading_zeros() as usize;
    match doubling.checked_sub(1) {
        None => value as usize,
        Some(shift) => (BUCKETS_PER_DOUBLING * shift + (value >> shift) as usize).min(BUCKETS - 1),
    }
}

/// Largest value in bucket `n`.
const fn bucket_end(n: usize) -> u64 {
    match (n / BUCKETS_PER_DOUBLING).checked_sub(1) {
        None => n as u64,
        Some(shift) => (((n - BUCKETS_PER_DOUBLING * shift) as u64 + 1) << shift) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{Jitter, bucket, bucket_end};

    #[test]
    fn buckets_are_in_order_and_hold_their_ends() {
        let mut last = 0;
        for value in
            (0..20_000u64).chain((14..40).flat_map(|n| [(1 << n) - 1, 1 << n, (1 << n) + 1]))
        {
            let n = bucket(value);
            assert!(value <= bucket_end(n), "{value} lies beyond its bucket");
            assert!(
                n == 0 || value > bucket_end(n - 1),
                "{value} belongs one bucket lower"
            );
            assert!(
                bucket_end(n) - value <= value / 16,
                "the bucket of {value} is too wide"
            );
            last = last.max(n);
        }
        assert_eq!(bucket(u64::MAX), super::BUCKETS - 1);
        assert!(last < super::BUCKETS);
    }

    #[test]
    fn percentiles_name_the_value_that_the_share_stays_under() {
        let mut jitter = Jitter::new();
        for value in 1..=1000 {
            jitter.record(value * 1000);
        }
        for (thousandths, truth) in [(500, 500_000), (990, 990_000), (1000, 1_000_000)] {
            let told = jitter.percentile(thousandths);
            assert!(
                told >= truth && told <= truth + truth / 16,
                "{thousandths}: {told}"
            );
        }
        assert_eq!(
            (jitter.least(), jitter.mean(), jitter.most()),
            (1000, 500_500, 1_000_000)
        );
    }

    #[test]
    fn nothing_measured_reads_as_zero() {
        let none = Jitter::new();
        assert_eq!(
            (none.least(), none.mean(), none.most(), none.percentile(990)),
            (0, 0, 0, 0)
        );
    }

    #[test]
    fn merged_halves_equal_the_whole() {
        let (mut first, mut second, mut whole) = (Jitter::new(), Jitter::new(), Jitter::new());
        for value in 0..500 {
            let half = if value % 2 == 0 {
                &mut first
            } else {
                &mut second
            };
            half.record(value * value);
            whole.record(value * value);
        }
        second.miss(3);
        first.merge(&second);
        assert_eq!(
            (first.count(), first.mean(), first.most()),
            (whole.count(), whole.mean(), whole.most())
        );
        assert_eq!(first.percentile(990), whole.percentile(990));
        assert_eq!(first.missed(), 3);
    }
}

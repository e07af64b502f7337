//! The hypervisor's own log: sentences kept for the `log` command, and defmt's
//! clock.
//!
//! Boot messages go to the console at once; later notices go through the
//! terminal's queue. Both leave a copy here.

use core::fmt::{Arguments, Write};
use core::sync::atomic::{AtomicU64, Ordering};
use hvcore::ring::Backlog;
use metal::lock::DeviceLock;

/// Bytes of sentences kept.
const KEPT: usize = 8 << 10;

/// The newest sentences; older ones give way.
pub static KEEP: DeviceLock<Backlog<KEPT>> = DeviceLock::new(Backlog::new());

/// TSC ticks of a microsecond, as a fraction: microseconds = ticks * this >> 32.
static MICROSECOND: AtomicU64 = AtomicU64::new(0);

defmt::timestamp!("{=u64:us}", now_us());

fn now_us() -> u64 {
    // No pair: written once by core 0 during boot.
    let scale = MICROSECOND.load(Ordering::Relaxed);
    ((u128::from(metal::cpu::tsc()) * u128::from(scale)) >> 32) as u64
}

/// Tells defmt's clock how fast the TSC is.
pub fn set_clock(tsc_hz: u64) {
    let scale = (1_000_000u128 << 32) / u128::from(tsc_hz.max(1));
    // No pair: see `now_us`.
    MICROSECOND.store(scale as u64, Ordering::Relaxed);
}

struct Keep;

impl Write for Keep {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let mut keep = KEEP.lock();
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => {
                    keep.write(line.trim_end_matches('\r').as_bytes());
                    keep.write(b"\r\n");
                }
                None => keep.write(line.as_bytes()),
            }
        }
        Ok(())
    }
}

/// Keeps a sentence without showing it.
pub fn keep(sentence: Arguments<'_>) {
    let _ = Keep.write_fmt(sentence);
}

/// Shows a sentence on the console at once and keeps it (boot only: it waits for
/// the line).
pub fn say(sentence: Arguments<'_>) {
    metal::crash::print(sentence);
    keep(sentence);
}

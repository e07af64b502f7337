//! The console: COM1 at 115200 8N1, and the ring that the payload will find.
//!
//! CBMEM does not exist when the first line is printed, so lines are collected
//! here and copied into the ring when it does.
//!
//! Also called: CBMEM console, `cbmem -c`, early printk.

use super::ports;
use bootblock::table::contents::{SERIAL_BAUD, SERIAL_PORT};
use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// Bytes of log kept; a boot prints about two thousand.
pub const LOG_BYTES: usize = 8192;

static LOG: [AtomicU8; LOG_BYTES] = [const { AtomicU8::new(0) }; LOG_BYTES];
static LENGTH: AtomicUsize = AtomicUsize::new(0);

/// Prints one line.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::machine::console::line(format_args!($($text)*)) };
}

/// Sets speed and format of COM1 and clears its buffers.
pub fn init() {
    let divisor = (115_200 / SERIAL_BAUD) as u8;
    for (register, value) in [
        (1, 0x00),    // no interrupts
        (3, 0x80),    // divisor next
        (0, divisor), // low
        (1, 0),       // high
        (3, 0x03),    // 8 bits, no parity, 1 stop bit
        (2, 0x07),    // buffers on and empty
        (4, 0x03),    // terminal ready, request to send
    ] {
        ports::write::<u8>(SERIAL_PORT + register, value);
    }
}

/// Prints `text` and ends the line.
pub fn line(text: fmt::Arguments<'_>) {
    // The sink never fails.
    let _ = Sink.write_fmt(text);
    let _ = Sink.write_str("\n");
}

/// Copies the log so far to the body of the ring; the number of bytes.
pub fn copy_log(into: &mut [u8]) -> usize {
    let length = LENGTH
        .load(Ordering::Relaxed)
        .min(LOG_BYTES)
        .min(into.len());
    for (to, from) in into.iter_mut().zip(&LOG).take(length) {
        *to = from.load(Ordering::Relaxed);
    }
    length
}

struct Sink;

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                send(b'\r');
            }
            send(byte);
            if let Some(place) = LOG.get(LENGTH.load(Ordering::Relaxed)) {
                place.store(byte, Ordering::Relaxed);
                LENGTH.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

fn send(byte: u8) {
    const ROOM: u8 = 1 << 5;
    while ports::read::<u8>(SERIAL_PORT + 5) & ROOM == 0 {
        core::hint::spin_loop();
    }
    ports::write(SERIAL_PORT, byte);
}

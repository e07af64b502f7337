//! Sending by interrupt: a ring that "transmitter empty" drains.
//!
//! One producer (the code), one consumer (the handler), on one CPU. The writer of a line pushes and
//! sees to it that the interrupt is enabled; the handler fills the FIFO and disables itself when the
//! ring is empty. Also called: THRE interrupt, transmit ring.

use crate::uart::{self, FIFO_BYTES, ier, register};
use crate::{interrupt, ioapic, lapic};
use core::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// Bytes of the ring; a power of two.
pub const RING_BYTES: usize = 4096;

static RING: [AtomicU8; RING_BYTES] = [const { AtomicU8::new(0) }; RING_BYTES];
static HEAD: AtomicUsize = AtomicUsize::new(0);
static TAIL: AtomicUsize = AtomicUsize::new(0);
static INTERRUPTS: AtomicU64 = AtomicU64::new(0);
static SINK: AtomicUsize = AtomicUsize::new(0);

/// Routes the UART to `vector` on the calling CPU; received bytes go to `sink`, called in the handler.
#[expect(unsafe_code)]
pub fn set_up(vector: u8, sink: fn(u8)) {
    // UNSAFETY: the handler calls the sink through its stored address.
    SINK.store(sink as usize, Ordering::Release);
    interrupt::set_handler(vector, |_| {
        INTERRUPTS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: `set_up` stored a value of this type before it installed the handler.
        let sink = unsafe { core::mem::transmute::<usize, fn(u8)>(SINK.load(Ordering::Acquire)) };
        serve(sink);
        lapic::eoi();
    });
    ioapic::route_edge(uart::PIN, vector, lapic::id());
    uart::write(register::IER, ier::RECEIVED);
}

/// Handles causes until the device names none: on an edge-triggered line a cause left standing
/// would never interrupt again.
fn serve(sink: fn(u8)) {
    loop {
        match uart::read(register::IIR) & 0x0F {
            0x04 | 0x0C => {
                while let Some(byte) = uart::receive() {
                    sink(byte);
                }
            }
            0x02 => fill(),
            0x06 => {
                uart::read(register::LSR);
            }
            0x00 => {
                uart::read(register::MSR);
            }
            _ => return,
        }
    }
}

fn fill() {
    for _ in 0..FIFO_BYTES {
        let tail = TAIL.load(Ordering::Relaxed);
        if tail == HEAD.load(Ordering::Acquire) {
            uart::write(register::IER, ier::RECEIVED);
            return;
        }
        uart::write(
            register::DATA,
            RING[tail % RING_BYTES].load(Ordering::Relaxed),
        );
        TAIL.store(tail.wrapping_add(1), Ordering::Release);
    }
}

/// Puts as much of `bytes` into the ring as there is room for; returns how much that was.
pub fn push(bytes: &[u8]) -> usize {
    let head = HEAD.load(Ordering::Relaxed);
    let room = RING_BYTES - head.wrapping_sub(TAIL.load(Ordering::Acquire));
    let count = bytes.len().min(room);
    for (offset, byte) in bytes[..count].iter().enumerate() {
        RING[head.wrapping_add(offset) % RING_BYTES].store(*byte, Ordering::Relaxed);
    }
    HEAD.store(head.wrapping_add(count), Ordering::Release);
    if count != 0 {
        // Enabling the cause raises it at once if the transmitter is empty already.
        interrupt::without(|| uart::write(register::IER, ier::RECEIVED | ier::TRANSMIT_EMPTY));
    }
    count
}

/// Whether the ring is empty.
pub fn is_empty() -> bool {
    TAIL.load(Ordering::Acquire) == HEAD.load(Ordering::Acquire)
}

/// Interrupts taken so far.
pub fn interrupts() -> u64 {
    INTERRUPTS.load(Ordering::Relaxed)
}

/// Halts until the ring has been sent; for use with interrupts off.
pub fn drain() {
    while !is_empty() {
        interrupt::wait();
    }
    uart::drain();
}

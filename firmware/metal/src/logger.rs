//! defmt's global logger: encoded frames into one ring, drained by core 0.
//!
//! A log call on any core takes the ring's lock, encodes, lets go; it never
//! waits for a line. A full ring drops the frame and counts it. Handlers do not
//! log (assumption 5), so the lock cannot deadlock.
#![expect(
    unsafe_code,
    reason = "UNSAFETY: implements defmt's Logger, whose contract is unsafe"
)]

use crate::lock::DeviceLock;
use abi::log_frame::{DEFMT_START, FRAME_END};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

/// Bytes of encoded frames that wait for core 0.
pub const CAPACITY: usize = 16 << 10;
/// Longest single frame.
const FRAME: usize = 512;

struct State {
    encoder: defmt::Encoder,
    frame: heapless::Vec<u8, FRAME>,
    too_long: bool,
    ring: heapless::Deque<u8, CAPACITY>,
}

struct Shared {
    held: DeviceLock<()>,
    state: UnsafeCell<State>,
}

// SAFETY: `state` is touched only while `held` is.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared {
    held: DeviceLock::new(()),
    state: UnsafeCell::new(State {
        encoder: defmt::Encoder::new(),
        frame: heapless::Vec::new(),
        too_long: false,
        ring: heapless::Deque::new(),
    }),
};
static DROPPED: AtomicU32 = AtomicU32::new(0);

#[defmt::global_logger]
struct Logger;

fn append(state: &mut State, bytes: &[u8]) {
    if state.frame.extend_from_slice(bytes).is_err() {
        state.too_long = true;
    }
}

/// The state, for the holder of the lock.
///
/// # Safety
/// `held` must be locked by this core.
unsafe fn state() -> &'static mut State {
    // SAFETY: exclusive by the caller's promise.
    unsafe { &mut *SHARED.state.get() }
}

// SAFETY: `acquire` locks until `release`; the other calls come between, on the same core.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        core::mem::forget(SHARED.held.lock());
        // SAFETY: locked just now.
        let state = unsafe { state() };
        state.frame.clear();
        let _ = state.frame.extend_from_slice(&DEFMT_START);
        state.too_long = false;
        // The encoder's separator before the very first frame is part of ours.
        state.encoder.start_frame(|_| {});
    }

    unsafe fn flush() {}

    unsafe fn release() {
        // SAFETY: `acquire` holds the lock.
        let state = unsafe { state() };
        let mut tail: heapless::Vec<u8, 16> = heapless::Vec::new();
        state.encoder.end_frame(|bytes| {
            let _ = tail.extend_from_slice(bytes);
        });
        append(state, &tail);
        let fits = state.ring.len() + state.frame.len() <= CAPACITY;
        if state.too_long || !fits {
            // No pair: a statistic.
            DROPPED.fetch_add(1, Ordering::Relaxed);
        } else {
            for byte in &state.frame {
                let _ = state.ring.push_back(*byte);
            }
        }
        // SAFETY: the guard was forgotten in `acquire`; this is its release.
        unsafe { SHARED.held.force_unlock() };
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: `acquire` holds the lock.
        let state = unsafe { state() };
        let mut encoded: heapless::Vec<u8, FRAME> = heapless::Vec::new();
        let mut too_long = false;
        state.encoder.write(bytes, |part| {
            too_long |= encoded.extend_from_slice(part).is_err()
        });
        state.too_long |= too_long;
        append(state, &encoded);
    }
}

/// Hands out whole frames, oldest first, while `take` accepts them.
pub fn drain_frames(mut take: impl FnMut(&[u8]) -> bool) {
    loop {
        let mut frame: heapless::Vec<u8, { FRAME + 2 }> = heapless::Vec::new();
        let guard = SHARED.held.lock();
        // SAFETY: locked just now.
        let state = unsafe { state() };
        for byte in &state.ring {
            let _ = frame.push(*byte);
            if *byte == FRAME_END && frame.len() > DEFMT_START.len() {
                break;
            }
        }
        if frame.is_empty() || !take(&frame) {
            return;
        }
        for _ in 0..frame.len() {
            state.ring.pop_front();
        }
        drop(guard);
    }
}

unsafe extern "C" {
    static bulkhead_build_id: u8;
    static bulkhead_build_id_end: u8;
}

/// The image's build id (SHA-1 by the linker), 20 bytes; empty without one.
pub fn build_id() -> &'static [u8] {
    let start = &raw const bulkhead_build_id;
    let len = (&raw const bulkhead_build_id_end as usize).saturating_sub(start as usize);
    // Note header: two lengths, type, the name "GNU" and its zero.
    const HEAD: usize = 16;
    if len < HEAD {
        return &[];
    }
    let id = start.wrapping_add(HEAD);
    // SAFETY: the linker script puts the whole note between the two symbols.
    unsafe { core::slice::from_raw_parts(id, len - HEAD) }
}

/// Frames lost so far because the ring was full or a frame too long.
pub fn dropped() -> u32 {
    // No pair: a statistic.
    DROPPED.load(Ordering::Relaxed)
}

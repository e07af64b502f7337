//! Bytes on their way to one reader of a serial line.
//!
//! Owns: a byte queue with an end. A reader that falls too far behind is cut off
//! rather than let the command eat all memory; he sees an early end, not a gap.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Most bytes that wait for one reader.
pub const LIMIT: usize = 16 << 20;

/// The queue of one reader.
#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    closed: bool,
    done: bool,
}

impl Queue {
    /// A queue that begins with `backlog`.
    pub fn with(backlog: impl Iterator<Item = u8>) -> Self {
        let state = State {
            bytes: backlog.collect(),
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Adds bytes; false when the reader is gone or cut off.
    pub fn push(&self, bytes: &[u8]) -> bool {
        let mut state = self.lock();
        if state.bytes.len() + bytes.len() > LIMIT {
            state.closed = true;
        }
        if !state.closed {
            state.bytes.extend(bytes);
        }
        self.changed.notify_all();
        !state.closed
    }

    /// No more will come; what waits is still delivered.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits for bytes; `None` at the end.
    pub fn take(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        loop {
            if !state.bytes.is_empty() {
                return Some(state.bytes.drain(..).collect());
            }
            if state.closed {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The reader has written everything it took, or given up.
    pub fn mark_done(&self) {
        let mut state = self.lock();
        (state.closed, state.done) = (true, true);
        self.changed.notify_all();
    }

    /// Waits until the reader is done, at most until `deadline`.
    pub fn wait_done(&self, deadline: Instant) {
        let mut state = self.lock();
        while !state.done {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_delivered_after_the_close() {
        let queue = Queue::with(b"old".iter().copied());
        assert!(queue.push(b"new"));
        queue.close();
        assert!(!queue.push(b"late"));
        assert_eq!(queue.take(), Some(b"oldnew".to_vec()));
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_reader_too_far_behind_is_cut_off() {
        let queue = Queue::default();
        let chunk = vec![0; LIMIT];
        assert!(queue.push(&chunk));
        assert!(!queue.push(&[1]));
        assert_eq!(queue.take().map(|bytes| bytes.len()), Some(LIMIT));
        assert_eq!(queue.take(), None);
    }
}

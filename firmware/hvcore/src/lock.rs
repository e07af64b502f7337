//! The lock of state that vCPUs of one partition and the housekeeping core share.
//!
//! Taken only outside guest mode and never by an interrupt handler, so spinning
//! cannot deadlock with an interrupt; held for a few dozen instructions.
//! Also called: spin lock, mutex.

/// A spin lock around device state.
pub type DeviceLock<T> = spin::mutex::SpinMutex<T>;

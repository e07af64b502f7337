//! Locks whose type says what they mean for interrupts.
//!
//! Handlers take no lock (assumption 5), so a plain spin lock cannot deadlock
//! with an interrupt on its own core. Two kinds: [`DeviceLock`] for state that
//! a vCPU and the housekeeping core share, [`BootOnce`] for what is written once.

/// A lock taken only outside guest mode and never by a handler.
pub type DeviceLock<T> = spin::mutex::SpinMutex<T>;

/// A held [`DeviceLock`].
pub type Guard<'a, T> = spin::mutex::SpinMutexGuard<'a, T>;

/// A value written once during boot and read-only from then on.
pub type BootOnce<T> = spin::Once<T>;

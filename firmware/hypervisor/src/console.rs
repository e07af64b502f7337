//! The console UART as the housekeeping core drives it: never waits.

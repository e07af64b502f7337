//! The coreboot table: how records are written, and which ones are.
//!
//! Two tables reach the payload: a stub in low memory with one forwarding record,
//! and the real one in CBMEM. Both have a header with two checksums.

pub mod cbmem;
pub mod contents;
pub mod writer;

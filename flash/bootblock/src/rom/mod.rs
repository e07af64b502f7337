//! What is in the ROM: flash map, file system, payload, compression.
//!
//! A ROM is an FMAP (which regions), whose COREBOOT region is a CBFS (which
//! files), whose `fallback/payload` is a SELF (which segments go where), each
//! segment stored plain, as LZMA or as an LZ4 frame.

pub mod cbfs;
pub mod flash_map;
pub mod lz4_frame;
pub mod lzma;
pub mod payload;
mod range_decoder;

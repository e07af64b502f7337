//! A payload as it lies in CBFS (SELF), read.
//!
//! Owns: its segment headers: 28 bytes each, big-endian, ended by the entry record.

use serde::Serialize;

const RECORD: usize = 28;

/// One segment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Segment {
    /// What it is: code, data, bss.
    pub kind: &'static str,
    /// Physical load address.
    pub address: u64,
    /// Bytes in flash.
    pub stored: u32,
    /// Bytes in memory.
    pub memory: u32,
    /// How it is stored.
    pub compression: &'static str,
}

/// A payload.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Payload {
    /// Physical entry address.
    pub entry: u64,
    /// What is loaded.
    pub segments: Vec<Segment>,
}

/// Reads the data of a CBFS payload file; `None` when there is no entry record.
pub fn parse(data: &[u8]) -> Option<Payload> {
    let mut segments = Vec::new();
    for record in data.chunks_exact(RECORD) {
        let word = |at: usize| Some(u32::from_be_bytes(record.get(at..at + 4)?.try_into().ok()?));
        let address = u64::from_be_bytes(record.get(12..20)?.try_into().ok()?);
        let kind = match record.get(..4)? {
            b"CODE" => "code",
            b"DATA" => "data",
            b"BSS " => "bss",
            b"ENTR" => {
                return Some(Payload {
                    entry: address,
                    segments,
                });
            }
            _ => continue,
        };
        let compression = super::cbfs::compression_name(word(4)?);
        segments.push(Segment {
            kind,
            address,
            stored: word(20)?,
            memory: word(24)?,
            compression,
        });
    }
    None
}

//! LZMA and LZ4: what encoders write is read back, and damage is an answer.

use bootblock::rom::{lz4_frame, lzma};
use lzma_rust2::{LzmaOptions, LzmaWriter};
use proptest::prelude::*;
use std::io::Write;

/// 70000 letters A as Debian's cbfstool 4.15 stores them with `-c lzma`.
const BY_CBFSTOOL: &[u8] = include_bytes!("fixtures/letters.lzma");
/// The same with `-c lz4`.
const BY_CBFSTOOL_LZ4: &[u8] = include_bytes!("fixtures/letters.lz4");
const LETTERS: usize = 70_000;

fn letters_follow_the_header(out: &[u8]) {
    assert!(out.iter().rev().take(LETTERS).all(|&b| b == b'A'));
}

fn lzma_of(data: &[u8], lc: u32, lp: u32, pb: u32, size_known: bool) -> Vec<u8> {
    let mut options = LzmaOptions::with_preset(6);
    (options.lc, options.lp, options.pb, options.dict_size) = (lc, lp, pb, 1 << 16);
    let size = size_known.then_some(data.len() as u64);
    let mut writer = LzmaWriter::new_use_header(Vec::new(), &options, size).unwrap();
    writer.write_all(data).unwrap();
    writer.finish().unwrap()
}

#[test]
fn a_stream_by_cbfstool_is_read() {
    let mut out = vec![0; LETTERS];
    assert_eq!(lzma::decode(BY_CBFSTOOL, &mut out), Ok(LETTERS));
    letters_follow_the_header(&out);
}

#[test]
fn a_frame_by_cbfstool_is_read() {
    let mut out = vec![0; LETTERS];
    assert_eq!(lz4_frame::decode(BY_CBFSTOOL_LZ4, &mut out), Ok(LETTERS));
    letters_follow_the_header(&out);
}

#[test]
fn every_shorter_stream_is_refused() {
    let data: Vec<u8> = (0..3000u32).map(|i| ((i * i) >> 5) as u8).collect();
    let stream = lzma_of(&data, 3, 0, 2, true);
    let mut out = vec![0; data.len()];
    for length in 0..stream.len() {
        assert!(
            lzma::decode(&stream[..length], &mut out).is_err(),
            "{length}"
        );
    }
    for length in 0..BY_CBFSTOOL_LZ4.len() {
        let answer = lz4_frame::decode(&BY_CBFSTOOL_LZ4[..length], &mut vec![0; LETTERS]);
        assert!(answer.is_err(), "{length}");
    }
}

#[test]
fn a_stream_for_more_memory_than_there_is_is_refused() {
    let mut out = vec![0; LETTERS - 1];
    assert_eq!(
        lzma::decode(BY_CBFSTOOL, &mut out),
        Err(lzma::Error::TooLarge)
    );
    assert_eq!(
        lz4_frame::decode(BY_CBFSTOOL_LZ4, &mut out),
        Err(lz4_frame::Error::Block)
    );
}

#[test]
fn linked_lz4_blocks_are_refused() {
    let mut frame = BY_CBFSTOOL_LZ4.to_vec();
    frame[4] &= !(1 << 5);
    let answer = lz4_frame::decode(&frame, &mut vec![0; LETTERS]);
    assert_eq!(answer, Err(lz4_frame::Error::LinkedBlocks));
}

/// Text with repeats at short and long distances.
fn compressible() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::collection::vec(any::<u8>(), 1..40);
    (
        prop::collection::vec(word, 1..20),
        prop::collection::vec(any::<prop::sample::Index>(), 0..400),
    )
        .prop_map(|(words, picks)| picks.iter().flat_map(|p| p.get(&words).clone()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lzma_returns_what_was_packed(data in compressible(), lc in 0u32..=4, pb in 0u32..=4, known: bool) {
        for lp in 0..=4 - lc {
            let mut out = vec![0xcc; data.len() + 10];
            let stream = lzma_of(&data, lc, lp, pb, known);
            prop_assert_eq!(lzma::decode(&stream, &mut out), Ok(data.len()));
            prop_assert_eq!(&out[..data.len()], &data);
            prop_assert_eq!(&out[data.len()..], [0xcc; 10]);
        }
    }

    #[test]
    fn a_damaged_stream_never_writes_beyond_its_memory(
        data in compressible(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut stream = lzma_of(&data, 3, 0, 2, true);
        for (at, bits) in flips {
            let at = at.index(stream.len());
            stream[at] ^= bits;
        }
        let mut out = vec![0; data.len()];
        if let Ok(length) = lzma::decode(&stream, &mut out) {
            prop_assert!(length <= out.len());
        }
    }

    #[test]
    fn lz4_returns_what_was_packed(data in compressible(), checksums: bool) {
        let flags = 1 << 6 | 1 << 5 | if checksums { 1 << 4 } else { 0 };
        let mut frame = vec![0x04, 0x22, 0x4d, 0x18, flags, 0x40, 0];
        for block in data.chunks(1000) {
            let packed = lz4_flex::block::compress(block);
            let (word, bytes) = if packed.len() < block.len() {
                (packed.len() as u32, &packed[..])
            } else {
                (block.len() as u32 | 1 << 31, block)
            };
            frame.extend(word.to_le_bytes());
            frame.extend(bytes);
            if checksums {
                frame.extend([0xee; 4]);
            }
        }
        frame.extend([0; 4]);
        let mut out = vec![0; data.len()];
        prop_assert_eq!(lz4_frame::decode(&frame, &mut out), Ok(data.len()));
        prop_assert_eq!(out, data);
    }
}

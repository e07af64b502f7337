//! A serial stream taken apart: lines by partition, log frames, control frames.
//!
//! Owns: lines, one unfinished for each channel, and telling the two kinds of stream
//! apart. A line shared with text escapes each frame (`abi::log_frame`); a line for
//! the log alone may carry plain defmt frames. Text never holds a zero byte and a plain
//! defmt frame ends with one, so the first zero outside a frame decides.

use abi::log_frame::{Channel, ControlKind, Damage, Decoder, Event};
use std::collections::BTreeMap;

/// Longest frame that is collected.
const FRAME: usize = 4096;
/// A line without an end is cut here.
const LINE: usize = 4096;

/// What came out of the stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// A line of a partition, or of the hypervisor itself (`None`), without its end.
    Text(Option<u8>, String),
    /// A defmt frame without its final zero.
    Log(Vec<u8>),
    /// A control frame.
    Control(u8, Vec<u8>),
    /// Bytes that make no sense.
    Damaged(Damage),
}

/// A stream in progress.
#[derive(Debug)]
pub struct Stream {
    frames: Decoder<FRAME>,
    lines: BTreeMap<Option<u8>, Vec<u8>>,
    /// Bytes of the frame in progress, once the stream is known to be plain defmt.
    plain: Option<Vec<u8>>,
    /// Whether an escape was seen, which makes it a framed stream for good.
    framed: bool,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            frames: Decoder::new(),
            lines: BTreeMap::new(),
            plain: None,
            framed: false,
        }
    }
}

impl Stream {
    /// Takes bytes and hands every completed item to `out`.
    pub fn take(&mut self, bytes: &[u8], out: &mut impl FnMut(Item)) {
        for byte in bytes {
            match &mut self.plain {
                Some(frame) if *byte == 0 => out(Item::Log(std::mem::take(frame))),
                Some(frame) => frame.push(*byte),
                None => self.shared(*byte, out),
            }
        }
    }

    fn shared(&mut self, byte: u8, out: &mut impl FnMut(Item)) {
        let Some(event) = self.frames.push(byte) else {
            return;
        };
        let item = match event {
            Event::Text(channel, 0) if !self.framed && channel == Channel::OURS => {
                self.plain = Some(Vec::new());
                Item::Log(self.lines.remove(&None).unwrap_or_default())
            }
            Event::Text(channel, byte) => {
                self.text(channel.index(), byte, out);
                return;
            }
            Event::Defmt(frame) => {
                self.framed = true;
                Item::Log(frame.to_vec())
            }
            Event::Control(ControlKind(kind), body) => {
                self.framed = true;
                Item::Control(kind, body.to_vec())
            }
            Event::Damaged(damage) => Item::Damaged(damage),
        };
        out(item);
    }

    fn text(&mut self, channel: Option<u8>, byte: u8, out: &mut impl FnMut(Item)) {
        let line = self.lines.entry(channel).or_default();
        if byte != b'\n' {
            line.push(byte);
        }
        if byte == b'\n' || line.len() >= LINE {
            let line = std::mem::take(line);
            out(Item::Text(channel, readable(&line)));
        }
    }

    /// Hands out unfinished lines: a prompt has no end, and waits for somebody.
    pub fn flush(&mut self, out: &mut impl FnMut(Item)) {
        for (channel, line) in std::mem::take(&mut self.lines) {
            if !line.is_empty() {
                out(Item::Text(channel, readable(&line)));
            }
        }
    }
}

fn readable(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .trim_end_matches('\r')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::log_frame::{MAX_CONTROL, control, select};

    fn items(bytes: &[u8]) -> Vec<Item> {
        let (mut stream, mut out) = (Stream::default(), Vec::new());
        // One byte at a time: nothing may depend on how reads fall.
        bytes
            .iter()
            .for_each(|byte| stream.take(&[*byte], &mut |item| out.push(item)));
        stream.flush(&mut |item| out.push(item));
        out
    }

    fn line(channel: Option<u8>, text: &str) -> Item {
        Item::Text(channel, text.into())
    }

    #[test]
    fn lines_of_two_partitions_do_not_mix() {
        let one = select(Channel::partition(0).expect("partition"));
        let two = select(Channel::partition(1).expect("partition"));
        let bytes = [&b"boot\r\n"[..], &one, b"hel", &two, b"rt\n", &one, b"lo\n"].concat();
        assert_eq!(
            items(&bytes),
            [
                line(None, "boot"),
                line(Some(1), "rt"),
                line(Some(0), "hello")
            ]
        );
    }

    #[test]
    fn a_frame_inside_a_line_leaves_the_line_whole() {
        let mut buffer = [0; MAX_CONTROL];
        let frame = control(ControlKind::JSON, b"{}", &mut buffer).expect("fits");
        let bytes = [b"be", frame, b"fore\n\xff\x00\x12\x34\x00"].concat();
        assert_eq!(
            items(&bytes),
            [
                Item::Control(ControlKind::JSON.0, b"{}".to_vec()),
                line(None, "before"),
                Item::Log(vec![0x12, 0x34])
            ]
        );
    }

    #[test]
    fn a_plain_defmt_stream_is_recognised_by_its_first_zero() {
        assert_eq!(
            items(b"\x01\x02\x00\x03\xff\x00"),
            [Item::Log(vec![1, 2]), Item::Log(vec![3, 0xff])]
        );
    }

    #[test]
    fn a_prompt_without_an_end_is_shown() {
        assert_eq!(items(b"bulkhead> "), [line(None, "bulkhead> ")]);
    }
}

//! The sending side: escapes for text, and whole control frames.

use zerocopy::IntoBytes;

use super::cobs;
use super::{CONTROL_START, Channel, ControlKind, ESCAPE, FRAME_END, Hello, MAX_BODY, MAX_CONTROL};

/// The bytes that make following text belong to `channel`.
pub const fn select(channel: Channel) -> [u8; 2] {
    [ESCAPE, 0x10 | channel.0]
}

/// Text as it goes on the wire: every `FF` doubled.
pub fn text(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    bytes.iter().flat_map(|byte| {
        let again = (*byte == ESCAPE).then_some(ESCAPE);
        core::iter::once(*byte).chain(again)
    })
}

/// Writes a whole control frame and returns it; `None` when the body is longer
/// than [`MAX_BODY`].
pub fn control<'a>(
    kind: ControlKind,
    body: &[u8],
    into: &'a mut [u8; MAX_CONTROL],
) -> Option<&'a [u8]> {
    if body.len() > MAX_BODY {
        return None;
    }
    let end = 3 + 1 + body.len() + 4;
    let sum = checksum(kind, body).to_le_bytes();
    let plain = core::iter::once(kind.0)
        .chain(body.iter().copied())
        .chain(sum);
    for (to, from) in into.get_mut(3..end)?.iter_mut().zip(plain) {
        *to = from;
    }
    let code = cobs::stuff(into.get_mut(3..end)?)?;
    let [first, second] = CONTROL_START;
    into.get_mut(..3)?.copy_from_slice(&[first, second, code]);
    *into.get_mut(end)? = FRAME_END;
    into.get(..=end)
}

/// The first frame of a stream.
pub fn hello<'a>(hello: &Hello, into: &'a mut [u8; MAX_CONTROL]) -> Option<&'a [u8]> {
    control(ControlKind::HELLO, hello.as_bytes(), into)
}

/// CRC-32 (ISO-HDLC) of a control frame's kind and body.
pub(super) fn checksum(kind: ControlKind, body: &[u8]) -> u32 {
    let mut digest = crate::plan::CRC.digest();
    digest.update(&[kind.0]);
    digest.update(body);
    digest.finalize()
}

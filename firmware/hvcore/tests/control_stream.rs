//! The mixed serial stream: what is sent comes out again, whatever is lost.

use abi::epitaph::Epitaph;
use abi::log_frame::{
    Channel, ControlKind, DEFMT_START, Damage, Decoder, Event, Hello, MAX_BODY, MAX_CONTROL,
    control, hello, select, text,
};
use proptest::prelude::*;
use zerocopy::{FromZeros, IntoBytes};

#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    Text(Channel, Vec<u8>),
    Defmt(Vec<u8>),
    Control(ControlKind, Vec<u8>),
    Damaged(Damage),
}

fn decode(bytes: &[u8]) -> Vec<Seen> {
    let mut decoder = Decoder::<512>::new();
    let mut seen: Vec<Seen> = Vec::new();
    for byte in bytes {
        let event = match decoder.push(*byte) {
            None => continue,
            Some(Event::Text(channel, byte)) => match seen.last_mut() {
                Some(Seen::Text(last, text)) if *last == channel => {
                    text.push(byte);
                    continue;
                }
                _ => Seen::Text(channel, vec![byte]),
            },
            Some(Event::Defmt(frame)) => Seen::Defmt(frame.to_vec()),
            Some(Event::Control(kind, body)) => Seen::Control(kind, body.to_vec()),
            Some(Event::Damaged(damage)) => Seen::Damaged(damage),
        };
        seen.push(event);
    }
    seen
}

fn frame(kind: ControlKind, body: &[u8]) -> Vec<u8> {
    control(kind, body, &mut [0; MAX_CONTROL]).unwrap().to_vec()
}

fn defmt(frame: &[u8]) -> Vec<u8> {
    [&DEFMT_START[..], frame, &[0]].concat()
}

#[test]
fn a_frame_interrupts_text_without_changing_its_channel() {
    let linux = Channel::partition(0).unwrap();
    let stream = [
        b"boot\r\n".to_vec(),
        select(linux).to_vec(),
        b"log".to_vec(),
        defmt(&[1, 0xff, 2]),
        b"in: ".to_vec(),
        select(Channel::OURS).to_vec(),
        b"> ".to_vec(),
    ]
    .concat();
    assert_eq!(
        decode(&stream),
        [
            Seen::Text(Channel::OURS, b"boot\r\n".to_vec()),
            Seen::Text(linux, b"log".to_vec()),
            Seen::Defmt(vec![1, 0xff, 2]),
            Seen::Text(linux, b"in: ".to_vec()),
            Seen::Text(Channel::OURS, b"> ".to_vec()),
        ]
    );
}

#[test]
fn the_hello_frame_carries_the_build_id() {
    let sent = Hello::new(&[0xab; 20], 3_400_000);
    let stream = hello(&sent, &mut [0; MAX_CONTROL]).unwrap().to_vec();
    let Some(Seen::Control(ControlKind::HELLO, body)) = decode(&stream).pop() else {
        panic!("no hello")
    };
    let read = Hello::read(&body).unwrap();
    assert_eq!(
        (read.build_id(), read.tsc_khz),
        (&[0xab; 20][..], 3_400_000)
    );
    assert_eq!(Hello::new(&[1, 2], 0).build_id(), [1, 2]);
    let mut other = sent;
    other.version = 2;
    assert_eq!(Hello::read(other.as_bytes()), None);
    other = sent;
    other.build_id_len = 21;
    assert_eq!(Hello::read(other.as_bytes()), None);
}

#[test]
fn an_unknown_escape_is_told_and_text_goes_on() {
    let seen = decode(b"a\xff\x42b");
    let ours = |byte| Seen::Text(Channel::OURS, vec![byte]);
    assert_eq!(
        seen,
        [ours(b'a'), Seen::Damaged(Damage::Escape(0x42)), ours(b'b')]
    );
}

#[test]
fn a_frame_longer_than_the_buffer_is_dropped_once_and_the_next_arrives() {
    let stream = [defmt(&[7; 600]), defmt(&[8; 3])].concat();
    assert_eq!(
        decode(&stream),
        [Seen::Damaged(Damage::TooLong), Seen::Defmt(vec![8; 3])]
    );
}

#[test]
fn a_reader_that_lost_the_end_of_a_frame_is_in_step_after_the_next() {
    let whole = frame(ControlKind::JSON, b"{}");
    let stream = [&whole[..whole.len() - 3], &whole[..], &whole[..]].concat();
    assert_eq!(
        decode(&stream).last(),
        Some(&Seen::Control(ControlKind::JSON, b"{}".to_vec()))
    );
}

#[test]
fn a_body_longer_than_a_block_is_refused() {
    assert!(control(ControlKind::JSON, &[1; MAX_BODY], &mut [0; MAX_CONTROL]).is_some());
    assert!(control(ControlKind::JSON, &[1; MAX_BODY + 1], &mut [0; MAX_CONTROL]).is_none());
}

#[test]
fn channels_fifteen_and_up_are_no_partitions() {
    assert_eq!(Channel::partition(14).unwrap().index(), Some(14));
    assert_eq!(Channel::partition(15), None);
    assert_eq!(Channel::OURS.index(), None);
}

#[test]
fn an_epitaph_reads_back_only_with_its_own_head() {
    let sound = Epitaph::zeroed();
    assert_eq!(Epitaph::read(sound.as_bytes()), Some(sound));
    assert_eq!(Epitaph::read(&sound.as_bytes()[1..]), None);
    assert_eq!(Epitaph::read(Epitaph::new_zeroed().as_bytes()), None);
    let mut wild = sound;
    (wild.exit_count, wild.code_len) = (u32::MAX, 255);
    assert_eq!((wild.exits().len(), wild.code().len()), (16, 15));
}

proptest! {
    #[test]
    fn text_with_any_byte_comes_out_as_it_went_in(bytes in prop::collection::vec(any::<u8>(), 0..200), channel in 0u8..15) {
        let channel = Channel::partition(channel).unwrap();
        let stream: Vec<u8> = select(channel).into_iter().chain(text(&bytes)).collect();
        let wanted = if bytes.is_empty() { vec![] } else { vec![Seen::Text(channel, bytes)] };
        prop_assert_eq!(decode(&stream), wanted);
    }

    #[test]
    fn a_control_frame_comes_out_as_it_went_in_and_holds_one_zero(
        kind: u8,
        body in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..=MAX_BODY),
    ) {
        let sent = frame(ControlKind(kind), &body);
        prop_assert_eq!(sent.iter().filter(|b| **b == 0).count(), 1);
        prop_assert_eq!(decode(&sent), [Seen::Control(ControlKind(kind), body)]);
    }

    #[test]
    fn a_flipped_bit_in_a_control_frame_never_gives_a_control_frame(
        body in prop::collection::vec(any::<u8>(), 0..40), at in 2usize..40, bit in 0u8..8,
    ) {
        let mut sent = frame(ControlKind::JSON, &body);
        let at = 2 + at % (sent.len() - 2);
        sent[at] ^= 1 << bit;
        sent.push(0);
        let survived = decode(&sent).iter().any(|seen| matches!(seen, Seen::Control(..)));
        prop_assert!(!survived);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_never_grow(bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(0xff), Just(1), any::<u8>()], 0..700)) {
        let events = decode(&bytes).len();
        prop_assert!(events <= bytes.len());
    }
}

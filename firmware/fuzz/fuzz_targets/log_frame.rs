//! Fuzz target: the serial stream and the records in it.
//!
//! Claims: any bytes give at most one event each; whatever came before, two zero
//! bytes and a control frame later the reader is in step; what is encoded is
//! decoded; records that are accepted stay within their bounds.
#![no_main]

use abi::epitaph::Epitaph;
use abi::log_frame::{
    Channel, ControlKind, Decoder, Event, Hello, MAX_BODY, MAX_CONTROL, control, select, text,
};
use libfuzzer_sys::fuzz_target;

type Stream = Decoder<512>;

fuzz_target!(|input: &[u8]| {
    let mut decoder = Stream::new();
    for &byte in input {
        if let Some(Event::Defmt(frame) | Event::Control(_, frame)) = decoder.push(byte) {
            assert!(frame.len() <= input.len());
        }
    }
    decoder.push(0);
    decoder.push(0);
    round_trip(&mut decoder, input);

    if let Some(hello) = Hello::read(input) {
        assert!(hello.build_id().len() <= usize::from(hello.build_id_len));
        assert_eq!(
            Hello::new(hello.build_id(), hello.tsc_khz).build_id(),
            hello.build_id()
        );
    }
    if let Some(epitaph) = Epitaph::read(input) {
        assert!(epitaph.exits().len() <= input.len() && epitaph.code().len() <= input.len());
    }
});

fn round_trip(decoder: &mut Stream, input: &[u8]) {
    let (&[kind, channel], body) = match input.split_first_chunk() {
        Some((head, body)) => (head, &body[..body.len().min(MAX_BODY)]),
        None => (&[0, 0], input),
    };
    let mut frame = [0; MAX_CONTROL];
    let frame = control(ControlKind(kind), body, &mut frame).expect("a body that fits");
    let (&end, start) = frame.split_last().expect("a frame");
    assert!(start.iter().all(|&byte| decoder.push(byte).is_none()));
    assert_eq!(
        decoder.push(end),
        Some(Event::Control(ControlKind(kind), body))
    );

    let channel = Channel::partition(channel % 15).expect("a partition");
    assert!(
        select(channel)
            .iter()
            .all(|&byte| decoder.push(byte).is_none())
    );
    let mut came = Vec::new();
    for byte in text(body) {
        match decoder.push(byte) {
            Some(Event::Text(whose, byte)) => {
                assert_eq!(whose, channel);
                came.push(byte);
            }
            Some(event) => panic!("{event:?}"),
            None => {}
        }
    }
    assert_eq!(came, body);
    let mut long = [0; MAX_CONTROL];
    assert!(control(ControlKind(kind), &[0; MAX_BODY + 1], &mut long).is_none());
}

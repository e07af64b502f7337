//! IOAPIC: registers, edges, levels, masks and ends.
#![cfg(not(any(loom, shuttle)))]

use hvcore::device::ioapic::IoApic;
use hvcore::ids::Vector;
use hvcore::lapic::destination::Destination;
use hvcore::lapic::icr::Message;
use proptest::prelude::*;
use svm::apic::DeliveryMode;

const LEVEL: u64 = 1 << 15;
const MASKED: u64 = 1 << 16;
const REMOTE_IRR: u64 = 1 << 14;

fn write(ioapic: &mut IoApic, index: u8, value: u32) -> Option<Message> {
    assert_eq!(ioapic.write(0x00, index.into()), None);
    ioapic.write(0x10, value)
}

fn read(ioapic: &mut IoApic, index: u8) -> u32 {
    assert_eq!(ioapic.write(0x00, index.into()), None);
    ioapic.read(0x10)
}

/// High half first and masked, as drivers do.
fn program(ioapic: &mut IoApic, pin: u8, entry: u64) -> Option<Message> {
    let early = write(ioapic, 0x11 + 2 * pin, (entry >> 32) as u32);
    assert_eq!(early, None);
    write(ioapic, 0x10 + 2 * pin, entry as u32)
}

fn entry(ioapic: &mut IoApic, pin: u8) -> u64 {
    let low = read(ioapic, 0x10 + 2 * pin);
    u64::from(read(ioapic, 0x11 + 2 * pin)) << 32 | u64::from(low)
}

fn ended(ioapic: &mut IoApic, vector: u8) -> Vec<Message> {
    let mut sent = Vec::new();
    ioapic.end(Vector(vector), |message| sent.push(message));
    sent
}

/// PLT-51.
#[test]
fn twenty_four_masked_pins_are_announced_at_power_up() {
    let mut ioapic = IoApic::new();
    assert_eq!(read(&mut ioapic, 0x01), 0x0017_0011);
    for pin in 0..24 {
        assert_eq!(entry(&mut ioapic, pin), MASKED);
    }
    assert_eq!(write(&mut ioapic, 0x00, 0xFFFF_FFFF), None);
    assert_eq!(read(&mut ioapic, 0x00), 0x0F00_0000);
    assert_eq!(read(&mut ioapic, 0x02), 0x0F00_0000);
}

#[test]
fn every_index_and_offset_is_harmless_and_only_entries_keep_writes() {
    for index in 0..=255 {
        let mut ioapic = IoApic::new();
        assert_eq!(write(&mut ioapic, index, 0xFFFF_FFFF), None);
        let expected = match index {
            0x00 | 0x02 if index == 0 => 0x0F00_0000,
            0x01 => 0x0017_0011,
            0x10..0x40 if index & 1 == 0 => 0x0001_AFFF,
            0x10..0x40 => 0xFF00_0000,
            _ => 0,
        };
        assert_eq!(ioapic.read(0x10), expected, "index {index:#x}");
        assert_eq!(ioapic.read(0x00), index.into());
    }
    let mut ioapic = IoApic::new();
    for offset in (0..0x1000).filter(|&offset| offset != 0 && offset != 0x10) {
        assert_eq!(ioapic.write(offset, 0xFFFF_FFFF), None);
        assert_eq!(ioapic.read(offset), 0);
    }
    assert_eq!(ioapic.set_line(24, true), None);
    assert_eq!(ioapic.set_line(255, true), None);
}

/// PLT-51: the console's case.
#[test]
fn an_edge_sends_the_programmed_message_once() {
    let mut ioapic = IoApic::new();
    assert_eq!(program(&mut ioapic, 4, 0x0300_0000_0000_0034), None);
    let message = Message {
        destination: Destination::Physical(3),
        mode: DeliveryMode::Fixed,
        vector: Vector(0x34),
        level: false,
    };
    assert_eq!(ioapic.set_line(4, true), Some(message));
    assert_eq!(ioapic.set_line(4, true), None);
    assert_eq!(ioapic.set_line(4, false), None);
    assert_eq!(ioapic.set_line(4, true), Some(message));
    assert_eq!(ended(&mut ioapic, 0x34), []);
    assert_eq!(entry(&mut ioapic, 4) & REMOTE_IRR, 0);
}

#[test]
fn a_logical_lowest_priority_entry_says_so_in_its_message() {
    let mut ioapic = IoApic::new();
    program(&mut ioapic, 9, 0x0F00_0000_0000_0941);
    let message = ioapic.set_line(9, true);
    assert_eq!(
        message.map(|m| m.destination),
        Some(Destination::Logical(0x0F))
    );
    assert_eq!(message.map(|m| m.mode), Some(DeliveryMode::LowestPriority));
}

#[test]
fn an_edge_on_a_masked_pin_is_lost_and_counted() {
    let mut ioapic = IoApic::new();
    program(&mut ioapic, 4, MASKED | 0x34);
    assert_eq!(ioapic.set_line(4, true), None);
    assert_eq!(program(&mut ioapic, 4, 0x34), None);
    assert_eq!(ioapic.lost_edges(), 1);
    assert_eq!(ioapic.set_line(4, false), None);
    assert!(ioapic.set_line(4, true).is_some());
}

#[test]
fn a_level_asserted_while_masked_interrupts_at_the_unmasking() {
    let mut ioapic = IoApic::new();
    program(&mut ioapic, 10, MASKED | LEVEL | 0x50);
    assert_eq!(ioapic.set_line(10, true), None);
    assert!(program(&mut ioapic, 10, LEVEL | 0x50).is_some_and(|m| m.level));
    assert_eq!(ioapic.lost_edges(), 0);
}

#[test]
fn a_level_interrupts_again_after_its_end_as_long_as_it_is_asserted() {
    let mut ioapic = IoApic::new();
    program(&mut ioapic, 10, LEVEL | 0x50);
    let first = ioapic.set_line(10, true);
    assert!(first.is_some());
    assert_ne!(entry(&mut ioapic, 10) & REMOTE_IRR, 0);
    assert_eq!(ioapic.set_line(10, false), None);
    assert_eq!(
        ioapic.set_line(10, true),
        None,
        "the CPU still works on the first"
    );
    assert_eq!(ended(&mut ioapic, 0x51), []);
    assert_eq!(ended(&mut ioapic, 0x50), Vec::from_iter(first));
    assert_eq!(ioapic.set_line(10, false), None);
    assert_eq!(ended(&mut ioapic, 0x50), []);
    assert_eq!(entry(&mut ioapic, 10) & REMOTE_IRR, 0);
}

#[test]
fn a_level_masked_in_service_waits_for_the_unmasking_after_its_end() {
    let mut ioapic = IoApic::new();
    program(&mut ioapic, 10, LEVEL | 0x50);
    assert!(ioapic.set_line(10, true).is_some());
    assert_eq!(program(&mut ioapic, 10, MASKED | LEVEL | 0x50), None);
    assert_eq!(ended(&mut ioapic, 0x50), []);
    assert!(program(&mut ioapic, 10, LEVEL | 0x50).is_some());
}

#[test]
fn two_pins_with_one_vector_both_answer_its_end() {
    let mut ioapic = IoApic::new();
    for pin in [10, 11] {
        program(&mut ioapic, pin, LEVEL | 0x50 | u64::from(pin) << 56);
        assert!(ioapic.set_line(pin, true).is_some());
    }
    let again: Vec<_> = ended(&mut ioapic, 0x50)
        .iter()
        .map(|m| m.destination)
        .collect();
    assert_eq!(
        again,
        [Destination::Physical(10), Destination::Physical(11)]
    );
}

/// Linux frees a pin left in service by a crashed kernel that way.
#[test]
fn a_moment_as_edge_pin_clears_remote_irr() {
    let mut ioapic = IoApic::new();
    program(&mut ioapic, 10, LEVEL | 0x50);
    assert!(ioapic.set_line(10, true).is_some());
    assert_eq!(program(&mut ioapic, 10, MASKED | 0x50), None);
    assert_eq!(program(&mut ioapic, 10, MASKED | LEVEL | 0x50), None);
    assert_eq!(entry(&mut ioapic, 10) & REMOTE_IRR, 0);
    assert!(program(&mut ioapic, 10, LEVEL | 0x50).is_some());
}

#[test]
fn a_level_nmi_does_not_wait_for_an_end_that_never_comes() {
    let mut ioapic = IoApic::new();
    program(&mut ioapic, 10, LEVEL | 0x400);
    assert_eq!(
        ioapic.set_line(10, true).map(|m| m.mode),
        Some(DeliveryMode::Nmi)
    );
    assert_eq!(entry(&mut ioapic, 10) & REMOTE_IRR, 0);
}

#[derive(Clone, Debug)]
enum Step {
    Line(bool),
    Program(u64),
    End,
}

proptest! {
    /// One pin, any order: an unmasked, asserted level pin always has a message
    /// out, and never two.
    #[test]
    fn an_asserted_level_is_in_a_cpus_hands_exactly_when_unmasked(
        steps in proptest::collection::vec(prop_oneof![
            any::<bool>().prop_map(Step::Line),
            any::<bool>().prop_map(|masked| Step::Program(
                LEVEL | 0x66 | if masked { MASKED } else { 0 })),
            Just(Step::End),
        ], 0..100)
    ) {
        let mut ioapic = IoApic::new();
        let mut asserted = false;
        let mut unmasked = false;
        let mut outstanding = 0u32;
        for step in steps {
            let sent = match step {
                Step::Line(level) => {
                    asserted = level;
                    ioapic.set_line(7, level).is_some() as u32
                }
                Step::Program(value) => {
                    unmasked = value & MASKED == 0;
                    program(&mut ioapic, 7, value).is_some() as u32
                }
                Step::End => {
                    outstanding = 0;
                    ended(&mut ioapic, 0x66).len() as u32
                }
            };
            outstanding += sent;
            prop_assert!(outstanding <= 1);
            prop_assert!(outstanding == 1 || !(asserted && unmasked));
            prop_assert_eq!(entry(&mut ioapic, 7) & REMOTE_IRR != 0, outstanding == 1);
        }
    }
}

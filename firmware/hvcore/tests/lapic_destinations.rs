//! Interrupt messages: every way to name targets, against a slow reference.
#![cfg(not(any(loom, shuttle)))]

use hvcore::ids::{VcpuId, Vector};
use hvcore::lapic::destination::{Destination, Targets};
use hvcore::lapic::icr::{self, Delivery, Message, Resolved};
use hvcore::lapic::page::RegisterPage;
use proptest::prelude::*;
use svm::apic::{DeliveryMode, Icr, Register};

/// One vCPU as a test describes it: id, LDR byte, DFR model, APIC enabled.
type Seat = Option<(u8, u8, u8, bool)>;

struct Partition(Vec<Option<Box<RegisterPage>>>);

impl Partition {
    fn seat(seats: &[Seat]) -> Self {
        let page = |&(id, ldr, dfr, enabled): &(u8, u8, u8, bool)| {
            let page = Box::new(RegisterPage::new());
            page.reset(id);
            page.store(Register::LDR, u32::from(ldr) << 24);
            page.store(Register::DFR, u32::from(dfr) << 28 | 0x0FFF_FFFF);
            page.store(Register::SVR, if enabled { 0x1FF } else { 0xFF });
            page
        };
        Self(seats.iter().map(|seat| seat.as_ref().map(page)).collect())
    }

    fn page_of(&self, vcpu: VcpuId) -> Option<&RegisterPage> {
        self.0.get(usize::from(vcpu.0))?.as_deref()
    }

    fn resolve(&self, icr: Icr, sender: u8) -> Resolved {
        let count = self.0.len() as u8;
        icr::resolve(icr, VcpuId(sender), |vcpu| self.page_of(vcpu), count)
    }
}

/// Bit by bit from the manual's prose, with no sharing and no shortcut.
fn reference(icr: u64, sender: usize, seats: &[Seat]) -> Option<(Vec<usize>, u64)> {
    let field = |low: u32, width: u32| (icr >> low) & ((1 << width) - 1);
    let (vector, mode, dest) = (field(0, 8), field(8, 3), field(56, 8) as u8);
    if mode <= 1 && vector < 16 || matches!(mode, 2 | 3 | 7) {
        return None;
    }
    if field(15, 1) == 1 && field(14, 1) == 0 {
        return None;
    }
    if matches!(mode, 5 | 6) && matches!(field(18, 2), 1 | 2) {
        return None;
    }
    let mut targets = Vec::new();
    for (number, seat) in seats.iter().enumerate() {
        let Some((id, ldr, dfr, _)) = *seat else {
            continue;
        };
        let by_mask = match dfr {
            15 => (0..8).any(|bit| ldr >> bit & 1 == 1 && dest >> bit & 1 == 1),
            0 => ldr / 16 == dest / 16 && (0..4).any(|bit| ldr >> bit & dest >> bit & 1 == 1),
            _ => false,
        };
        let named = match field(18, 2) {
            0 if dest == 255 => true,
            0 if field(11, 1) == 0 => id == dest,
            0 => by_mask,
            1 => number == sender,
            2 => true,
            _ => number != sender,
        };
        if named {
            targets.push(number);
        }
    }
    if mode == 1 {
        targets.retain(|&number| seats[number].is_some_and(|seat| seat.3));
        targets.truncate(1);
    }
    Some((targets, mode))
}

fn check(icr: u64, sender: usize, seats: &[Seat], partition: &Partition) {
    let resolved = partition.resolve(Icr(icr), sender as u8);
    match (resolved, reference(icr, sender, seats)) {
        (Resolved::Deliver(targets, delivery), Some((expected, mode))) => {
            let found: Vec<usize> = targets.into_iter().map(|v| usize::from(v.0)).collect();
            assert_eq!(found, expected, "icr {icr:#x}");
            let kind = match delivery {
                Delivery::Fixed { vector, level } => {
                    assert_eq!((vector.0, level), (icr as u8, icr >> 15 & 1 == 1));
                    mode <= 1
                }
                Delivery::Nmi => mode == 4,
                Delivery::Init => mode == 5,
                Delivery::StartUp(page) => mode == 6 && page == icr as u8,
            };
            assert!(kind, "icr {icr:#x} gives {delivery:?}");
        }
        (Resolved::Ignored, None) => assert!(!Icr(icr).illegal_vector()),
        (Resolved::IllegalVector, None) => assert!(Icr(icr).illegal_vector()),
        (resolved, expected) => panic!("icr {icr:#x}: {resolved:?}, expected {expected:?}"),
    }
}

fn four_flat() -> Vec<Seat> {
    (0..4).map(|n| Some((n, 1 << n, 15, true))).collect()
}

/// Two clusters of three, and the seat between them empty.
fn two_clusters() -> Vec<Seat> {
    let mut seats: Vec<Seat> = Vec::new();
    for n in 0..3 {
        seats.push(Some((n, 1 << n, 0, true)));
    }
    seats.push(None);
    for n in 0..3 {
        seats.push(Some((n + 4, 0x10 | 1 << n, 0, n != 0)));
    }
    seats
}

/// Every low half that differs in a meaningful bit, for every destination.
#[test]
fn every_mode_shorthand_and_destination_resolves_as_the_reference() {
    for seats in [four_flat(), two_clusters()] {
        let partition = Partition::seat(&seats);
        for destination in 0..=255u64 {
            for control in 0..0x400u64 {
                // mode, logical | assert, trigger | shorthand | vector 15 or 16
                let low = (control & 0xF) << 8
                    | (control >> 4 & 3) << 14
                    | (control >> 6 & 3) << 18
                    | (15 + (control >> 8 & 1));
                check(destination << 56 | low, 1, &seats, &partition);
            }
        }
    }
}

/// H-39, AVIC-30 cause 2: holes and mismatches do not hide the others.
#[test]
fn a_hole_among_the_targets_loses_none_of_the_others() {
    let mut seats = four_flat();
    seats[1] = None;
    let partition = Partition::seat(&seats);
    for (icr, expected) in [
        (0xFFu64 << 56 | 0x40, 0b1101),
        (0x0Fu64 << 56 | 0x840, 0b1101),
        (0xC_0040, 0b1100),
        (0x8_0040, 0b1101),
    ] {
        let resolved = partition.resolve(Icr(icr), 0);
        assert!(matches!(resolved, Resolved::Deliver(Targets(set), _) if set == expected));
    }
}

#[test]
fn two_vcpus_with_one_id_both_get_the_message() {
    let mut seats = four_flat();
    seats[3] = Some((2, 8, 15, true));
    let resolved = Partition::seat(&seats).resolve(Icr(2 << 56 | 0x40), 0);
    assert!(matches!(resolved, Resolved::Deliver(Targets(0b1100), _)));
}

/// PLT-10: what Linux sends to start a CPU.
#[test]
fn init_asserts_deassert_does_nothing_and_start_up_names_a_page() {
    let partition = Partition::seat(&four_flat());
    let to_two = 2u64 << 56;
    let deliver = |delivery| Resolved::Deliver(Targets(0b100), delivery);
    assert_eq!(
        partition.resolve(Icr(to_two | 0xC500), 0),
        deliver(Delivery::Init)
    );
    assert_eq!(
        partition.resolve(Icr(to_two | 0x8500), 0),
        Resolved::Ignored
    );
    assert_eq!(
        partition.resolve(Icr(to_two | 0x069A), 0),
        deliver(Delivery::StartUp(0x9A))
    );
}

#[test]
fn lowest_priority_skips_a_disabled_apic() {
    let mut seats = four_flat();
    seats[0] = Some((0, 1, 15, false));
    let resolved = Partition::seat(&seats).resolve(Icr(0xFF << 56 | 0x940), 3);
    assert!(matches!(resolved, Resolved::Deliver(Targets(0b10), _)));
}

#[test]
fn thirty_two_vcpus_fit_and_a_greater_count_is_clamped() {
    let seats: Vec<Seat> = (0..40).map(|n| Some((n, 0, 15, true))).collect();
    let resolved = Partition::seat(&seats).resolve(Icr(0x8_0040), 0);
    assert!(matches!(resolved, Resolved::Deliver(Targets(u32::MAX), _)));
    assert_eq!(Targets::one(VcpuId(32)), Targets::NONE);
    assert_eq!(Targets::first(40), Targets(u32::MAX));
    assert_eq!(Targets::first(3), Targets(7));
    assert!(Targets(4).contains(VcpuId(2)) && !Targets(4).contains(VcpuId(34)));
}

#[test]
fn a_device_message_is_routed_by_its_own_mode() {
    let partition = Partition::seat(&two_clusters());
    let route = |destination, mode| {
        let message = Message {
            destination,
            mode,
            vector: Vector(0x51),
            level: true,
        };
        icr::route(message, |vcpu| partition.page_of(vcpu), 7)
    };
    let fixed = Delivery::Fixed {
        vector: Vector(0x51),
        level: true,
    };
    let in_cluster_one = Destination::Logical(0x17);
    assert_eq!(
        route(in_cluster_one, DeliveryMode::Fixed),
        Resolved::Deliver(Targets(0b111_0000), fixed)
    );
    assert_eq!(
        route(in_cluster_one, DeliveryMode::LowestPriority),
        Resolved::Deliver(Targets(0b10_0000), fixed)
    );
    assert_eq!(
        route(Destination::Physical(4), DeliveryMode::Nmi),
        Resolved::Deliver(Targets(0b1_0000), Delivery::Nmi)
    );
    for mode in [
        DeliveryMode::Smi,
        DeliveryMode::ExtInt,
        DeliveryMode::StartUp,
    ] {
        assert_eq!(route(Destination::Physical(0), mode), Resolved::Ignored);
    }
}

proptest! {
    /// H-40: any ICR value, any set of vCPUs, any registers in them.
    #[test]
    fn any_icr_value_resolves_as_the_reference(
        icr in any::<u64>(),
        seats in proptest::collection::vec(
            proptest::option::weighted(0.8, (0u8..34, any::<u8>(),
                prop_oneof![Just(15u8), Just(0), 0u8..16], any::<bool>())), 1..32),
        destination in 0u64..40,
        sender in any::<prop::sample::Index>(),
    ) {
        // A message comes from a vCPU that exists.
        let mut seats = seats;
        let sender = sender.index(seats.len());
        seats[sender].get_or_insert((sender as u8, 0, 15, true));
        let partition = Partition::seat(&seats);
        check(icr, sender, &seats, &partition);
        check(icr & !(0xFF << 56) | destination << 56, sender, &seats, &partition);
    }
}

//! The paravirtual clock seen from the guest's side.
#![allow(missing_docs)]

#[allow(dead_code)]
mod platform_ram;

use hvcore::clock::kvmclock::{ClockFault, PartitionClock, Scale, SystemTimePage};
use hvcore::ids::Tsc;
use platform_ram::Ram;
use proptest::prelude::*;

const HZ: u64 = 2_445_000_000;
const ORIGIN: u64 = 0x1_2345_6789;
const EPOCH: u64 = 1_767_225_600_123_456_789;

fn clock() -> PartitionClock {
    PartitionClock::start(Scale::of_tsc(HZ).unwrap(), Tsc(ORIGIN), EPOCH, true)
}

/// What Linux makes of the factors (kHz).
fn khz_as_linux_computes_it(scale: Scale) -> u64 {
    let khz = (1_000_000_u64 << 32) / u64::from(scale.mul);
    if scale.shift < 0 {
        khz << -scale.shift
    } else {
        khz >> scale.shift
    }
}

/// PLT-30, PLT-31: odd version first, even version last, every store 32 bits
/// wide, all 32 bytes written, the odd number one below the even one.
#[test]
fn the_page_is_written_between_an_odd_and_an_even_version() {
    let (ram, mut page) = (Ram::new(0x4000), SystemTimePage::new());
    page.write_msr(&ram, &clock(), 0x1004 | 1).unwrap();
    let stores = ram.take_stores();
    let (first, last) = (stores[0], stores[stores.len() - 1]);
    assert_eq!((first.0, last.0), (0x1004, 0x1004));
    assert_eq!(first.1 % 2, 1);
    assert_eq!(last.1, first.1 + 1);
    let body: Vec<u64> = stores[1..stores.len() - 1]
        .iter()
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(body, (1..8).map(|i| 0x1004 + 4 * i).collect::<Vec<_>>());
}

/// PLT-31: a reader that saw the old version sees another one afterwards, also
/// when the guest has scribbled over it.
#[test]
fn every_rewrite_changes_the_version() {
    let (ram, mut page) = (Ram::new(0x4000), SystemTimePage::new());
    page.write_msr(&ram, &clock(), 0x1001).unwrap();
    let before = ram.u32(0x1000);
    page.tell_stopped(&ram, &clock()).unwrap();
    assert_eq!(ram.u32(0x1000), before + 2);
    page.write_msr(&ram, &clock(), 0x1001).unwrap();
    assert_eq!(ram.u32(0x1000), before + 4);
}

/// PLT-33: two vCPUs show bit for bit the same line, marked stable.
#[test]
fn all_vcpus_share_one_reference() {
    let ram = Ram::new(0x4000);
    for at in [0x1000, 0x2000] {
        SystemTimePage::new()
            .write_msr(&ram, &clock(), at | 1)
            .unwrap();
    }
    assert_eq!(ram.bytes(0x1000, 32), ram.bytes(0x2000, 32));
    assert_eq!(ram.bytes(0x1000 + 29, 1), [1]);
    assert_eq!(ram.u64(0x1008), ORIGIN);
    assert_eq!(ram.u64(0x1010), 0);
}

#[test]
fn an_unstable_tsc_is_not_called_stable() {
    let ram = Ram::new(0x2000);
    let clock = PartitionClock::start(Scale::of_tsc(HZ).unwrap(), Tsc(0), 0, false);
    SystemTimePage::new()
        .write_msr(&ram, &clock, 0x1001)
        .unwrap();
    assert_eq!(ram.bytes(0x1000 + 29, 1), [0]);
}

/// PLT-35: a guest that was stopped is told, once per stop.
#[test]
fn a_stop_is_told_in_the_flags_and_forgotten_on_registration() {
    let (ram, mut page) = (Ram::new(0x4000), SystemTimePage::new());
    page.write_msr(&ram, &clock(), 0x1001).unwrap();
    page.tell_stopped(&ram, &clock()).unwrap();
    assert_eq!(ram.bytes(0x1000 + 29, 1), [3]);
    page.write_msr(&ram, &clock(), 0x1001).unwrap();
    assert_eq!(ram.bytes(0x1000 + 29, 1), [1]);
}

/// PLT-36: after a write without bit 0 nothing touches the page any more.
#[test]
fn disarming_takes_effect_at_once() {
    let (ram, mut page) = (Ram::new(0x4000), SystemTimePage::new());
    page.write_msr(&ram, &clock(), 0x1001).unwrap();
    page.write_msr(&ram, &clock(), 0x1000).unwrap();
    let before = ram.snapshot();
    page.tell_stopped(&ram, &clock()).unwrap();
    assert!(before == ram.snapshot());
    assert_eq!((page.msr(), page.address()), (0x1000, None));
}

/// PLT-30, H-15: a page outside RAM, across its end, or misaligned is refused,
/// and the page registered before stays in force.
#[test]
fn a_refused_address_changes_nothing() {
    let (ram, mut page) = (Ram::new(0x4000), SystemTimePage::new());
    page.write_msr(&ram, &clock(), 0x1001).unwrap();
    let (before, memory) = (page, ram.snapshot());
    for (value, fault) in [
        (0x3FE4 | 1, ClockFault::NotRam),
        (0x4000 | 1, ClockFault::NotRam),
        (0xFFFF_FFFF_FFFF_FFFC | 1, ClockFault::NotRam),
        (0x1002 | 1, ClockFault::Misaligned),
    ] {
        assert_eq!(
            page.write_msr(&ram, &clock(), value),
            Err(fault),
            "{value:#x}"
        );
        assert_eq!(page, before);
        assert!(memory == ram.snapshot());
    }
    assert_eq!(page.write_msr(&ram, &clock(), 0x3FE0 | 1), Ok(()));
}

/// PLT-30: version, seconds, nanoseconds; a second write gives a new version.
#[test]
fn the_wall_clock_is_written_once_per_request() {
    let ram = Ram::new(0x4000);
    clock().write_wall_clock(&ram, 0x800).unwrap();
    let stores = ram.take_stores();
    assert_eq!(stores.len(), 4);
    assert_eq!(stores[0].1 % 2, 1);
    assert_eq!(stores[3], (0x800, stores[0].1 + 1));
    assert_eq!(
        (ram.u32(0x804), ram.u32(0x808)),
        (1_767_225_600, 123_456_789)
    );
    clock().write_wall_clock(&ram, 0x800).unwrap();
    assert_eq!(ram.u32(0x800), stores[3].1 + 2);
}

#[test]
fn a_wall_clock_outside_ram_is_refused() {
    let ram = Ram::new(0x4000);
    let before = ram.snapshot();
    assert_eq!(
        clock().write_wall_clock(&ram, 0x3FF8),
        Err(ClockFault::NotRam)
    );
    assert_eq!(
        clock().write_wall_clock(&ram, 0x802),
        Err(ClockFault::Misaligned)
    );
    assert_eq!(clock().write_wall_clock(&ram, 0), Ok(()));
    assert!(before == ram.snapshot());
}

/// PLT-32: known machines.
#[test]
fn linux_computes_the_frequency_back() {
    for khz in [
        1_000_000_u64,
        1_000_001,
        998_154,
        2_000_000,
        2_445_000,
        3_699_998,
        5_700_000,
    ] {
        let scale = Scale::of_tsc(khz * 1000).unwrap();
        assert!(
            khz.abs_diff(khz_as_linux_computes_it(scale)) <= 4,
            "{khz} {scale:?}"
        );
    }
}

#[test]
fn absurd_frequencies_have_no_scale() {
    assert_eq!(Scale::of_tsc(0), None);
    assert_eq!(Scale::of_tsc(999_999), None);
    assert_eq!(Scale::of_tsc(u64::MAX), None);
}

proptest! {
    /// PLT-32: every frequency has a scale of full precision, and an hour by the
    /// guest's formula is an hour within 2 ns per second.
    #[test]
    fn an_hour_is_an_hour(hz in 1_000_000_u64..=100_000_000_000) {
        let scale = Scale::of_tsc(hz).unwrap();
        prop_assert!(scale.mul >= 1 << 31);
        let hour = scale.nanoseconds(hz * 3600);
        prop_assert!(hour.abs_diff(3_600_000_000_000) <= 2 * 3600 + 1000);
    }

    /// PLT-33: time does not go backwards as the TSC goes on.
    #[test]
    fn time_is_monotonic(hz in 1_000_000_u64..=100_000_000_000, at in 0..1_u64 << 48, step in 0..1_u64 << 40) {
        let clock = PartitionClock::start(Scale::of_tsc(hz).unwrap(), Tsc(77), 0, true);
        prop_assert!(clock.at(Tsc(77 + at)) <= clock.at(Tsc(77 + at + step)));
    }
}

//! APIC timer: modes, huge pauses, and an account that always adds up.
#![cfg(not(any(loom, shuttle)))]

use hvcore::ids::{Tsc, Vector};
use hvcore::lapic::page::RegisterPage;
use hvcore::lapic::registers::{self, Action};
use hvcore::lapic::timer::{ATTENTION_NS, Account, Expired, Timer};
use proptest::prelude::*;
use svm::apic::Register;

const ONE_SHOT: u32 = 0xEC;
const PERIODIC: u32 = 0x2_00EC;
const DEADLINE: u32 = 0x4_00EC;
const MASKED: u32 = 0x1_0000;
const DIVIDE_BY_1: u32 = 0xB;

struct Bench {
    page: Box<RegisterPage>,
    timer: Timer,
}

impl Bench {
    /// An enabled APIC with the given timer entry and the divider at 1.
    fn new(tsc_hz: u64, entry: u32) -> Self {
        let page = Box::new(RegisterPage::new());
        page.reset(0);
        let timer = Timer::new(tsc_hz);
        let mut bench = Self { page, timer };
        bench.write(Register::SVR, 0x1FF, 0);
        bench.write(Register::TDCR, DIVIDE_BY_1, 0);
        bench.write(Register::LVT_TIMER, entry, 0);
        bench
    }

    fn write(&mut self, at: Register, value: u32, now: u64) {
        let action = registers::write(&self.page, &mut self.timer, at.0, value, Tsc(now));
        assert_ne!(action, Action::Refused);
    }

    fn count(&self, now: u64) -> u32 {
        registers::read(&self.page, &self.timer, Register::TMCCT.0, Tsc(now))
    }

    fn initial(&self) -> u32 {
        registers::read(&self.page, &self.timer, Register::TMICT.0, Tsc(0))
    }

    fn expire(&mut self, now: u64) -> Expired {
        self.timer.expire(&self.page, Tsc(now))
    }

    fn set_deadline(&mut self, value: u64, now: u64) {
        self.timer.set_tsc_deadline(&self.page, value, Tsc(now));
    }

    fn pending(&self) -> bool {
        self.page.highest_irr() == Some(Vector(0xEC))
    }

    fn take(&self) {
        assert!(self.page.accept(Vector(0xEC)));
    }
}

#[test]
fn a_one_shot_fires_once_and_not_a_cycle_early() {
    let mut bench = Bench::new(2_000_000_000, ONE_SHOT);
    bench.write(Register::TMICT, 1000, 100);
    assert_eq!(bench.timer.deadline(), Some(Tsc(2100)));
    assert_eq!(bench.expire(2099), Expired::default());
    assert_eq!(bench.count(2099), 1);
    assert_eq!(bench.count(2100), 0);
    assert!(bench.expire(2100).newly_pending && bench.pending());
    assert_eq!(bench.timer.deadline(), None);
    assert_eq!(bench.expire(u64::MAX), Expired::default());
}

#[test]
fn the_current_count_falls_from_the_initial_count_at_one_gigahertz_over_the_divider() {
    for (tdcr, divider) in [
        (0xB, 1),
        (0, 2),
        (1, 4),
        (2, 8),
        (3, 16),
        (8, 32),
        (9, 64),
        (10, 128),
    ] {
        let mut bench = Bench::new(3_000_000_000, ONE_SHOT);
        bench.write(Register::TDCR, tdcr, 0);
        bench.write(Register::TMICT, 5000, 0);
        assert_eq!(bench.count(0), 5000);
        assert_eq!(bench.count(3 * divider * 1200), 3800, "divider {divider}");
        assert_eq!(bench.timer.deadline(), Some(Tsc(3 * divider * 5000)));
    }
}

#[test]
fn a_new_divider_stretches_what_remains() {
    let mut bench = Bench::new(1_000_000_000, PERIODIC);
    bench.write(Register::TMICT, 100_000, 0);
    bench.write(Register::TDCR, 0, 40_000);
    assert_eq!(bench.count(40_000), 60_000);
    assert_eq!(bench.timer.deadline(), Some(Tsc(160_000)));
    assert_eq!(bench.expire(160_000).due, 1);
    assert_eq!(bench.timer.deadline(), Some(Tsc(360_000)));
}

#[test]
fn a_zero_count_stops_the_timer() {
    let mut bench = Bench::new(1_000_000_000, PERIODIC);
    bench.write(Register::TMICT, 100_000, 0);
    bench.write(Register::TMICT, 0, 10);
    assert_eq!(bench.timer.deadline(), None);
    assert_eq!(bench.count(20), 0);
}

#[test]
fn a_periodic_timer_keeps_its_phase_when_it_is_served_late() {
    let mut bench = Bench::new(1_000_000_000, PERIODIC);
    bench.write(Register::TMICT, 100_000, 0);
    for tick in 1..=50u64 {
        let late = tick * 1999 % 80_000;
        assert_eq!(bench.timer.deadline(), Some(Tsc(tick * 100_000)));
        assert!(bench.expire(tick * 100_000 + late).newly_pending);
        bench.take();
    }
    assert_eq!(bench.timer.account().delivered, 50);
}

/// H-37: the pause of a century costs one step, and every period is accounted.
#[test]
fn a_huge_pause_is_one_interrupt_and_an_exact_count_of_merged_ticks() {
    let mut bench = Bench::new(1_000_000_000, PERIODIC);
    bench.write(Register::TMICT, 1, 0);
    let century = 3_155_760_000_000_000_000;
    let expired = bench.expire(century);
    assert_eq!(expired.due, century);
    assert_eq!((expired.newly_pending, expired.merged), (true, century - 1));
    let next = bench.timer.deadline().map(|next| next.0);
    assert_eq!(
        next,
        Some(century + ATTENTION_NS),
        "leaves the guest time to run"
    );
    assert_eq!(bench.count(century + 7), 1);
    assert!(
        !bench.expire(u64::MAX).newly_pending,
        "first tick is not taken yet"
    );
    assert_eq!(bench.timer.account().due, u64::MAX);
}

#[test]
fn exactly_one_period_late_is_two_ticks() {
    let mut bench = Bench::new(1_000_000_000, PERIODIC);
    bench.write(Register::TMICT, 100_000, 0);
    assert_eq!(bench.expire(200_000).due, 2);
    assert_eq!(bench.timer.deadline(), Some(Tsc(300_000)));
}

#[test]
fn the_count_of_a_periodic_timer_reloads_before_its_tick_is_served() {
    let mut bench = Bench::new(1_000_000_000, PERIODIC);
    bench.write(Register::TMICT, 100_000, 0);
    assert_eq!(bench.count(100_000), 100_000);
    assert_eq!(bench.count(330_000), 70_000);
}

#[test]
fn ticks_meeting_an_untaken_request_are_merged_and_counted() {
    let mut bench = Bench::new(1_000_000_000, PERIODIC);
    bench.write(Register::TMICT, 100_000, 0);
    assert_eq!(bench.expire(350_000).merged, 2);
    assert_eq!(bench.expire(400_000).merged, 1);
    bench.take();
    assert!(bench.expire(500_000).newly_pending);
    let expected = Account {
        due: 5,
        delivered: 2,
        merged: 3,
        dropped: 0,
    };
    assert_eq!(bench.timer.account(), expected);
}

#[test]
fn a_masked_timer_runs_on_and_its_ticks_are_dropped_and_counted() {
    let mut bench = Bench::new(1_000_000_000, PERIODIC | MASKED);
    bench.write(Register::TMICT, 100_000, 0);
    assert_eq!(bench.expire(250_000).dropped, 2);
    assert!(!bench.pending());
    bench.write(Register::LVT_TIMER, PERIODIC, 260_000);
    assert_eq!(bench.count(260_000), 40_000);
    assert!(bench.expire(300_000).newly_pending);
}

#[test]
fn a_tick_due_before_the_entry_is_masked_is_delivered() {
    let mut bench = Bench::new(1_000_000_000, ONE_SHOT);
    bench.write(Register::TMICT, 1000, 0);
    bench.write(Register::LVT_TIMER, ONE_SHOT | MASKED, 1001);
    assert!(bench.pending());
}

#[test]
fn switching_between_count_modes_keeps_the_countdown() {
    let mut bench = Bench::new(1_000_000_000, ONE_SHOT);
    bench.write(Register::TMICT, 100_000, 0);
    bench.write(Register::LVT_TIMER, PERIODIC, 30_000);
    assert_eq!(bench.count(30_000), 70_000);
    assert_eq!(bench.expire(100_000).due, 1);
    assert_eq!(bench.timer.deadline(), Some(Tsc(200_000)));
    bench.write(Register::LVT_TIMER, ONE_SHOT, 110_000);
    assert_eq!(bench.expire(200_000).due, 1);
    assert_eq!(bench.timer.deadline(), None);
}

#[test]
fn entering_and_leaving_deadline_mode_disarms() {
    for other in [ONE_SHOT, PERIODIC] {
        let mut bench = Bench::new(1_000_000_000, other);
        bench.write(Register::TMICT, 100_000, 0);
        bench.write(Register::LVT_TIMER, DEADLINE, 10);
        assert_eq!(bench.timer.deadline(), None);
        assert_eq!((bench.initial(), bench.count(10)), (0, 0));
        bench.set_deadline(5_000, 20);
        assert_eq!(bench.timer.deadline(), Some(Tsc(5_000)));
        bench.write(Register::LVT_TIMER, other, 30);
        assert_eq!(bench.timer.deadline(), None);
        assert_eq!(bench.timer.tsc_deadline(), 0);
    }
}

/// PLT-07.
#[test]
fn a_deadline_fires_once_and_then_reads_zero() {
    let mut bench = Bench::new(1_000_000_000, DEADLINE);
    bench.set_deadline(1_000, 10);
    assert_eq!(bench.timer.tsc_deadline(), 1_000);
    assert_eq!(bench.expire(999).due, 0);
    assert!(bench.expire(1_000).newly_pending);
    assert_eq!(bench.timer.tsc_deadline(), 0);
    assert_eq!(bench.expire(2_000).due, 0);
}

/// PLT-07.
#[test]
fn a_deadline_in_the_past_fires_at_once_and_zero_disarms() {
    let mut bench = Bench::new(1_000_000_000, DEADLINE);
    bench.set_deadline(5, 1_000);
    assert!(bench.timer.deadline() <= Some(Tsc(1_000)));
    assert_eq!(bench.expire(1_000).due, 1);
    bench.take();
    bench.set_deadline(5_000, 1_000);
    bench.set_deadline(0, 1_001);
    assert_eq!(bench.expire(u64::MAX).due, 0);
}

#[test]
fn a_deadline_reached_before_it_is_replaced_is_not_lost() {
    let mut bench = Bench::new(1_000_000_000, DEADLINE);
    bench.set_deadline(1_000, 0);
    bench.set_deadline(9_000, 1_500);
    assert!(bench.pending());
    assert_eq!(bench.timer.deadline(), Some(Tsc(9_000)));
}

#[test]
fn counts_and_deadlines_do_not_reach_each_others_modes() {
    let mut bench = Bench::new(1_000_000_000, ONE_SHOT);
    bench.set_deadline(1_000, 0);
    assert_eq!(
        (bench.timer.deadline(), bench.timer.tsc_deadline()),
        (None, 0)
    );
    let mut bench = Bench::new(1_000_000_000, DEADLINE);
    bench.write(Register::TMICT, 77, 0);
    assert_eq!((bench.timer.deadline(), bench.initial()), (None, 0));
    let mut bench = Bench::new(1_000_000_000, 0x6_00EC);
    bench.write(Register::TMICT, 77, 0);
    bench.set_deadline(1_000, 0);
    assert_eq!((bench.timer.deadline(), bench.initial()), (None, 0));
}

#[test]
fn a_moved_tsc_keeps_countdowns_and_not_deadlines() {
    let mut bench = Bench::new(1_000_000_000, ONE_SHOT);
    bench.write(Register::TMICT, 1000, 500);
    bench.timer.tsc_moved(0u64.wrapping_sub(500));
    assert_eq!(bench.timer.deadline(), Some(Tsc(1000)));
    let mut bench = Bench::new(1_000_000_000, DEADLINE);
    bench.set_deadline(1_000, 0);
    bench.timer.tsc_moved(700);
    assert_eq!(bench.timer.deadline(), Some(Tsc(1000)));
}

#[test]
fn reset_disarms_and_keeps_the_account() {
    let mut bench = Bench::new(1_000_000_000, ONE_SHOT);
    bench.write(Register::TMICT, 10, 0);
    assert_eq!(bench.expire(10).due, 1);
    bench.write(Register::TMICT, 10, 20);
    bench.page.init();
    bench.timer.reset();
    assert_eq!(bench.timer.deadline(), None);
    assert_eq!(bench.timer.account().due, 1);
}

proptest! {
    /// Any TSC frequency, any count: the moment is right to one part in a
    /// billion and two cycles, and nothing overflows.
    #[test]
    fn a_countdown_lasts_its_nominal_time(
        tsc_hz in 1_000_000u64..10_000_000_000,
        count in 1u32..,
        code in 0u32..8,
    ) {
        let mut bench = Bench::new(tsc_hz, ONE_SHOT);
        bench.write(Register::TDCR, (code & 4) << 1 | code & 3, 0);
        bench.write(Register::TMICT, count, 0);
        let divider = 1u128 << ((code + 1) % 8);
        let nominal = u128::from(count) * divider * u128::from(tsc_hz) / 1_000_000_000;
        let armed = bench.timer.deadline().map_or(0, |at| u128::from(at.0));
        prop_assert!(armed <= nominal.max(1));
        prop_assert!(nominal - armed.min(nominal) <= nominal / 1_000_000 + 2);
        prop_assert!(bench.count(0) <= count);
        prop_assert!(u64::from(bench.count(0)) + u64::from(count >> 19) + 1 >= u64::from(count));
    }

    /// H-37: whatever the pauses, due = delivered + merged + dropped, due is the
    /// number of whole periods, and the next deadline lies ahead.
    #[test]
    fn periodic_accounts_add_up_over_any_pauses(
        period in 1u32..,
        pauses in proptest::collection::vec((0u64..1 << 50, any::<bool>()), 1..50),
    ) {
        let mut bench = Bench::new(1_000_000_000, PERIODIC);
        bench.write(Register::TMICT, period, 0);
        let mut now = 0;
        for (pause, take) in pauses {
            now += pause;
            let expired = bench.expire(now);
            prop_assert_eq!(
                expired.due, expired.merged + expired.dropped + u64::from(expired.newly_pending));
            prop_assert!(bench.timer.deadline() > Some(Tsc(now)));
            if take && bench.pending() {
                bench.take();
            }
        }
        let account = bench.timer.account();
        prop_assert_eq!(account.due, now / u64::from(period));
        prop_assert_eq!(account.due, account.delivered + account.merged + account.dropped);
    }
}

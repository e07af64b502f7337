//! The life of a partition: every event in every state, and whole lives.

use abi::epitaph::Reason;
use hvcore::housekeeping::life::{Life, Next, Notice, Refusal, Rest};
use hvcore::housekeeping::restart::{Action, Event, Policy, Supervisor};
use proptest::prelude::*;

const RESTART_ALL: Policy = Policy {
    on_crash: true,
    on_reboot: true,
    on_poweroff: true,
    crash_limit: 2,
};
const STOP_ALL: Policy = Policy {
    on_crash: false,
    on_reboot: false,
    on_poweroff: false,
    crash_limit: 0,
};
const CRASH: Event = Event::Crash(Reason::TRIPLE_FAULT);

fn running(policy: Policy) -> Supervisor {
    let mut partition = Supervisor::new(policy);
    assert_eq!(partition.on(Event::Start).action, Action::Load);
    assert_eq!(partition.on(Event::Loaded).action, Action::Run);
    partition
}

/// Reports an event, then that the vCPUs are parked, then that the load worked.
fn through(partition: &mut Supervisor, event: Event) -> Life {
    if partition.on(event).action == Action::Park
        && partition.on(Event::AllParked).action == Action::Load
    {
        partition.on(Event::Loaded);
    }
    partition.life()
}

#[test]
fn a_crash_is_followed_by_a_restart_until_the_limit() {
    let mut partition = running(RESTART_ALL);
    assert_eq!(through(&mut partition, CRASH), Life::Running);
    assert_eq!(through(&mut partition, CRASH), Life::Running);
    assert_eq!(partition.restarts(), 2);
    let last = partition.on(CRASH);
    assert_eq!(
        (last.action, last.notice),
        (
            Action::Park,
            Some(Notice::LimitReached(Reason::TRIPLE_FAULT, 2))
        )
    );
    partition.on(Event::AllParked);
    assert_eq!(partition.life(), Life::Dead(Reason::TRIPLE_FAULT));
}

#[test]
fn a_start_by_the_operator_counts_crashes_anew() {
    let mut partition = running(RESTART_ALL);
    for _ in 0..3 {
        through(&mut partition, CRASH);
    }
    assert_eq!(partition.on(Event::Start).action, Action::Load);
    partition.on(Event::Loaded);
    assert_eq!(through(&mut partition, CRASH), Life::Running);
}

#[test]
fn a_limit_of_zero_never_ends() {
    let mut partition = running(Policy {
        crash_limit: 0,
        ..RESTART_ALL
    });
    for _ in 0..100 {
        assert_eq!(through(&mut partition, CRASH), Life::Running);
    }
}

#[test]
fn guest_resets_do_not_use_up_the_crash_limit() {
    let mut partition = running(RESTART_ALL);
    for _ in 0..10 {
        assert_eq!(through(&mut partition, Event::GuestReboot), Life::Running);
    }
    assert_eq!(partition.restarts(), 10);
    assert_eq!(through(&mut partition, CRASH), Life::Running);
}

#[test]
fn the_policy_of_each_end_is_its_own() {
    let ends = [
        (CRASH, Life::Dead(Reason::TRIPLE_FAULT)),
        (Event::GuestReboot, Life::Stopped(Rest::Reboot)),
        (Event::GuestPoweroff, Life::Stopped(Rest::PowerOff)),
        (Event::Stop, Life::Stopped(Rest::Operator)),
    ];
    for (event, end) in ends {
        assert_eq!(through(&mut running(STOP_ALL), event), end);
    }
    let only_reboot = Policy {
        on_reboot: true,
        ..STOP_ALL
    };
    assert_eq!(
        through(&mut running(only_reboot), Event::GuestReboot),
        Life::Running
    );
    assert_eq!(
        through(&mut running(only_reboot), Event::GuestPoweroff),
        Life::Stopped(Rest::PowerOff)
    );
}

#[test]
fn the_second_vcpu_that_crashes_changes_nothing() {
    let mut partition = running(RESTART_ALL);
    partition.on(CRASH);
    let life = partition.life();
    assert_eq!(
        partition.on(Event::Crash(Reason::DECODE)).action,
        Action::Nothing
    );
    assert_eq!((partition.life(), life), (life, Life::Stopping(Next::Load)));
}

#[test]
fn the_operator_may_change_what_follows_a_stop() {
    let mut partition = running(RESTART_ALL);
    partition.on(Event::Stop);
    assert_eq!(partition.on(Event::Start).action, Action::Nothing);
    assert_eq!(partition.on(Event::AllParked).action, Action::Load);
    partition.on(Event::Loaded);
    partition.on(CRASH);
    partition.on(Event::Stop);
    partition.on(Event::AllParked);
    assert_eq!(partition.life(), Life::Stopped(Rest::Operator));
}

#[test]
fn stopping_what_is_dying_keeps_the_reason() {
    let mut partition = running(STOP_ALL);
    partition.on(CRASH);
    partition.on(Event::Stop);
    partition.on(Event::AllParked);
    assert_eq!(partition.life(), Life::Dead(Reason::TRIPLE_FAULT));
}

#[test]
fn a_load_that_is_stopped_or_fails_never_runs() {
    let mut partition = Supervisor::new(RESTART_ALL);
    partition.on(Event::Start);
    assert_eq!(partition.on(Event::Stop).action, Action::AbandonLoad);
    assert_eq!(partition.on(Event::Loaded).action, Action::Nothing);
    partition.on(Event::Start);
    partition.on(Event::LoadFailed);
    assert_eq!(partition.life(), Life::Dead(Reason::IMAGE));
    assert_eq!(partition.restarts(), 0);
}

#[test]
fn a_wish_that_cannot_be_carried_out_is_refused_with_advice() {
    let mut partition = running(STOP_ALL);
    assert_eq!(
        partition.on(Event::Start).action,
        Action::Refuse(Refusal::AlreadyStarted)
    );
    through(&mut partition, Event::Stop);
    assert_eq!(
        partition.on(Event::Stop).action,
        Action::Refuse(Refusal::NotRunning)
    );
    assert!(Refusal::NotRunning.text().contains("start"));
}

#[test]
fn notices_say_how_often_and_why() {
    let first = running(RESTART_ALL).on(CRASH).notice.unwrap().to_string();
    assert_eq!(
        first,
        "crashed: the guest's CPU shut down after a triple fault; restart 1 of 2"
    );
    let unlimited = running(Policy {
        crash_limit: 0,
        ..RESTART_ALL
    })
    .on(CRASH)
    .notice
    .unwrap()
    .to_string();
    assert!(unlimited.ends_with("restart 1, there is no limit"));
}

fn any_event() -> impl Strategy<Value = Event> {
    prop::sample::select(vec![
        Event::Start,
        Event::Stop,
        Event::Restart,
        Event::Loaded,
        Event::LoadFailed,
        CRASH,
        Event::GuestReboot,
        Event::GuestPoweroff,
        Event::AllParked,
    ])
}

proptest! {
    /// In any order of events: vCPUs are let run only after a load, a load begins
    /// only while no vCPU runs, and a partition that parks always gets out of it.
    #[test]
    fn images_are_never_loaded_under_a_running_vcpu(events in prop::collection::vec(any_event(), 0..60), limit in 0u32..4) {
        let mut partition = Supervisor::new(Policy { crash_limit: limit, ..RESTART_ALL });
        let (mut vcpus_run, mut loading) = (false, false);
        for event in events {
            // The machine reports these two only when they are true.
            if event == Event::AllParked {
                vcpus_run &= !matches!(partition.life(), Life::Stopping(_));
            }
            if matches!(event, Event::Loaded | Event::LoadFailed) && !loading {
                continue;
            }
            loading &= !matches!(event, Event::Loaded | Event::LoadFailed);
            match partition.on(event).action {
                Action::Load => {
                    prop_assert!(!vcpus_run && !loading);
                    loading = true;
                }
                Action::Run => {
                    prop_assert!(!vcpus_run && !loading);
                    vcpus_run = true;
                }
                Action::AbandonLoad => {
                    prop_assert!(loading);
                    loading = false;
                }
                Action::Park => prop_assert!(vcpus_run),
                Action::Nothing | Action::Refuse(_) => {}
            }
            prop_assert_eq!(loading, partition.life() == Life::Loading);
            prop_assert_eq!(vcpus_run, matches!(partition.life(), Life::Running | Life::Stopping(_)));
        }
        partition.on(Event::AllParked);
        prop_assert!(!matches!(partition.life(), Life::Stopping(_)));
    }
}

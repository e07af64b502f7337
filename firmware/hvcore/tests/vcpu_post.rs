//! Delivery between vCPUs: ICR writes in every mode, and who is kicked for them.
#![cfg(not(any(loom, shuttle)))]

use hvcore::decode::regs::Gpr;
use hvcore::exit::Verdict;
use hvcore::ids::{CpuId, VcpuId, Vector};
use hvcore::kick::{Owner, Requests};
use hvcore::lapic::destination::Destination;
use hvcore::lapic::icr::Message;
use hvcore::vcpu::counters::Count;
use hvcore::vcpu::post::{self, Posted};
use svm::apic::{DeliveryMode, Register};
use testkit::stage::Stage;

const APIC: u64 = 0xFEE0_0000;
const WRITE: u64 = 1 << 32 | 6;
const FIXED: u32 = 0;
const LOWEST: u32 = 1 << 8;
const NMI: u32 = 4 << 8;
const INIT: u32 = 5 << 8;
const STARTUP: u32 = 6 << 8;
const LOGICAL: u32 = 1 << 11;
const ASSERT: u32 = 1 << 14;
const LEVEL: u32 = 1 << 15;
const SELF: u32 = 1 << 18;
const ALL: u32 = 2 << 18;
const OTHERS: u32 = 3 << 18;

fn stage(vcpus: u8) -> Stage {
    let stage = Stage::new(vcpus);
    for id in 0..vcpus {
        let page = &stage.peer(id).page;
        page.store(Register::SVR, 0x1FF);
        page.store(Register::LDR, 1 << (24 + id));
    }
    stage
}

fn store(stage: &mut Stage, register: u64, value: u32) {
    // MOV [RBX], EAX
    stage.set(Gpr::RBX, APIC + register);
    stage.set(Gpr::RAX, value.into());
    let verdict = stage.nested_fault(&[0x89, 0x03], APIC + register, WRITE);
    assert_eq!((verdict, stage.advanced()), (Verdict::Resume, 2));
}

/// Sends an IPI as a guest does; the cores that were kicked for it.
fn send(stage: &mut Stage, destination: u8, command: u32) -> Vec<u8> {
    store(stage, 0x310, u32::from(destination) << 24);
    store(stage, 0x300, command);
    stage
        .cores
        .take()
        .into_iter()
        .map(|CpuId(core)| core)
        .collect()
}

fn owner(stage: &Stage, id: u8) -> Owner<'static> {
    stage.peer(id).words.claim().unwrap()
}

fn requested(stage: &Stage, vector: u8) -> Vec<u8> {
    let has = |id: &u8| {
        let word = stage.peer(*id).page.load(Register::IRR.word_of(vector));
        word & 1 << (vector & 31) != 0
    };
    (0..stage.partition.count()).filter(has).collect()
}

/// R001-04: who is in the guest is interrupted, once; who sleeps is woken; who is
/// in our code looks by itself.
#[test]
fn a_fixed_ipi_kicks_by_where_its_target_is() {
    let mut stage = stage(2);
    let mut peer = owner(&stage, 1);
    assert_eq!(send(&mut stage, 1, FIXED | 0x40), [0; 0]);
    let inside = peer.enter(|| false).unwrap();
    assert_eq!(send(&mut stage, 1, FIXED | 0x41), [2]);
    assert_eq!(
        send(&mut stage, 1, FIXED | 0x42),
        [0; 0],
        "the first kick is under way"
    );
    inside.leave();
    let blocking = peer.begin_block();
    assert_eq!(send(&mut stage, 1, FIXED | 0x43), [2]);
    assert_eq!(
        send(&mut stage, 1, FIXED | 0x44),
        [0; 0],
        "it is awake already"
    );
    assert!(!blocking.may_sleep());
    drop(blocking);
    for vector in 0x40..=0x44 {
        assert_eq!(requested(&stage, vector), [1]);
    }
    assert_eq!(
        (stage.count(Count::IpiSent), stage.count(Count::KickSent)),
        (5, 2)
    );
}

/// R001-05: the sender looks before it enters, so it is never kicked.
#[test]
fn an_ipi_to_oneself_is_posted_and_kicks_nobody() {
    for command in [SELF | 0x50, ALL | 0x50, FIXED | 0x50] {
        let mut stage = stage(1);
        let _owner = owner(&stage, 0);
        assert_eq!(send(&mut stage, 0, command), [0; 0]);
        assert_eq!(requested(&stage, 0x50), [0]);
    }
}

/// H-39: shorthands and logical sets reach exactly who they name.
#[test]
fn each_destination_form_reaches_whom_it_names() {
    for (destination, command, reached) in [
        (2, FIXED, vec![2]),
        (9, FIXED, vec![]),
        (0xFF, FIXED, vec![0, 1, 2, 3]),
        (0b1010, LOGICAL, vec![1, 3]),
        (0b1011_0000, LOGICAL, vec![]),
        (0, OTHERS, vec![1, 2, 3]),
        (0, ALL, vec![0, 1, 2, 3]),
        (0b1100, LOGICAL | LOWEST, vec![2]),
    ] {
        let mut stage = stage(4);
        let mut peers = [1, 2, 3].map(|id| owner(&stage, id));
        let inside = peers.each_mut().map(|peer| peer.enter(|| false).unwrap());
        let kicked = send(&mut stage, destination, command | 0x61);
        let others = reached.iter().filter(|&&id| id != 0);
        assert_eq!(kicked, others.map(|id| id + 1).collect::<Vec<_>>());
        assert_eq!(
            requested(&stage, 0x61),
            reached,
            "{destination:#x} {command:#x}"
        );
        drop(inside);
    }
}

/// 24593 section 16.6: a disabled APIC drops vectors, and nobody is kicked.
#[test]
fn a_disabled_target_drops_vectors_but_takes_nmi() {
    let mut stage = stage(2);
    stage.peer(1).page.store(Register::SVR, 0xFF);
    let mut peer = owner(&stage, 1);
    let inside = peer.enter(|| false).unwrap();
    assert_eq!(send(&mut stage, 1, FIXED | 0x40), [0; 0]);
    assert_eq!(requested(&stage, 0x40), [0; 0]);
    assert_eq!(send(&mut stage, 1, NMI), [2]);
    drop(inside);
    assert_eq!(stage.peer(1).words.requested(), Requests::NMI);
}

/// PLT-10: INIT, its de-assertion, and two start-up IPIs.
#[test]
fn init_and_start_up_become_requests_that_wake() {
    let mut stage = stage(2);
    let mut peer = owner(&stage, 1);
    let blocking = peer.begin_block();
    assert_eq!(send(&mut stage, 1, INIT | ASSERT | LEVEL), [2]);
    drop(blocking);
    assert_eq!(peer.take(Requests::all()), Requests::INIT);
    assert_eq!(send(&mut stage, 1, INIT | LEVEL), [0; 0]);
    assert_eq!(peer.take(Requests::all()), Requests::empty());
    let blocking = peer.begin_block();
    assert_eq!(send(&mut stage, 1, STARTUP | 0x9A), [2]);
    drop(blocking);
    assert_eq!(peer.take(Requests::all()), Requests::SIPI);
    assert_eq!(stage.peer(1).sipi(), Some(0x9A));
}

/// PLT-10: the last message decides, although both are served in one round.
#[test]
fn an_init_voids_a_start_up_sent_before_it() {
    let mut stage = stage(2);
    send(&mut stage, 1, STARTUP | 0x9A);
    send(&mut stage, 1, INIT | ASSERT | LEVEL);
    assert_eq!(stage.peer(1).sipi(), None);
    send(&mut stage, 1, STARTUP | 0x9B);
    assert_eq!(stage.peer(1).sipi(), Some(0x9B));
}

/// H-40: nothing that a guest can write does more than this.
#[test]
fn commands_without_effect_have_none() {
    for command in [
        2 << 8 | 0x40,
        3 << 8 | 0x40,
        7 << 8 | 0x40,
        INIT | ALL | ASSERT,
        STARTUP | SELF,
        FIXED | 0xF,
    ] {
        let mut stage = stage(2);
        assert_eq!(send(&mut stage, 1, command), [0; 0]);
        for id in 0..2 {
            assert_eq!(stage.peer(id).words.requested(), Requests::empty());
            assert_eq!(stage.peer(id).page.highest_irr(), None);
        }
        assert_eq!(stage.count(Count::IpiSent), 0);
    }
}

/// The ICR never reads busy: delivery is done when the write is.
#[test]
fn the_interrupt_command_is_never_busy() {
    let mut stage = stage(2);
    send(&mut stage, 1, FIXED | 0x40 | 1 << 12);
    assert_eq!(stage.shared().page.load(Register::ICR_LOW), 0x40);
}

/// PLT-53: a device's interrupt from the housekeeping core kicks its target.
#[test]
fn a_device_message_kicks_every_target_but_its_sender() {
    let stage = stage(3);
    let mut peers = [1, 2].map(|id| owner(&stage, id));
    let inside = peers.each_mut().map(|peer| peer.enter(|| false).unwrap());
    let message = Message {
        destination: Destination::new(0b110, true),
        mode: DeliveryMode::Fixed,
        vector: Vector(0x44),
        level: false,
    };
    let sender = Some(VcpuId(1));
    let posted = post::route(stage.partition, message, sender, &stage.cores);
    assert_eq!(
        posted,
        Posted {
            targets: 2,
            kicks: 1
        }
    );
    assert_eq!(stage.cores.take(), [CpuId(3)]);
    drop(inside);
}

/// KICK-08: STOP from core 0 finds the vCPU wherever it is.
#[test]
fn a_stop_request_wakes_or_interrupts() {
    let stage = stage(2);
    let mut peer = owner(&stage, 1);
    let inside = peer.enter(|| false).unwrap();
    post::request(stage.partition, VcpuId(1), Requests::STOP, &stage.cores);
    assert_eq!(stage.cores.take(), [CpuId(2)]);
    assert!(!inside.may_stay(|| false));
    drop(inside);
    assert!(peer.enter(|| false).is_err());
    // A vCPU that does not exist is nobody's core.
    post::request(stage.partition, VcpuId(7), Requests::STOP, &stage.cores);
    assert_eq!(stage.cores.take(), []);
}

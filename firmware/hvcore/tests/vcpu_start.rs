//! First start, INIT and start-up IPI: what a vCPU keeps and what it loses.
#![cfg(not(any(loom, shuttle)))]

use hvcore::decode::regs::Gpr;
use hvcore::guest::entry;
use hvcore::ids::{Tsc, Vector};
use hvcore::inject::nmi::NmiPlan;
use hvcore::port::GuestCpu;
use hvcore::vcpu::owned::Run;
use hvcore::vcpu::start;
use svm::apic::Register;
use svm::vmcb::event::Event;
use testkit::stage::{FREE, SIGNATURE, Stage};

fn init(stage: &mut Stage) {
    let page = &stage.shared().page;
    start::init(&mut stage.vcpu, &mut stage.cpu, page, SIGNATURE);
}

fn startup(stage: &mut Stage, page: u8) {
    start::startup(&mut stage.vcpu, &mut stage.cpu, page, SIGNATURE);
}

/// PLT-10, 24593 section 14.1.3.
#[test]
fn init_resets_the_cpu_and_waits_for_a_start_up_ipi() {
    let mut stage = Stage::new(1);
    stage.paint();
    stage.vcpu.run = Run::Halted;
    stage.vcpu.nmi.arrive();
    stage.vcpu.event = Event::exception(13);
    stage.vcpu.offered = Some(Vector(0x40));
    stage.cpu.vmcb.control.interrupt_shadow = 1;
    let page = &stage.shared().page;
    page.store(Register::SVR, 0x1FF);
    page.post(Vector(0x40), false);
    init(&mut stage);
    assert_eq!(stage.vcpu.run, Run::WaitForSipi);
    assert_eq!((stage.vcpu.event, stage.vcpu.offered), (Event::NONE, None));
    assert_eq!(stage.vcpu.nmi.plan(true, false), NmiPlan::Idle);
    assert_eq!((page.load(Register::SVR), page.highest_irr()), (0xFF, None));
    let save = &stage.cpu.vmcb.save;
    assert_eq!(
        (save.cs.base + save.rip, save.cr0, save.cr3, save.cr4),
        (0xFFFF_FFF0, 0x10, 0, 0)
    );
    assert_eq!((save.efer, save.rflags, save.cpl), (1 << 12, 2, 0));
    assert_eq!(stage.cpu.vmcb.control.interrupt_shadow, 0);
    let mut regs = [0; 16];
    regs[2] = u64::from(SIGNATURE);
    assert_eq!(stage.vcpu.regs.gpr, regs);
}

/// An entry that a request turned back has its event in EVENTINJ already. INIT
/// cancels it: else the new program's first instruction would take it.
#[test]
fn init_cancels_an_event_that_was_about_to_be_delivered() {
    let mut stage = Stage::new(1);
    stage.vcpu.event = Event::NMI;
    stage.cpu.inject(Event::NMI);
    init(&mut stage);
    startup(&mut stage, 8);
    assert_eq!(stage.cpu.injected(), Event::NONE);
}

/// PLT-10: the second start-up IPI, and one without INIT, have no effect.
#[test]
fn only_a_waiting_vcpu_obeys_a_start_up_ipi() {
    let mut stage = Stage::new(1);
    startup(&mut stage, 8);
    assert_eq!(stage.cpu.vmcb.save.cr0 >> 31, 1, "it ran and goes on");
    init(&mut stage);
    startup(&mut stage, 8);
    assert_eq!(stage.vcpu.run, Run::Running);
    let save = &stage.cpu.vmcb.save;
    assert_eq!(
        (save.cs.selector, save.cs.base, save.rip),
        (0x800, 0x8000, 0)
    );
    stage.cpu.vmcb.save.rip = 0x123;
    startup(&mut stage, 9);
    assert_eq!(
        (stage.cpu.vmcb.save.cs.base, stage.cpu.vmcb.save.rip),
        (0x8000, 0x123)
    );
}

/// A halted vCPU is running: only INIT makes it wait for a start-up IPI.
#[test]
fn a_halted_vcpu_ignores_a_start_up_ipi() {
    let mut stage = Stage::new(1);
    stage.vcpu.run = Run::Halted;
    startup(&mut stage, 8);
    assert_eq!(stage.vcpu.run, Run::Halted);
}

/// INIT keeps the APIC id and the MTRRs, and stops the timer.
#[test]
fn init_stops_the_timer_and_keeps_the_apic_id() {
    let mut stage = Stage::new(1);
    let (page, now) = (&stage.shared().page, Tsc(0));
    page.store(Register::ID, 5 << 24);
    page.store(Register::SVR, 0x1FF);
    let timer = &mut stage.vcpu.timer;
    for (register, value) in [(0x320, 0x40), (0x380, 1000)] {
        let _changed = hvcore::lapic::registers::write(page, timer, register, value, now);
    }
    assert_ne!(stage.vcpu.next_moment(), u64::MAX);
    init(&mut stage);
    assert_eq!(stage.vcpu.next_moment(), u64::MAX);
    assert_eq!((page.apic_id(), page.load(Register::TMICT)), (5, 0));
}

/// PLT-01: the image's registers; those without a role are zero.
#[test]
fn the_first_start_sets_every_register() {
    let mut stage = Stage::new(1);
    stage.paint();
    let state = entry::protected_state(0x10_0000, 0x2BAD_B002, FREE as u32);
    start::first(&mut stage.vcpu, &mut stage.cpu, &state);
    assert_eq!(stage.vcpu.run, Run::Running);
    assert_eq!(
        (stage.get(Gpr::RAX), stage.get(Gpr::RBX)),
        (0x2BAD_B002, FREE)
    );
    let rest = (0..16).filter(|n| !matches!(n, 0 | 3));
    assert!(rest.into_iter().all(|n| stage.vcpu.regs.gpr[n] == 0));
    assert_eq!(stage.cpu.vmcb.save.rip, 0x10_0000);
    assert_eq!(stage.cpu.vmcb.save.efer, 1 << 12);
}

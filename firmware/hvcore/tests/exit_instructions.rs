//! Instructions that are skipped, refused or waited for, and exits that end a
//! life.
#![cfg(not(any(loom, shuttle)))]

use hvcore::exit::{StopReason, Verdict};
use hvcore::vcpu::counters::Count;
use svm::cpuid::SvmFeatures;
use svm::exit_code::ExitCode;
use svm::vmcb::event::Event;
use svm::vmcb::intercept::{FORCED_1, FORCED_2, Misc1, Misc2};
use testkit::stage::{CODE, Stage};

const CPUID: &[u8] = &[0x0F, 0xA2];
const HLT: &[u8] = &[0xF4];
const RFLAGS_TF: u64 = 1 << 8;
const RFLAGS_RF: u64 = 1 << 16;
const DR6_BS: u64 = 1 << 14;
const DB: Event = Event::exception(1);
const UD: Event = Event::exception(6);
const GP: Event = Event::exception_with_code(13, 0);

/// 24593 section 13.1.4: the trap comes after the instruction, with DR6.BS, and
/// leaves the other causes in DR6 alone.
#[test]
fn a_skipped_instruction_single_steps() {
    let mut stage = Stage::new(1);
    stage.cpu.vmcb.save.rflags |= RFLAGS_TF | RFLAGS_RF;
    stage.cpu.vmcb.save.dr6 |= 1;
    assert_eq!(stage.instruction(CPUID, ExitCode::CPUID), Verdict::Resume);
    let save = &stage.cpu.vmcb.save;
    assert_eq!((stage.vcpu.event, stage.advanced()), (DB, 2));
    assert_eq!(save.dr6, 0xFFFF_0FF0 | DR6_BS | 1);
    assert_eq!(save.rflags & (RFLAGS_TF | RFLAGS_RF), RFLAGS_TF);
    // CPUID did complete.
    assert_eq!(stage.vcpu.regs.gpr[3], 0x6874_7541);
}

/// 24593 section 3.1.6: RF covers one instruction.
#[test]
fn a_skipped_instruction_clears_the_resume_flag() {
    let mut stage = Stage::new(1);
    stage.cpu.vmcb.save.rflags |= RFLAGS_RF;
    let _resume = stage.instruction(CPUID, ExitCode::CPUID);
    assert_eq!(
        (stage.cpu.vmcb.save.rflags, stage.vcpu.event),
        (2, Event::NONE)
    );
}

/// 24593 section 15.21.5.
#[test]
fn a_skipped_instruction_ends_the_interrupt_shadow() {
    for (code, exit) in [
        (CPUID, ExitCode::CPUID),
        (HLT, ExitCode::HLT),
        (&[0x0F, 0x09], ExitCode::WBINVD),
    ] {
        let mut stage = Stage::new(1);
        stage.cpu.vmcb.control.interrupt_shadow = 1;
        let _verdict = stage.instruction(code, exit);
        assert_eq!(stage.cpu.vmcb.control.interrupt_shadow, 0);
    }
}

/// With NRIP save nothing is fetched, and the CPU's word counts.
#[test]
fn the_next_rip_of_the_cpu_is_taken_where_it_saves_one() {
    let mut stage = Stage::new(1);
    stage.cpu.vmcb.control.next_rip = 0xFFFF_8000_0000_1234;
    let _resume = stage.instruction(CPUID, ExitCode::CPUID);
    assert_eq!(stage.advanced(), 2);
    stage.host.features = SvmFeatures::NRIP_SAVE;
    let _resume = stage.instruction(CPUID, ExitCode::CPUID);
    assert_eq!(stage.cpu.vmcb.save.rip, 0xFFFF_8000_0000_1234);
}

/// 24593 section 15.7.1: outside 64-bit code RIP wraps at its width.
#[test]
fn rip_wraps_at_the_width_of_the_code() {
    let mut stage = Stage::new(1);
    stage.real_mode(CODE - 0xFF0);
    stage.ram.put(CODE - 0xFF0 + 0xFFFF, CPUID);
    stage.cpu.vmcb.save.rip = 0xFFFF;
    assert_eq!(stage.exit(ExitCode::CPUID), Verdict::Resume);
    assert_eq!(stage.cpu.vmcb.save.rip, 1);
}

/// AVIC-24: HLT is over when the vCPU sleeps.
#[test]
fn hlt_advances_and_halts() {
    let mut stage = Stage::new(1);
    assert_eq!(stage.instruction(HLT, ExitCode::HLT), Verdict::Halt);
    assert_eq!((stage.advanced(), stage.count(Count::Halt)), (1, 1));
}

/// The trap after HLT wakes it: it never sleeps.
#[test]
fn a_single_stepped_hlt_does_not_halt() {
    let mut stage = Stage::new(1);
    stage.cpu.vmcb.save.rflags |= RFLAGS_TF;
    assert_eq!(stage.instruction(HLT, ExitCode::HLT), Verdict::Resume);
    assert_eq!((stage.vcpu.event, stage.advanced()), (DB, 1));
}

/// PLT-60: as if the CPU did not have them.
#[test]
fn svm_and_monitor_instructions_do_not_exist() {
    for exit in [
        ExitCode::VMRUN,
        ExitCode::VMLOAD,
        ExitCode::VMSAVE,
        ExitCode::STGI,
        ExitCode::CLGI,
        ExitCode::SKINIT,
        ExitCode::INVLPGA,
        ExitCode::MONITOR,
        ExitCode::MWAIT,
        ExitCode::MWAIT_ARMED,
        ExitCode::RDPRU,
    ] {
        let mut stage = Stage::new(1);
        let before = stage.paint();
        assert_eq!(
            stage.instruction(&[0x0F, 0x01, 0xD8], exit),
            Verdict::Resume
        );
        assert_eq!((stage.vcpu.event, stage.advanced()), (UD, 0), "{exit:?}");
        assert_eq!(stage.vcpu.regs, before);
    }
}

/// PLT-60.
#[test]
fn rdpmc_faults_and_cache_flushes_do_nothing() {
    let mut stage = Stage::new(1);
    assert_eq!(
        stage.instruction(&[0x0F, 0x33], ExitCode::RDPMC),
        Verdict::Resume
    );
    assert_eq!((stage.vcpu.event, stage.advanced()), (GP, 0));
    for (code, exit) in [
        (&[0x0F, 0x08][..], ExitCode::INVD),
        (&[0x0F, 0x09], ExitCode::WBINVD),
        (&[0xF3, 0x0F, 0x09], ExitCode::WBINVD),
    ] {
        assert_eq!(stage.instruction(code, exit), Verdict::Resume);
        assert_eq!(
            (stage.vcpu.event, stage.advanced()),
            (Event::NONE, code.len() as u64)
        );
    }
}

/// PLT-60: a record instead of a guess.
#[test]
fn exits_that_end_a_life_say_why() {
    let unknown = ExitCode(0x8F);
    for (exit, reason) in [
        (ExitCode::SHUTDOWN, StopReason::TripleFault),
        (ExitCode::TASK_SWITCH, StopReason::TaskSwitch),
        (ExitCode::EXCEPTION_MC, StopReason::MachineCheck),
        (ExitCode(u64::MAX), StopReason::InvalidState),
        (ExitCode(0xFFFF_FFFF), StopReason::InvalidState),
        (unknown, StopReason::UnknownExit(unknown)),
    ] {
        assert_eq!(Stage::new(1).exit(exit), Verdict::Stop(reason));
    }
}

/// PLT-60: events of the host change nothing in the guest.
#[test]
fn host_events_leave_the_guest_alone() {
    for exit in [ExitCode::INTR, ExitCode::NMI, ExitCode::SMI, ExitCode::INIT] {
        let mut stage = Stage::new(1);
        let before = stage.paint();
        assert_eq!(stage.instruction(HLT, exit), Verdict::Resume);
        assert_eq!((stage.vcpu.regs, stage.advanced()), (before, 0));
        assert_eq!(stage.vcpu.event, Event::NONE);
    }
}

/// PLT-60: intercepted only so that they cannot loop inside the CPU.
#[test]
fn debug_and_alignment_exceptions_are_the_guests() {
    for (exit, event) in [
        (ExitCode::EXCEPTION_DB, DB),
        (ExitCode::EXCEPTION_AC, Event::exception_with_code(17, 0)),
    ] {
        let mut stage = Stage::new(1);
        stage.cpu.vmcb.save.dr6 |= 2;
        assert_eq!(stage.instruction(HLT, exit), Verdict::Resume);
        assert_eq!((stage.vcpu.event, stage.advanced()), (event, 0));
        assert_eq!(stage.cpu.vmcb.save.dr6 & 0xF, 2);
    }
}

/// PLT-60: or the handler's first access to a debug register would trap again.
#[test]
fn a_debug_exception_given_on_ends_general_detect() {
    let mut stage = Stage::new(1);
    stage.cpu.vmcb.save.dr7 = 1 << 13 | 0x400 | 1;
    let _resume = stage.instruction(HLT, ExitCode::EXCEPTION_DB);
    assert_eq!(stage.cpu.vmcb.save.dr7, 0x401);
}

/// 24593 section 8.2.9: a fault of ours merges with what was being delivered.
#[test]
fn faults_during_delivery_become_double_then_triple() {
    let mut stage = Stage::new(1);
    stage.delivering = GP;
    assert_eq!(
        stage.instruction(&[0x0F, 0x33], ExitCode::RDPMC),
        Verdict::Resume
    );
    assert_eq!(stage.vcpu.event, Event::exception_with_code(8, 0));
    stage.delivering = stage.vcpu.event;
    let verdict = stage.instruction(&[0x0F, 0x33], ExitCode::RDPMC);
    assert_eq!(verdict, Verdict::Stop(StopReason::TripleFault));
}

/// Every exit that a forced intercept can cause has a handler.
#[test]
fn no_forced_intercept_ends_in_an_unknown_exit() {
    let first = FORCED_1.difference(Misc1::SHUTDOWN | Misc1::TASK_SWITCH);
    let first = first
        .iter()
        .map(|bit| 0x60 + u64::from(bit.bits().trailing_zeros()));
    let second = FORCED_2
        .iter()
        .map(|bit| 0x80 + u64::from(bit.bits().trailing_zeros()));
    for code in first.chain(second) {
        let mut stage = Stage::new(1);
        stage.cpu.vmcb.control.exit_info_2 = CODE + 1;
        let verdict = stage.instruction(HLT, ExitCode(code));
        assert!(
            !matches!(verdict, Verdict::Stop(_)),
            "{code:#x}: {verdict:?}"
        );
    }
    assert!(FORCED_2.contains(Misc2::XSETBV));
}

//! MOV to CR8 where an erratum makes it exit.
#![cfg(not(any(loom, shuttle)))]

use hvcore::decode::regs::Gpr;
use hvcore::exit::Verdict;
use hvcore::lapic::priority;
use svm::exit_code::ExitCode;
use svm::vmcb::event::Event;
use testkit::stage::Stage;

const MOV_CR8_RCX: &[u8] = &[0x44, 0x0F, 0x22, 0xC1];
const MOV_CR8_R15: &[u8] = &[0x45, 0x0F, 0x22, 0xC7];
/// LOCK MOV CR0, ECX: the form that 32-bit code has.
const LOCK_MOV_CR0_ECX: &[u8] = &[0xF0, 0x0F, 0x22, 0xC1];
const MOV_CR3_RCX: &[u8] = &[0x0F, 0x22, 0xD9];
const GP: Event = Event::exception_with_code(13, 0);

/// AVIC-08.
#[test]
fn the_written_class_is_the_task_priority_from_then_on() {
    for (code, source, length) in [
        (MOV_CR8_RCX, Gpr::RCX, 4),
        (MOV_CR8_R15, Gpr::new(15), 4),
        (LOCK_MOV_CR0_ECX, Gpr::RCX, 4),
    ] {
        let mut stage = Stage::new(1);
        stage.set(source, 9);
        let verdict = stage.instruction(code, ExitCode::CR8_WRITE);
        assert_eq!((verdict, stage.advanced()), (Verdict::Resume, length));
        assert_eq!(priority::cr8(&stage.shared().page), 9, "{code:x?}");
    }
}

#[test]
fn reserved_bits_are_refused_and_change_nothing() {
    for value in [16, 1 << 32, u64::MAX] {
        let mut stage = Stage::new(1);
        stage.set(Gpr::RCX, value);
        assert_eq!(
            stage.instruction(MOV_CR8_RCX, ExitCode::CR8_WRITE),
            Verdict::Resume
        );
        assert_eq!((stage.vcpu.event, stage.advanced()), (GP, 0), "{value:#x}");
        assert_eq!(priority::cr8(&stage.shared().page), 0);
    }
}

/// 32-bit code has no upper half to refuse.
#[test]
fn in_32_bit_code_only_the_lower_half_of_the_source_counts() {
    let mut stage = Stage::new(1);
    stage.protected_mode();
    stage.set(Gpr::RCX, 0xFFFF_FFFF_0000_0003);
    let verdict = stage.instruction(LOCK_MOV_CR0_ECX, ExitCode::CR8_WRITE);
    assert_eq!((verdict, stage.advanced()), (Verdict::Resume, 4));
    assert_eq!(priority::cr8(&stage.shared().page), 3);
}

/// PLT-60: code that another CPU changed between the exit and the fetch.
#[test]
fn another_instruction_than_the_exit_tells_ends_the_partition() {
    let mut stage = Stage::new(1);
    let verdict = stage.instruction(MOV_CR3_RCX, ExitCode::CR8_WRITE);
    assert!(matches!(verdict, Verdict::Stop(_)), "{verdict:?}");
}

//! Nested page faults: holes, device pages, and what has no instruction.
#![cfg(not(any(loom, shuttle)))]

use hvcore::decode::regs::Gpr;
use hvcore::exit::{StopReason, Verdict};
use hvcore::ids::Gpa;
use hvcore::vcpu::counters::Count;
use svm::apic::Register;
use svm::exit_code::ExitCode;
use svm::vmcb::event::{Event, EventType};
use testkit::stage::{CODE, FREE, RAM, Stage};

const HOLE: u64 = 0xD000_0000;
const APIC: u64 = 0xFEE0_0000;
const IOAPIC: u64 = 0xFEC0_0000;
/// EXITINFO1 of a read by an instruction, and of a write.
const READ: u64 = 1 << 32 | 4;
const WRITE: u64 = READ | 2;
const FETCH: u64 = 1 << 32 | 1 << 4 | 4;
const TABLE_WALK: u64 = 1 << 33 | 4;
const RESERVED: u64 = READ | 8;

/// A load from or store to [RBX] of 1, 2, 4, 8 bytes through RAX.
const LOADS: [(&[u8], u64); 4] = [
    (&[0x8A, 0x03], 0x1122_3344_5566_77FF),
    (&[0x66, 0x8B, 0x03], 0x1122_3344_5566_FFFF),
    (&[0x8B, 0x03], 0xFFFF_FFFF),
    (&[0x48, 0x8B, 0x03], u64::MAX),
];
const STORES: [&[u8]; 4] = [
    &[0x88, 0x03],
    &[0x66, 0x89, 0x03],
    &[0x89, 0x03],
    &[0x48, 0x89, 0x03],
];
const LOAD_32: &[u8] = LOADS[2].0;
const STORE_32: &[u8] = STORES[2];
const MOVSD: &[u8] = &[0xA5];
const REP_MOVSD: &[u8] = &[0xF3, 0xA5];

fn load_32(stage: &mut Stage, at: u64) -> u64 {
    stage.set(Gpr::RBX, at);
    assert_eq!(stage.nested_fault(LOAD_32, at, READ), Verdict::Resume);
    assert_eq!(stage.advanced(), 2);
    stage.get(Gpr::RAX)
}

fn store_32(stage: &mut Stage, at: u64, value: u64) {
    stage.set(Gpr::RBX, at);
    stage.set(Gpr::RAX, value);
    assert_eq!(stage.nested_fault(STORE_32, at, WRITE), Verdict::Resume);
    assert_eq!(stage.advanced(), 2);
}

/// PLT-43: ones in the width of the access, narrow loads merge.
#[test]
fn a_hole_reads_ones_by_width() {
    let mut stage = Stage::new(1);
    for (code, wanted) in LOADS {
        stage.set(Gpr::RBX, HOLE);
        stage.set(Gpr::RAX, 0x1122_3344_5566_7788);
        assert_eq!(stage.nested_fault(code, HOLE, READ), Verdict::Resume);
        assert_eq!(
            (stage.get(Gpr::RAX), stage.advanced()),
            (wanted, code.len() as u64)
        );
    }
    assert_eq!(
        (stage.vcpu.unanswered.reads, stage.vcpu.unanswered.last),
        (4, HOLE)
    );
    assert_eq!(stage.count(Count::Hole), 4);
}

/// PLT-43.
#[test]
fn a_hole_loses_writes_of_every_width() {
    let mut stage = Stage::new(1);
    let before = stage.ram.snapshot();
    for code in STORES {
        stage.set(Gpr::RBX, HOLE);
        assert_eq!(stage.nested_fault(code, HOLE, WRITE), Verdict::Resume);
        assert_eq!(stage.advanced(), code.len() as u64);
    }
    stage.ram.put(CODE, &[0; 32]);
    assert_eq!(stage.vcpu.unanswered.writes, 4);
    assert_eq!(stage.ram.snapshot(), before);
}

/// PLT-43, MMU-02: a read-modify-write sees the ones.
#[test]
fn arithmetic_on_a_hole_sees_ones_and_sets_flags() {
    let mut stage = Stage::new(1);
    stage.set(Gpr::RBX, HOLE);
    // INC dword [RBX]
    assert_eq!(
        stage.nested_fault(&[0xFF, 0x03], HOLE, WRITE),
        Verdict::Resume
    );
    assert_eq!(stage.cpu.vmcb.save.rflags & 1 << 6, 1 << 6);
    assert_eq!(
        (stage.vcpu.unanswered.reads, stage.vcpu.unanswered.writes),
        (1, 1)
    );
}

/// PLT-09: registers at 16-byte steps; a narrow or odd write changes nothing.
#[test]
fn the_local_apic_answers_whole_registers() {
    let mut stage = Stage::new(1);
    assert_eq!(load_32(&mut stage, APIC + 0x30), 0x0005_0014);
    store_32(&mut stage, APIC + 0x80, 0x31);
    assert_eq!(stage.shared().page.load(Register::TPR), 0x31);
    for code in [STORES[0], STORES[1]] {
        stage.set(Gpr::RAX, 0);
        stage.set(Gpr::RBX, APIC + 0x80);
        assert_eq!(
            stage.nested_fault(code, APIC + 0x80, WRITE),
            Verdict::Resume
        );
    }
    store_32(&mut stage, APIC + 0x84, 0);
    assert_eq!(stage.shared().page.load(Register::TPR), 0x31);
    // A byte of the version register, and what lies between registers.
    stage.set(Gpr::RBX, APIC + 0x32);
    assert_eq!(
        stage.nested_fault(LOADS[0].0, APIC + 0x32, READ),
        Verdict::Resume
    );
    assert_eq!(stage.get(Gpr::RAX) & 0xFF, 5);
    assert_eq!(load_32(&mut stage, APIC + 0x34), 0);
    assert_eq!(stage.count(Count::Hole), 0);
}

/// PLT-04: the window selects, then reads.
#[test]
fn the_ioapic_answers_through_its_window() {
    let mut stage = Stage::new(1);
    store_32(&mut stage, IOAPIC, 1);
    assert_eq!(load_32(&mut stage, IOAPIC + 0x10) >> 16 & 0xFF, 23);
    store_32(&mut stage, IOAPIC, 0x19);
    store_32(&mut stage, IOAPIC + 0x10, 0x0300_0000);
    assert_eq!(load_32(&mut stage, IOAPIC + 0x10), 0x0300_0000);
    assert_eq!(stage.count(Count::IoApic), 5);
}

/// PLT-51: a level line that is still up interrupts again after its end.
#[test]
fn the_end_of_a_level_interrupt_offers_it_again() {
    let mut stage = Stage::new(1);
    let page = &stage.shared().page;
    store_32(&mut stage, APIC + 0xF0, 0x1FF);
    store_32(&mut stage, IOAPIC, 0x10 + 2 * 9);
    store_32(&mut stage, IOAPIC + 0x10, 1 << 15 | 0x51);
    let message = stage.partition.ioapic.lock().set_line(9, true).unwrap();
    assert!(page.post(message.vector, message.level));
    assert!(page.accept(message.vector));
    store_32(&mut stage, APIC + 0xB0, 0);
    assert_eq!(
        (page.highest_irr(), page.highest_isr()),
        (Some(message.vector), None)
    );
}

/// PLT-43: either end of a string copy may be the device.
#[test]
fn movs_copies_between_ram_and_a_device_both_ways() {
    let mut stage = Stage::new(1);
    stage.set(Gpr::RSI, APIC + 0x30);
    stage.set(Gpr::RDI, FREE);
    assert_eq!(
        stage.nested_fault(MOVSD, APIC + 0x30, READ),
        Verdict::Resume
    );
    assert_eq!(stage.ram.get_u64(FREE), 0x0005_0014);
    assert_eq!(
        (stage.get(Gpr::RSI), stage.get(Gpr::RDI)),
        (APIC + 0x34, FREE + 4)
    );
    stage.ram.put_u64(FREE, 0x42);
    stage.set(Gpr::RSI, FREE);
    stage.set(Gpr::RDI, APIC + 0x80);
    assert_eq!(
        stage.nested_fault(MOVSD, APIC + 0x80, WRITE),
        Verdict::Resume
    );
    assert_eq!(stage.shared().page.load(Register::TPR), 0x42);
    assert_eq!(stage.advanced(), 1);
}

/// PLT-43: FS is in the core between exits; its base counts in 64-bit code.
#[test]
fn movs_through_fs_asks_the_core_for_its_base() {
    let mut stage = Stage::new(1);
    stage.cpu.core_fs_gs = [APIC, 0];
    stage.set(Gpr::RSI, 0x30);
    stage.set(Gpr::RDI, FREE);
    assert_eq!(
        stage.nested_fault(&[0x64, 0xA5], APIC + 0x30, READ),
        Verdict::Resume
    );
    assert_eq!(stage.ram.get_u64(FREE), 0x0005_0014);
    assert_eq!(stage.cpu.fetches, 1);
}

/// PLT-43: one element an exit, the last one advances.
#[test]
fn rep_movs_takes_one_element_an_exit() {
    let mut stage = Stage::new(1);
    stage.set(Gpr::RSI, HOLE);
    stage.set(Gpr::RDI, FREE);
    stage.set(Gpr::RCX, 2);
    assert_eq!(stage.nested_fault(REP_MOVSD, HOLE, READ), Verdict::Resume);
    assert_eq!((stage.get(Gpr::RCX), stage.advanced()), (1, 0));
    assert_eq!(
        stage.nested_fault(REP_MOVSD, HOLE + 4, READ),
        Verdict::Resume
    );
    assert_eq!((stage.get(Gpr::RCX), stage.advanced()), (0, 2));
    assert_eq!(stage.ram.get_u64(FREE), u64::MAX);
}

/// PLT-43: the RAM side faults as it would on the CPU, and nothing was copied.
#[test]
fn movs_to_an_unmapped_page_takes_a_page_fault_first() {
    let mut stage = Stage::new(1);
    stage.map_only(CODE, Gpa(CODE), 0x67);
    stage.set(Gpr::RSI, APIC + 0x280);
    stage.set(Gpr::RDI, FREE);
    assert_eq!(
        stage.nested_fault(MOVSD, APIC + 0x280, READ),
        Verdict::Resume
    );
    assert_eq!(stage.vcpu.event, Event::exception_with_code(14, 2));
    assert_eq!((stage.cpu.vmcb.save.cr2, stage.advanced()), (FREE, 0));
    assert_eq!(
        (stage.get(Gpr::RSI), stage.get(Gpr::RDI)),
        (APIC + 0x280, FREE)
    );
}

/// PLT-43: a copy that leaves its page would need four walks; it ends the life.
#[test]
fn movs_across_a_page_is_not_emulated() {
    let mut stage = Stage::new(1);
    stage.set(Gpr::RSI, HOLE);
    stage.set(Gpr::RDI, FREE + 0xFFE);
    let verdict = stage.nested_fault(MOVSD, HOLE, READ);
    assert!(matches!(verdict, Verdict::Stop(_)), "{verdict:?}");
    assert_eq!(stage.ram.get_u64(FREE + 0xFF8), 0);
}

/// PLT-43: code bytes that run over a page boundary are found in both pages.
#[test]
fn an_instruction_across_two_pages_is_emulated() {
    let mut stage = Stage::new(1);
    stage.ram.put(FREE + 0xFFF, &[0x8B, 0x03]);
    stage.cpu.vmcb.save.rip = FREE + 0xFFF;
    stage.set(Gpr::RBX, HOLE);
    let control = &mut stage.cpu.vmcb.control;
    (control.exit_info_1, control.exit_info_2) = (READ, HOLE);
    assert_eq!(stage.exit(ExitCode::NESTED_PAGE_FAULT), Verdict::Resume);
    assert_eq!(
        (stage.get(Gpr::RAX), stage.cpu.vmcb.save.rip),
        (0xFFFF_FFFF, FREE + 0x1001)
    );
}

/// MMU-02: code, stack, tables outside RAM: there is no instruction to emulate.
#[test]
fn what_is_no_data_access_stops_outside_ram() {
    let outside = |at| Verdict::Stop(StopReason::OutsideRam { at });
    for error in [FETCH, TABLE_WALK, TABLE_WALK | 2] {
        let mut stage = Stage::new(1);
        assert_eq!(stage.nested_fault(LOAD_32, HOLE, error), outside(HOLE));
    }
    // Delivery of an event to a stack in a hole; also where a device is.
    for at in [HOLE, APIC] {
        let mut stage = Stage::new(1);
        stage.delivering = Event::exception(13);
        assert_eq!(stage.nested_fault(LOAD_32, at, WRITE), outside(at));
        assert_eq!(stage.shared().page.load(Register::ESR), 0);
    }
}

/// MMU-02: the emulator says "read" for a fetch while the host has no NX.
#[test]
fn a_fetch_that_is_reported_as_a_read_stops_too() {
    let mut stage = Stage::new(1);
    stage.cpu.vmcb.save.rip = HOLE;
    let control = &mut stage.cpu.vmcb.control;
    (control.exit_info_1, control.exit_info_2) = (READ, HOLE);
    let verdict = stage.exit(ExitCode::NESTED_PAGE_FAULT);
    assert_eq!(verdict, Verdict::Stop(StopReason::OutsideRam { at: HOLE }));
}

/// MMU-02: our own tables with a reserved bit.
#[test]
fn a_reserved_bit_in_our_tables_is_our_fault() {
    let mut stage = Stage::new(1);
    let verdict = stage.nested_fault(LOAD_32, FREE, RESERVED);
    assert_eq!(verdict, Verdict::Stop(StopReason::NestedTables));
}

/// MMU-07: mapped RAM that faults is tried again, but not for ever; and any
/// progress in between starts the count anew.
#[test]
fn a_fault_on_mapped_ram_is_retried_and_given_up() {
    let mut stage = Stage::new(1);
    for round in 0..2 {
        for _ in 0..64 {
            let before = stage.vcpu.regs;
            assert_eq!(
                stage.nested_fault(LOAD_32, FREE, READ),
                Verdict::Resume,
                "{round}"
            );
            assert_eq!((stage.vcpu.regs, stage.advanced()), (before, 0));
        }
        if round == 0 {
            load_32(&mut stage, HOLE);
        }
    }
    let verdict = stage.nested_fault(LOAD_32, FREE, READ);
    assert_eq!(verdict, Verdict::Stop(StopReason::StuckFault { at: FREE }));
}

/// MMU-07: faults that were cured long ago do not count.
#[test]
fn faults_on_different_pages_do_not_add_up() {
    let mut stage = Stage::new(1);
    for round in 0..200 {
        let at = FREE + (round % 2) * 0x1000;
        assert_eq!(stage.nested_fault(LOAD_32, at, READ), Verdict::Resume);
    }
}

/// The last byte of RAM is RAM and the next is not.
#[test]
fn the_end_of_ram_is_exact() {
    let mut stage = Stage::new(1);
    assert_eq!(stage.nested_fault(LOAD_32, RAM - 1, READ), Verdict::Resume);
    assert_eq!(stage.advanced(), 0);
    assert_eq!(load_32(&mut stage, RAM), 0xFFFF_FFFF);
}

/// PLT-60: what is not emulated ends the life and says which bytes.
#[test]
fn an_instruction_that_is_not_emulated_is_reported_by_its_bytes() {
    let mut stage = Stage::new(1);
    // MOVNTDQA xmm0, [RBX]
    let code = [0x66, 0x0F, 0x38, 0x2A, 0x03];
    let verdict = stage.nested_fault(&code, HOLE, READ);
    let bytes = 0x660F_382A_0300_0000;
    assert_eq!(verdict, Verdict::Stop(StopReason::NotEmulated { bytes }));
}

/// An interrupted interrupt is requested again by the loop; RAM faults in its
/// delivery are retried.
#[test]
fn a_ram_fault_while_an_event_is_delivered_changes_nothing() {
    let mut stage = Stage::new(1);
    let event = Event::new(EventType::NMI, 2);
    stage.delivering = event;
    assert_eq!(stage.nested_fault(LOAD_32, FREE, WRITE), Verdict::Resume);
    assert_eq!((stage.vcpu.event, stage.advanced()), (event, 0));
}

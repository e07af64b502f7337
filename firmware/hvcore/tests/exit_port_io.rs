//! IN, OUT, INS and OUTS, from the exit to registers, RAM and devices.
#![cfg(not(any(loom, shuttle)))]

use hvcore::decode::regs::Gpr;
use hvcore::exit::{StopReason, Verdict};
use hvcore::ids::{CpuId, Gpa};
use svm::apic::Register;
use svm::exit_code::ExitCode;
use svm::vmcb::event::Event;
use testkit::stage::{CODE, FREE, RAM, Stage};

const INPUT: u64 = 1;
const STRING: u64 = 1 << 2;
const REP: u64 = 1 << 3;
const ONES: u64 = 0xFFFF_FFFF_FFFF_FFFF;
const RFLAGS_TF: u64 = 1 << 8;

/// Plays the exit of a port instruction of `len` bytes.
fn port(stage: &mut Stage, port: u16, size: u8, kind: u64, len: u64) -> Verdict {
    let control = &mut stage.cpu.vmcb.control;
    control.exit_info_1 = u64::from(port) << 16 | u64::from(size) << 4 | kind;
    control.exit_info_2 = CODE + len - stage.cpu.vmcb.save.cs.base;
    stage.exit(ExitCode::IOIO)
}

fn input(stage: &mut Stage, at: u16, size: u8) -> u64 {
    stage.code(&[0xEC]);
    assert_eq!(port(stage, at, size, INPUT, 1), Verdict::Resume);
    assert_eq!(stage.advanced(), 1);
    stage.get(Gpr::RAX)
}

fn output(stage: &mut Stage, at: u16, size: u8, value: u64) -> Verdict {
    stage.code(&[0xEE]);
    stage.set(Gpr::RAX, value);
    port(stage, at, size, 0, 1)
}

/// PLT-42: nobody answers, in each width; narrow reads leave the rest of RAX.
#[test]
fn an_unowned_port_reads_ones_in_its_width() {
    let mut stage = Stage::new(1);
    for at in [0x20, 0x40, 0x70, 0xCF8, 0xCFC, 0x2F8, 0xFFFF, 0] {
        for (size, wanted) in [
            (1, 0x1122_3344_5566_77FF),
            (2, 0x1122_3344_5566_FFFF),
            (4, 0xFFFF_FFFF),
        ] {
            stage.set(Gpr::RAX, 0x1122_3344_5566_7788);
            assert_eq!(input(&mut stage, at, size), wanted, "port {at:#x}");
        }
        assert_eq!(output(&mut stage, at, 4, ONES), Verdict::Resume);
        assert_eq!(stage.advanced(), 1);
    }
}

/// PLT-42, PLT-50: a register answers on the low byte.
#[test]
fn the_scratch_register_reads_back_in_every_width() {
    let mut stage = Stage::new(1);
    assert_eq!(output(&mut stage, 0x3FF, 1, 0xDEAD_BE5A), Verdict::Resume);
    for (size, wanted) in [
        (1, 0x1122_3344_5566_775A),
        (2, 0x1122_3344_5566_FF5A),
        (4, 0xFFFF_FF5A),
    ] {
        stage.set(Gpr::RAX, 0x1122_3344_5566_7788);
        assert_eq!(input(&mut stage, 0x3FF, size), wanted);
    }
}

/// PLT-52.
#[test]
fn bytes_sent_to_the_uart_reach_the_backlog_in_order() {
    let mut stage = Stage::new(1);
    for byte in *b"ok\n" {
        assert_eq!(output(&mut stage, 0x3F8, 1, byte.into()), Verdict::Resume);
    }
    let mut shown = [0; 8];
    assert_eq!(stage.partition.serial.lock().take(&mut shown), 3);
    assert_eq!(&shown[..3], b"ok\n");
}

fn route_uart(stage: &Stage, vector: u8, target: u8) {
    let mut ioapic = stage.partition.ioapic.lock();
    for (index, value) in [(0x18, u32::from(vector)), (0x19, u32::from(target) << 24)] {
        assert!(ioapic.write(0, index).is_none());
        assert!(ioapic.write(0x10, value).is_none());
    }
}

/// PLT-51, PLT-50: enabling the transmitter interrupt raises GSI 4, edge; the
/// target is asleep and its core is woken.
#[test]
fn the_uarts_interrupt_reaches_the_vcpu_that_the_ioapic_names() {
    let mut stage = Stage::new(2);
    stage.peer(1).page.store(Register::SVR, 0x1FF);
    route_uart(&stage, 0x44, 1);
    let mut owner = stage.peer(1).words.claim().unwrap();
    let blocking = owner.begin_block();
    // MCR.OUT2 lets the line out; IER bit 1.
    assert_eq!(output(&mut stage, 0x3FC, 1, 8), Verdict::Resume);
    assert_eq!(output(&mut stage, 0x3F9, 1, 2), Verdict::Resume);
    let requested = stage.peer(1).page.highest_irr();
    assert_eq!(requested.map(|vector| vector.0), Some(0x44));
    assert_eq!(stage.cores.take(), [CpuId(2)]);
    drop(blocking);
}

/// PLT-52: also a guest that leaves the FIFOs off, whose receiver holds one byte,
/// has the next one brought.
#[test]
fn reading_the_last_typed_byte_calls_for_the_next() {
    for (fifo, typed) in [(0, 1), (1, 16)] {
        let mut stage = Stage::new(1);
        assert_eq!(output(&mut stage, 0x3FA, 1, fifo), Verdict::Resume);
        {
            let mut serial = stage.partition.serial.lock();
            (0..typed).for_each(|_| assert!(serial.uart.receive(b'a').taken));
            serial.input_waits = true;
        }
        for left in (0..typed).rev() {
            input(&mut stage, 0x3F8, 1);
            assert_eq!(stage.cores.attention_count(), u32::from(left == 0));
        }
    }
}

/// PLT-42, PLT-03: reset and soft-off end the life, and only their values do.
#[test]
fn reset_and_soft_off_stop_the_partition() {
    let mut stage = Stage::new(1);
    assert_eq!(output(&mut stage, 0xCF9, 1, 2), Verdict::Resume);
    assert_eq!(
        output(&mut stage, 0xCF9, 1, 6),
        Verdict::Stop(StopReason::Reset)
    );
    assert_eq!(output(&mut stage, 0x600, 1, 5 << 2), Verdict::Resume);
    assert_eq!(
        output(&mut stage, 0x600, 1, 1 << 5 | 4 << 2),
        Verdict::Resume
    );
    assert_eq!(
        output(&mut stage, 0x600, 1, 1 << 5 | 5 << 2),
        Verdict::Stop(StopReason::PowerOff)
    );
    assert_eq!(stage.vcpu.event, Event::NONE);
}

/// PLT-42: one element an exit; RIP stays until the count is zero.
#[test]
fn rep_outs_sends_one_element_an_exit() {
    let mut stage = Stage::new(1);
    stage.ram.put(FREE, b"abc");
    stage.code(&[0xF3, 0x6E]);
    stage.set(Gpr::RSI, FREE);
    stage.set(Gpr::RCX, 3);
    for left in [2, 1, 0] {
        assert_eq!(port(&mut stage, 0x3F8, 1, STRING | REP, 2), Verdict::Resume);
        assert_eq!(stage.get(Gpr::RCX), left);
        assert_eq!(stage.advanced(), if left == 0 { 2 } else { 0 });
    }
    assert_eq!(stage.get(Gpr::RSI), FREE + 3);
    let mut shown = [0; 8];
    assert_eq!(stage.partition.serial.lock().take(&mut shown), 3);
    assert_eq!(&shown[..3], b"abc");
}

/// PLT-42.
#[test]
fn rep_with_count_zero_touches_nothing() {
    let mut stage = Stage::new(1);
    stage.code(&[0xF3, 0x6E]);
    stage.set(Gpr::RSI, 0x7000_0000);
    stage.set(Gpr::RCX, 0);
    assert_eq!(port(&mut stage, 0x3F8, 1, STRING | REP, 2), Verdict::Resume);
    assert_eq!((stage.advanced(), stage.get(Gpr::RSI)), (2, 0x7000_0000));
    assert_eq!(stage.partition.serial.lock().waiting(), 0);
}

/// PLT-42: INS goes backwards with DF, and may cross a page.
#[test]
fn ins_writes_ram_downwards_and_across_pages() {
    const DF: u64 = 1 << 10;
    let mut stage = Stage::new(1);
    stage.cpu.vmcb.save.rflags |= DF;
    stage.code(&[0x6D]);
    stage.set(Gpr::RDI, FREE + 0xFFE);
    assert_eq!(
        port(&mut stage, 0x80, 4, STRING | INPUT, 1),
        Verdict::Resume
    );
    assert_eq!((stage.get(Gpr::RDI), stage.advanced()), (FREE + 0xFFA, 1));
    assert_eq!(stage.ram.get_u64(FREE + 0xFF8) >> 48, 0xFFFF);
    assert_eq!(stage.ram.get_u64(FREE + 0x1000), 0xFFFF);
}

/// PLT-42: the address registers have the width of the code.
#[test]
fn in_32_bit_code_string_registers_wrap_at_32_bits() {
    let mut stage = Stage::new(1);
    stage.protected_mode();
    stage.code(&[0xF3, 0x6E]);
    stage.ram.put(FREE, b"z");
    stage.set(Gpr::RSI, 0xFFFF_FFFF_0000_0000 | FREE);
    stage.set(Gpr::RCX, 0xFFFF_FFFF_0000_0001);
    assert_eq!(port(&mut stage, 0x3F8, 1, STRING | REP, 2), Verdict::Resume);
    assert_eq!((stage.get(Gpr::RCX), stage.get(Gpr::RSI)), (0, FREE + 1));
    assert_eq!(stage.advanced(), 2);
}

/// PLT-42: a fault in the memory operand loses no byte of the device.
#[test]
fn ins_into_an_unmapped_page_faults_before_the_port_is_read() {
    let mut stage = Stage::new(1);
    assert!(stage.partition.serial.lock().uart.receive(b'q').taken);
    stage.map_only(CODE, Gpa(CODE), 0x67);
    stage.code(&[0x6C]);
    stage.set(Gpr::RDI, FREE);
    assert_eq!(
        port(&mut stage, 0x3F8, 1, STRING | INPUT, 1),
        Verdict::Resume
    );
    assert_eq!(stage.vcpu.event.vector(), 14);
    assert_eq!((stage.cpu.vmcb.save.cr2, stage.advanced()), (FREE, 0));
    assert_eq!(stage.get(Gpr::RDI), FREE);
    assert_eq!(stage.partition.serial.lock().uart.read(0).value, b'q');
}

/// PLT-42: strings between a port and a hole cannot be right; say so.
#[test]
fn ins_into_a_hole_stops_the_partition() {
    let mut stage = Stage::new(1);
    stage.code(&[0x6C]);
    stage.set(Gpr::RDI, RAM);
    let verdict = port(&mut stage, 0x3F8, 1, STRING | INPUT, 1);
    assert_eq!(verdict, Verdict::Stop(StopReason::OutsideRam { at: RAM }));
}

/// 24593 section 13.1.4: each iteration of a repeated instruction traps, and ends
/// the shadow; else a long one would hold interrupts back to its end.
#[test]
fn an_iteration_that_is_not_the_last_single_steps_and_ends_the_shadow() {
    let mut stage = Stage::new(1);
    stage.code(&[0xF3, 0x6E]);
    stage.set(Gpr::RSI, FREE);
    stage.set(Gpr::RCX, 2);
    stage.cpu.vmcb.save.rflags |= RFLAGS_TF;
    stage.cpu.vmcb.control.interrupt_shadow = 1;
    assert_eq!(port(&mut stage, 0x80, 1, STRING | REP, 2), Verdict::Resume);
    assert_eq!((stage.get(Gpr::RCX), stage.advanced()), (1, 0));
    assert_eq!(stage.cpu.vmcb.control.interrupt_shadow, 0);
    assert_eq!(stage.vcpu.event, Event::exception(1));
    assert_eq!(stage.cpu.vmcb.save.dr6 >> 14 & 1, 1);
}

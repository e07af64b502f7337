//! CPUID, RDMSR, WRMSR, VMMCALL and XSETBV, from the exit to the registers.
#![cfg(not(any(loom, shuttle)))]

use hvcore::decode::regs::Gpr;
use hvcore::exit::Verdict;
use hvcore::ids::VcpuId;
use hvcore::policy::cpuid::Dynamic;
use hvcore::vcpu::counters::Count;
use svm::exit_code::ExitCode;
use svm::vmcb::event::Event;
use testkit::stage::{CODE, FREE, Stage};

const RDMSR: &[u8] = &[0x0F, 0x32];
const WRMSR: &[u8] = &[0x0F, 0x30];
const VMMCALL: &[u8] = &[0x0F, 0x01, 0xD9];
const XSETBV: &[u8] = &[0x0F, 0x01, 0xD1];
const EFER: u32 = 0xC000_0080;
/// #PF code of a fetch while NX is on.
const FETCH: u32 = 1 << 4;
const GP: Event = Event::exception_with_code(13, 0);

fn rdmsr(stage: &mut Stage, msr: u32) -> Option<u64> {
    stage.set(Gpr::RCX, 0xFFFF_FFFF_0000_0000 | u64::from(msr));
    stage.set(Gpr::RAX, u64::MAX);
    stage.set(Gpr::RDX, u64::MAX);
    stage.cpu.vmcb.control.exit_info_1 = 0;
    assert_eq!(stage.instruction(RDMSR, ExitCode::MSR), Verdict::Resume);
    if stage.vcpu.event == GP {
        assert_eq!(stage.advanced(), 0);
        assert_eq!(stage.get(Gpr::RAX), u64::MAX);
        return None;
    }
    assert_eq!((stage.vcpu.event, stage.advanced()), (Event::NONE, 2));
    assert_eq!((stage.get(Gpr::RAX) | stage.get(Gpr::RDX)) >> 32, 0);
    Some(stage.get(Gpr::RDX) << 32 | stage.get(Gpr::RAX))
}

fn wrmsr(stage: &mut Stage, msr: u32, value: u64) -> bool {
    stage.set(Gpr::RCX, msr.into());
    // The upper halves are no part of the value.
    stage.set(Gpr::RAX, 0xDEAD_0000_0000_0000 | value & 0xFFFF_FFFF);
    stage.set(Gpr::RDX, 0xBEEF_0000_0000_0000 | value >> 32);
    stage.cpu.vmcb.control.exit_info_1 = 1;
    assert_eq!(stage.instruction(WRMSR, ExitCode::MSR), Verdict::Resume);
    let done = stage.vcpu.event != GP;
    assert_eq!(stage.advanced(), if done { 2 } else { 0 });
    done
}

/// PLT-40.
#[test]
fn cpuid_is_skipped_with_its_prefixes_and_zeroes_the_upper_halves() {
    for code in [
        &[0x0F, 0xA2][..],
        &[0x66, 0x48, 0x0F, 0xA2],
        &[0xF3, 0x2E, 0x0F, 0xA2],
    ] {
        let mut stage = Stage::new(2);
        stage.paint();
        stage.set(Gpr::RAX, 0xFFFF_FFFF_0000_0001);
        stage.set(Gpr::RCX, 0xFFFF_FFFF_0000_0000);
        assert_eq!(stage.instruction(code, ExitCode::CPUID), Verdict::Resume);
        assert_eq!(stage.advanced(), code.len() as u64);
        let dynamic = Dynamic {
            xcr0: 1,
            osxsave: false,
        };
        let leaf = stage.facts.cpuid.lookup(1, 0, VcpuId(0), dynamic);
        let [a, b, c, d] = [Gpr::RAX, Gpr::RBX, Gpr::RCX, Gpr::RDX].map(|r| stage.get(r));
        assert_eq!((a, b), (leaf.eax.into(), leaf.ebx.into()));
        assert_eq!((c, d), (leaf.ecx.into(), leaf.edx.into()));
    }
}

/// PLT-40.
#[test]
fn the_xsave_leaf_follows_the_core_and_osxsave_follows_cr4() {
    let mut stage = Stage::new(1);
    stage.cpu.xcr0 = 7;
    stage.cpu.vmcb.save.cr4 |= 1 << 18;
    stage.set(Gpr::RAX, 0xD);
    let _resume = stage.instruction(&[0x0F, 0xA2], ExitCode::CPUID);
    assert_eq!(stage.get(Gpr::RBX), 0x340);
    stage.set(Gpr::RAX, 1);
    stage.set(Gpr::RCX, 0);
    let _resume = stage.instruction(&[0x0F, 0xA2], ExitCode::CPUID);
    assert_eq!(stage.get(Gpr::RCX) >> 27 & 1, 1);
}

/// The code page is gone by the time the instruction is looked at.
#[test]
fn cpuid_whose_code_cannot_be_read_changes_no_register() {
    let mut stage = Stage::new(1);
    let before = stage.paint();
    stage.map_only(FREE, hvcore::ids::Gpa(FREE), 0x67);
    assert_eq!(
        stage.instruction(&[0x0F, 0xA2], ExitCode::CPUID),
        Verdict::Resume
    );
    assert_eq!(stage.vcpu.event, Event::exception_with_code(14, FETCH));
    assert_eq!(
        (stage.cpu.vmcb.save.cr2, stage.cpu.vmcb.save.rip),
        (CODE, CODE)
    );
    assert_eq!(stage.vcpu.regs, before);
}

/// PLT-41: EFER is kept, with SVME hidden and fixed.
#[test]
fn efer_hides_svme_and_keeps_it() {
    let mut stage = Stage::new(1);
    let shown = rdmsr(&mut stage, EFER).unwrap();
    assert_eq!(shown, 1 << 8 | 1 << 10 | 1 << 11);
    assert!(wrmsr(&mut stage, EFER, shown | 1));
    assert_eq!(stage.cpu.vmcb.save.efer, shown | 1 | 1 << 12);
    for refused in [1 << 12, 1 << 13, 1 << 15, 1 << 1, 1 << 63] {
        assert!(!wrmsr(&mut stage, EFER, shown | refused), "{refused:#x}");
    }
    // LME is fixed while paging is on; LMA is the processor's.
    assert!(!wrmsr(&mut stage, EFER, 1 << 11));
    assert!(wrmsr(&mut stage, EFER, 1 << 8));
    assert_eq!(stage.cpu.vmcb.save.efer, 1 << 8 | 1 << 10 | 1 << 12);
    assert_eq!(stage.count(Count::MsrFault), 6);
}

/// PLT-41: benign ones read a constant, swallow writes and check nothing else.
#[test]
fn benign_msrs_swallow_writes_and_unknown_ones_fault() {
    let mut stage = Stage::new(1);
    assert_eq!(rdmsr(&mut stage, 0xC001_0015), Some(1 << 24));
    assert!(wrmsr(&mut stage, 0xC001_0015, u64::MAX));
    assert_eq!(rdmsr(&mut stage, 0xC001_0015), Some(1 << 24));
    assert_eq!(stage.vcpu.unknown_msr, None);
    for msr in [0x48, 0xC001_0117, 0x4b56_4d02, 0x802, 0xC001_011B, u32::MAX] {
        assert_eq!(rdmsr(&mut stage, msr), None, "{msr:#x}");
        assert!(!wrmsr(&mut stage, msr, 0), "{msr:#x}");
    }
    assert_eq!(stage.vcpu.unknown_msr, Some(0x48));
}

/// PLT-08, PLT-41.
#[test]
fn the_apic_base_can_be_written_back_and_nothing_else() {
    let mut stage = Stage::new(1);
    let base = rdmsr(&mut stage, 0x1B).unwrap();
    assert_eq!(base, 0xFEE0_0900);
    assert!(wrmsr(&mut stage, 0x1B, base));
    assert!(!wrmsr(&mut stage, 0x1B, base | 1 << 10));
    assert!(!wrmsr(&mut stage, 0x1B, 0));
}

/// PLT-41: a passed MSR exits only where the CPU has none, so it faults; and so
/// does a base that is not canonical.
#[test]
fn a_passed_msr_that_exits_faults() {
    let mut stage = Stage::new(1);
    assert_eq!(rdmsr(&mut stage, 0xC000_0100), None);
    assert!(!wrmsr(&mut stage, 0xC000_0100, 0x8000_0000_0000));
    assert!(!wrmsr(&mut stage, 0xC000_0100, 0));
}

/// PLT-41: kept registers.
#[test]
fn kept_registers_read_back_and_check_their_values() {
    let mut stage = Stage::new(1);
    assert_eq!(rdmsr(&mut stage, 0x10), Some(stage.now.0));
    assert!(wrmsr(&mut stage, 0x277, 0x0007_0406_0007_0401));
    assert_eq!(stage.cpu.vmcb.save.g_pat, 0x0007_0406_0007_0401);
    assert_eq!(rdmsr(&mut stage, 0x277), Some(0x0007_0406_0007_0401));
    assert!(!wrmsr(&mut stage, 0x277, 2));
    assert!(wrmsr(&mut stage, 0x200, 0x8000_0006));
    assert_eq!(rdmsr(&mut stage, 0x200), Some(0x8000_0006));
    assert!(!wrmsr(&mut stage, 0x200, 7));
}

/// PLT-30, PLT-36: the clock page is written at once, and only in RAM.
#[test]
fn the_clock_page_is_filled_by_the_write_that_enables_it() {
    let mut stage = Stage::new(1);
    assert!(wrmsr(&mut stage, 0x4b56_4d01, FREE | 1));
    assert_ne!(stage.ram.get_u64(FREE + 24), 0);
    assert_eq!(rdmsr(&mut stage, 0x4b56_4d01), Some(FREE | 1));
    assert!(!wrmsr(&mut stage, 0x4b56_4d01, 0x7000_0001));
    assert!(wrmsr(&mut stage, 0x4b56_4d01, 0));
    assert_eq!(stage.vcpu.clock_page.address(), None);
}

/// PLT-22.
#[test]
fn a_hypercall_changes_rax_and_nothing_else() {
    for (cpl, answer) in [(0, -1000_i64), (1, -1), (3, -1)] {
        let mut stage = Stage::new(1);
        let mut wanted = stage.paint();
        wanted.gpr[0] = answer as u64;
        stage.cpu.vmcb.save.cpl = cpl;
        let verdict = stage.instruction(VMMCALL, ExitCode::VMMCALL);
        assert_eq!((verdict, stage.advanced()), (Verdict::Resume, 3));
        assert_eq!(stage.vcpu.regs, wanted);
        assert_eq!(stage.count(Count::Hypercall), 1);
    }
}

/// PLT-22.
#[test]
fn a_hypercall_whose_code_is_gone_faults_and_keeps_rax() {
    let mut stage = Stage::new(1);
    let before = stage.paint();
    stage.map_only(FREE, hvcore::ids::Gpa(FREE), 0x67);
    let _resume = stage.instruction(VMMCALL, ExitCode::VMMCALL);
    assert_eq!(stage.vcpu.event, Event::exception_with_code(14, FETCH));
    assert_eq!(stage.vcpu.regs, before);
}

/// PLT-60: the value is checked, then becomes the core's.
#[test]
fn xsetbv_takes_what_the_host_has_and_nothing_else() {
    let mut stage = Stage::new(1);
    for (register, value, taken) in [
        (0, 7, true),
        (0, 1, true),
        (0, 0, false),
        (0, 5, false),
        (0, 15, false),
        (1, 1, false),
    ] {
        stage.set(Gpr::RCX, register);
        stage.set(Gpr::RDX, 0xFFFF_FFFF_0000_0000);
        stage.set(Gpr::RAX, 0xFFFF_FFFF_0000_0000 | value);
        stage.cpu.xcr0 = 3;
        assert_eq!(stage.instruction(XSETBV, ExitCode::XSETBV), Verdict::Resume);
        assert_eq!(stage.advanced() == 3, taken, "{register} {value}");
        assert_eq!(stage.vcpu.event == GP, !taken);
        assert_eq!(stage.cpu.xcr0, if taken { value } else { 3 });
    }
}

/// PLT-60: the intercept comes before the privilege check, so
/// the check is ours: XCR0 is the kernel's.
#[test]
fn user_code_cannot_set_xcr0() {
    let mut stage = Stage::new(1);
    stage.cpu.vmcb.save.cpl = 3;
    stage.set(Gpr::RAX, 3);
    assert_eq!(stage.instruction(XSETBV, ExitCode::XSETBV), Verdict::Resume);
    assert_eq!((stage.vcpu.event, stage.cpu.xcr0), (GP, 1));
}

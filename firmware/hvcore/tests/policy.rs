//! What guests may see and touch: the policy tables, claim by claim.
#![allow(missing_docs)]

use abi::kvm::msr as kvm;
use hvcore::ids::{Gpa, VcpuId};
use hvcore::policy::efer::{self, Efer, ReservedBits};
use hvcore::policy::msr::{
    Kept, MsrPolicy, MsrRead, MsrWrite, PASSED, PAT_RESET, apic_base, number,
};
use hvcore::policy::mtrr::{self, MtrrRegister, Mtrrs};
use hvcore::policy::port_io::{self, Owner, PortRead, PortWrite};
use hvcore::policy::{cpuid, mmio, msr_map};
use proptest::prelude::*;

const VCPU: VcpuId = VcpuId(1);

/// A host with every optional MSR.
fn full_host() -> cpuid::HostCpuid {
    cpuid::HostCpuid::capture(|leaf, _| match leaf {
        0 => cpuid::Regs {
            eax: 0x10,
            ..cpuid::Regs::ZERO
        },
        0x8000_0000 => cpuid::Regs {
            eax: 0x8000_0021,
            ..cpuid::Regs::ZERO
        },
        0x8000_0008 => cpuid::Regs {
            eax: 0x3030,
            ebx: !0,
            ecx: !0,
            edx: !0,
        },
        _ => cpuid::Regs {
            eax: !0,
            ebx: !0,
            ecx: !0,
            edx: !0,
        },
    })
}

fn full() -> MsrPolicy {
    MsrPolicy::new(&full_host())
}

fn bare() -> MsrPolicy {
    MsrPolicy::new(&cpuid::HostCpuid::default())
}

/// Every number the table knows, and nothing else may be known.
fn known(msr: u32) -> bool {
    const LIST: [u32; 43] = [
        0x10,
        0x11,
        0x12,
        0x1B,
        0x49,
        0x8B,
        0xFE,
        0x174,
        0x175,
        0x176,
        0x1D9,
        0x250,
        0x258,
        0x259,
        0x277,
        0x2FF,
        0x6E0,
        0x4b56_4d00,
        0x4b56_4d01,
        0xC000_0080,
        0xC000_0081,
        0xC000_0082,
        0xC000_0083,
        0xC000_0084,
        0xC000_0100,
        0xC000_0101,
        0xC000_0102,
        0xC000_0103,
        0xC001_0010,
        0xC001_0015,
        0xC001_001A,
        0xC001_001D,
        0xC001_0055,
        0xC001_0114,
        0xC001_1020,
        0xC001_1021,
        0xC001_1023,
        0xC001_001F,
        0xC001_1028,
        0xC001_1029,
        0xC001_102A,
        0xC001_102E,
        0x49,
    ];
    LIST.contains(&msr) || matches!(msr, 0x200..=0x20F | 0x268..=0x26F)
}

/// PLT-41: all numbers of the three architectural ranges and around KVM's.
#[test]
fn exactly_the_listed_msrs_exist() {
    for base in [0, 0xC000_0000, 0xC001_0000, 0x4b56_4c00] {
        for msr in base..base + 0x3000 {
            let read = full().read(msr, VCPU);
            assert_eq!(
                read != MsrRead::Fault || msr == number::PRED_CMD,
                known(msr),
                "{msr:#x} {read:?}"
            );
            let write = full().write(msr, 0, VCPU);
            let read_only = matches!(msr, number::MTRR_CAP | number::APIC_BASE);
            assert_eq!(
                write != MsrWrite::Fault,
                known(msr) && !read_only,
                "{msr:#x} {write:?}"
            );
        }
    }
}

/// APF-04: no asynchronous page faults yet, so no MSRs for them either.
#[test]
fn msrs_of_features_not_offered_do_not_exist() {
    for msr in kvm::ASYNC_PF_ENABLE..=kvm::ASYNC_PF_ACK {
        assert_eq!(full().read(msr, VCPU), MsrRead::Fault);
        assert_eq!(full().write(msr, 0, VCPU), MsrWrite::Fault);
    }
    for msr in [number::TSC_AUX, number::PRED_CMD] {
        assert_eq!(bare().write(msr, 0, VCPU), MsrWrite::Fault);
        assert_eq!(full().write(msr, 0, VCPU), MsrWrite::Pass);
    }
    assert_eq!(bare().read(number::TSC_AUX, VCPU), MsrRead::Fault);
}

/// PLT-34, PLT-41: values kernels look at.
#[test]
fn benign_registers_tell_what_kernels_expect() {
    let read = |msr| full().read(msr, VCPU);
    assert_eq!(read(number::HWCR), MsrRead::Benign(0x0100_0000));
    assert_eq!(read(number::VM_CR), MsrRead::Benign(0x18));
    assert_eq!(read(number::DE_CFG), MsrRead::Benign(2));
    assert_eq!(read(number::PATCH_LEVEL), MsrRead::Benign(0));
    assert_eq!(full().write(number::HWCR, 0x10, VCPU), MsrWrite::Ignore);
    assert_eq!(full().write(number::DE_CFG, !0, VCPU), MsrWrite::Ignore);
}

/// PLT-08: xAPIC at its place, immovable; the first vCPU is the boot processor.
#[test]
fn the_apic_neither_moves_nor_goes_away() {
    assert_eq!(
        full().read(number::APIC_BASE, VcpuId(0)),
        MsrRead::Benign(0xFEE0_0900)
    );
    assert_eq!(
        full().read(number::APIC_BASE, VcpuId(7)),
        MsrRead::Benign(0xFEE0_0800)
    );
    let same = apic_base(VCPU);
    assert_eq!(
        full().write(number::APIC_BASE, same, VCPU),
        MsrWrite::Ignore
    );
    for other in [
        same ^ 0x800,
        same ^ 0x400,
        same ^ 0x100,
        same ^ 0x1000,
        same | 1 << 63,
        0,
    ] {
        assert_eq!(
            full().write(number::APIC_BASE, other, VCPU),
            MsrWrite::Fault,
            "{other:#x}"
        );
    }
}

/// PLT-41: what the emulated processor forgets to check.
#[test]
fn a_non_canonical_base_faults() {
    use number::*;
    for msr in [
        FS_BASE,
        GS_BASE,
        KERNEL_GS_BASE,
        LSTAR,
        CSTAR,
        SYSENTER_ESP,
        SYSENTER_EIP,
    ] {
        for good in [0, 0x7FFF_FFFF_FFFF, 0xFFFF_8000_0000_0000, !0] {
            assert_eq!(
                full().write(msr, good, VCPU),
                MsrWrite::Pass,
                "{msr:#x} {good:#x}"
            );
        }
        for bad in [0x8000_0000_0000, 0xFFFF_7FFF_FFFF_FFFF, 1 << 63] {
            assert_eq!(
                full().write(msr, bad, VCPU),
                MsrWrite::Fault,
                "{msr:#x} {bad:#x}"
            );
        }
    }
    assert_eq!(full().write(STAR, 1 << 63, VCPU), MsrWrite::Pass);
    assert_eq!(full().write(SFMASK, 1 << 32, VCPU), MsrWrite::Fault);
    assert_eq!(full().write(PRED_CMD, 2, VCPU), MsrWrite::Fault);
    assert_eq!(full().read(PRED_CMD, VCPU), MsrRead::Fault);
}

#[test]
fn a_pat_with_a_reserved_type_faults() {
    let pat = MsrWrite::Emulate(Kept::Pat);
    assert_eq!(full().write(number::PAT, PAT_RESET, VCPU), pat);
    assert_eq!(full().write(number::PAT, 0x0407_0105_0600_0706, VCPU), pat);
    for byte in 0..8 {
        for reserved in [2, 3, 8, 0x80, 0xFF] {
            assert_eq!(
                full().write(number::PAT, reserved << (8 * byte), VCPU),
                MsrWrite::Fault
            );
        }
    }
}

#[test]
fn a_write_of_the_tsc_does_not_part_the_clocks() {
    assert_eq!(full().read(number::TSC, VCPU), MsrRead::Emulate(Kept::Tsc));
    assert_eq!(full().write(number::TSC, 0, VCPU), MsrWrite::Ignore);
}

#[test]
fn debugctl_takes_architectural_bits_only() {
    assert_eq!(full().write(number::DEBUGCTL, 0x3F, VCPU), MsrWrite::Ignore);
    assert_eq!(full().write(number::DEBUGCTL, 0x40, VCPU), MsrWrite::Fault);
}

/// PLT-41: the shadows read back, start as write-back, refuse what silicon refuses.
#[test]
fn mtrr_shadows_hold_what_was_written() {
    let mut shadows = Mtrrs::reset();
    assert_eq!(shadows.read(MtrrRegister::DefaultType), 0x806);
    let mut numbers: Vec<u32> = (0x200..0x210).chain(0x268..0x270).collect();
    numbers.extend([0x250, 0x258, 0x259, 0x2FF]);
    let registers: Vec<_> = numbers
        .iter()
        .map(|msr| mtrr::register(*msr).unwrap())
        .collect();
    for (rank, register) in registers.iter().enumerate() {
        shadows.write(*register, rank as u64 + 100);
    }
    for (rank, register) in registers.iter().enumerate() {
        assert_eq!(shadows.read(*register), rank as u64 + 100, "{register:?}");
    }
    let write = |msr, value| full().write(msr, value, VCPU) != MsrWrite::Fault;
    assert!(write(0x2FF, 0xC06) && !write(0x2FF, 0xC02) && !write(0x2FF, 0x1006));
    assert!(write(0x200, 0xFFFF_8000_0006) && !write(0x200, 1 << 48) && !write(0x200, 0x106));
    assert!(write(0x201, 0xFFFF_8000_0800) && !write(0x201, 0x400) && !write(0x201, 1 << 48));
    assert!(write(0x26F, 0x0001_0405_0606_0606) && !write(0x26F, 0x0300_0000_0000_0000));
    assert_eq!(full().read(number::MTRR_CAP, VCPU), MsrRead::Benign(0x508));
}

/// PLT-41: SVME stays set below the guest and is never shown to it.
#[test]
fn efer_keeps_svme_and_hides_it() {
    let writable = efer::writable(&full_host());
    let in_vmcb = (Efer::SVME | Efer::LME | Efer::LMA).bits();
    assert_eq!(efer::shown(in_vmcb), 0x500);
    let after = efer::after_write(in_vmcb, 0xD01, writable, true);
    assert_eq!(after, Ok(0x1D01));
    assert_eq!(
        efer::after_write(in_vmcb, 0x1500, writable, true),
        Err(ReservedBits)
    );
    assert_eq!(
        efer::after_write(in_vmcb, 0x2500, writable, true),
        Err(ReservedBits)
    );
    assert_eq!(
        efer::after_write(in_vmcb, 1 << 63 | 0x500, writable, true),
        Err(ReservedBits)
    );
}

#[test]
fn long_mode_cannot_be_switched_while_paging() {
    let writable = efer::writable(&full_host());
    let off = Efer::SVME.bits();
    assert_eq!(
        efer::after_write(off, 0x100, writable, true),
        Err(ReservedBits)
    );
    assert_eq!(efer::after_write(off, 0x100, writable, false), Ok(0x1100));
    assert_eq!(
        efer::after_write(0x1500, 0, writable, true),
        Err(ReservedBits)
    );
    // A write of LMA is lost, as silicon does.
    assert_eq!(efer::after_write(off, 0x400, writable, false), Ok(0x1000));
}

#[test]
fn efer_bits_follow_the_host() {
    let writable = efer::writable(&cpuid::HostCpuid::default());
    assert_eq!(
        efer::after_write(0x1000, 0x800, writable, false),
        Err(ReservedBits)
    );
    assert_eq!(
        efer::after_write(0x1000, 0x4000, writable, false),
        Err(ReservedBits)
    );
    assert_eq!(efer::after_write(0x1000, 1, writable, false), Ok(0x1001));
}

/// The map is built row by row from the rule in the manual: nothing passes that
/// the table does not pass, and what passes is the guest's own.
#[test]
fn the_permission_map_passes_only_the_guests_own_registers() {
    for policy in [full(), bare()] {
        let mut map = [0; msr_map::BYTES];
        msr_map::fill(&policy, &mut map);
        let mut open = Vec::new();
        for (range, base) in [0, 0xC000_0000_u32, 0xC001_0000].into_iter().enumerate() {
            for rank in 0..0x2000_u32 {
                let byte = map[range * 2048 + rank as usize / 4];
                let bits = byte >> (rank % 4 * 2) & 3;
                if bits != 3 {
                    open.push((base + rank, bits & 1 == 0, bits & 2 == 0));
                }
            }
        }
        for (msr, read, write) in &open {
            assert_eq!(*read, policy.read(*msr, VCPU) == MsrRead::Pass, "{msr:#x}");
            assert_eq!(
                *write,
                policy.write(*msr, 0, VCPU) == MsrWrite::Pass,
                "{msr:#x}"
            );
        }
        assert!(map[3 * 2048..].iter().all(|byte| *byte == 0xFF));
        let expected = if policy == full() {
            PASSED.len()
        } else {
            PASSED.len() - 2
        };
        assert_eq!(open.len(), expected);
    }
}

/// PLT-42: the ports by their owners.
#[test]
fn only_the_uart_and_the_power_registers_own_ports() {
    for port in 0..=u16::MAX {
        let expected = match port {
            0x3F8..=0x3FF => Owner::Uart((port - 0x3F8) as u8),
            0x600 => Owner::SleepControl,
            0x601 => Owner::SleepStatus,
            0xCF9 => Owner::Reset,
            _ => Owner::Nobody,
        };
        assert_eq!(port_io::owner(port), expected);
    }
}

/// PLT-05, PLT-42: PIC, PIT, keyboard, CMOS, PCI: nobody is at home.
#[test]
fn unclaimed_ports_read_all_ones_and_lose_writes() {
    for port in [
        0x20, 0x21, 0xA1, 0x40, 0x43, 0x61, 0x64, 0x71, 0x80, 0x92, 0x4D0, 0xCF8, 0xCFC, 0x2F8,
        0x3DA,
    ] {
        assert_eq!(port_io::read(port, 1), PortRead::Value(0xFF));
        assert_eq!(port_io::read(port, 2), PortRead::Value(0xFFFF));
        assert_eq!(port_io::read(port, 4), PortRead::Value(0xFFFF_FFFF));
        assert_eq!(port_io::write(port, 0x8000_0006), PortWrite::Ignore);
    }
}

/// PLT-03: the values the ACPI tables name have an effect, no others.
#[test]
fn power_off_and_reset_need_their_exact_bits() {
    assert_eq!(port_io::write(0x600, 5 << 2 | 1 << 5), PortWrite::PowerOff);
    assert_eq!(port_io::write(0x600, 5 << 2), PortWrite::Ignore);
    assert_eq!(port_io::write(0x600, 1 << 5), PortWrite::Ignore);
    assert_eq!(port_io::write(0x601, 0x80), PortWrite::Ignore);
    assert_eq!(port_io::write(0xCF9, 0x02), PortWrite::Ignore);
    assert_eq!(port_io::write(0xCF9, 0x06), PortWrite::Reset);
    assert_eq!(port_io::write(0xCF9, 0x0E), PortWrite::Reset);
    assert_eq!(port_io::write(0x3F8, 0xAA41), PortWrite::Uart(0, 0x41));
    assert_eq!(port_io::read(0x3FD, 1), PortRead::Uart(5));
    assert_eq!(port_io::read(0x601, 2), PortRead::Value(0xFF00));
}

#[test]
fn every_port_exits() {
    let mut map = [0; port_io::MAP_BYTES];
    port_io::fill_map(&mut map);
    assert!(map.iter().all(|byte| *byte == 0xFF));
}

/// PLT-43: two pages answer, all else is open bus and counted.
#[test]
fn addresses_without_a_device_read_all_ones() {
    assert_eq!(mmio::owner(Gpa(0xFEE0_0320)), mmio::Owner::LocalApic(0x320));
    assert_eq!(mmio::owner(Gpa(0xFEC0_0010)), mmio::Owner::IoApic(0x10));
    for at in [
        0xC000_0000,
        0xFEBF_FFFF,
        0xFEC0_1000,
        0xFED0_0000,
        0xFEDF_FFFF,
        0xFEE0_1000,
        1 << 40,
    ] {
        assert_eq!(mmio::owner(Gpa(at)), mmio::Owner::Nobody, "{at:#x}");
    }
    let mut count = mmio::Unanswered::default();
    let widths = [
        (1, 0xFF),
        (2, 0xFFFF),
        (4, 0xFFFF_FFFF),
        (8, u64::MAX),
        (255, u64::MAX),
    ];
    for (size, value) in widths {
        assert_eq!(count.read(Gpa(0xFED0_0000), size), value);
    }
    count.write(Gpa(0xFED0_0008));
    assert_eq!((count.reads, count.writes, count.last), (5, 1, 0xFED0_0008));
}

proptest! {
    /// PLT-41: what is not listed does not exist, whatever the number and value.
    #[test]
    fn unknown_msrs_fault(msr in any::<u32>(), value in any::<u64>()) {
        prop_assume!(!known(msr));
        prop_assert_eq!(full().read(msr, VCPU), MsrRead::Fault);
        prop_assert_eq!(full().write(msr, value, VCPU), MsrWrite::Fault);
    }

    /// No value makes a guest's EFER lose SVME, gain a reserved bit, or gain LMA.
    #[test]
    fn no_write_frees_efer(value in any::<u64>(), paging in any::<bool>()) {
        if let Ok(after) = efer::after_write(0x1000, value, efer::writable(&full_host()), paging) {
            prop_assert_eq!(after & 0x1400, 0x1000);
            prop_assert_eq!(after & !0x5901, 0);
        }
    }
}

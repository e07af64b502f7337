//! CPUID as a guest sees it, against two kinds of host.
#![allow(missing_docs)]

use hvcore::ids::VcpuId;
use hvcore::policy::cpuid::{CpuidTable, Dynamic, HostCpuid, Platform, Regs};
use proptest::prelude::*;

const OFF: Dynamic = Dynamic {
    xcr0: 1,
    osxsave: false,
};
const ON: Dynamic = Dynamic {
    xcr0: 7,
    osxsave: true,
};

fn regs(eax: u32, ebx: u32, ecx: u32, edx: u32) -> Regs {
    Regs { eax, ebx, ecx, edx }
}

/// A host that has every feature there is and ever will be.
fn proud_host() -> HostCpuid {
    HostCpuid::capture(|leaf, subleaf| match (leaf, subleaf) {
        (0, _) => regs(0x20, 0, 0, 0),
        (0x8000_0000, _) => regs(0x8000_0030, 0, 0, 0),
        (1, _) => regs(0x00A2_0F12, 0x1F20_0800, !0, !0),
        (0xD, 0) => regs(0x2E7, 0x980, 0x988, 0),
        (0xD, 1) => regs(0xF, 0, 0, 0),
        (0xD, 2) => regs(256, 576, 0, 0),
        (0x8000_0002, _) => regs(0x2044_4D41, 1, 2, 3),
        (0x8000_0008, _) => regs(0x3930, !0, 0x701F, 0x1_0007),
        (0x8000_001D, i @ 0..=2) => regs(1 | 1 << 5 | 1 << 14 | i << 20, 63, 63, 0),
        (0x8000_001D, 3) => regs(3 | 3 << 5 | 15 << 14, 63, 1023, 0),
        (0x8000_001D, _) => regs(0, 0, 0, 0),
        _ => regs(!0, !0, !0, !0),
    })
}

fn platform(vcpus: u8) -> Platform {
    Platform {
        vcpus,
        tsc_khz: 2_445_123,
        stable_tsc: true,
    }
}

fn proud(vcpus: u8) -> CpuidTable {
    CpuidTable::new(&proud_host(), platform(vcpus))
}

fn poor(vcpus: u8) -> CpuidTable {
    CpuidTable::new(&HostCpuid::default(), platform(vcpus))
}

fn ask(table: &CpuidTable, leaf: u32) -> Regs {
    table.lookup(leaf, 0, VcpuId(0), OFF)
}

/// APF-01, PLT-20: signature, highest leaf, and bit 31 that makes a guest look.
#[test]
fn the_guest_finds_kvm() {
    for table in [proud(2), poor(2)] {
        assert_eq!(ask(&table, 1).ecx >> 31, 1);
        let leaf = ask(&table, 0x4000_0000);
        assert_eq!(leaf, regs(0x4000_0010, 0x4b4d_564b, 0x564b_4d56, 0x4d));
    }
}

/// PLT-20, APF-03, APF-04: exactly what is implemented. Asynchronous page faults
/// (bits 4 and 14) wait for paging.
#[test]
fn exactly_the_implemented_kvm_features_are_offered() {
    assert_eq!(ask(&proud(2), 0x4000_0001), regs(1 << 24 | 0b1011, 0, 0, 1));
    let unstable = CpuidTable::new(
        &proud_host(),
        Platform {
            stable_tsc: false,
            ..platform(2)
        },
    );
    assert_eq!(ask(&unstable, 0x4000_0001).eax, 0b1011);
    assert_eq!(ask(&unstable, 0x8000_0007).edx, 0);
}

/// PLT-32: TSC and APIC timer frequency in kHz.
#[test]
fn the_timing_leaf_tells_both_clocks() {
    assert_eq!(
        ask(&proud(2), 0x4000_0010),
        regs(2_445_123, 1_000_000, 0, 0)
    );
}

/// PLT-40: vendor and highest leaves.
#[test]
fn the_guest_is_an_amd_processor() {
    let leaf = ask(&proud(2), 0);
    let name = [leaf.ebx, leaf.edx, leaf.ecx]
        .map(u32::to_le_bytes)
        .concat();
    assert_eq!((leaf.eax, &name[..]), (0xD, &b"AuthenticAMD"[..]));
    assert_eq!(ask(&proud(2), 0x8000_0000).eax, 0x8000_0021);
    assert_eq!(ask(&proud(2), 1).eax, 0x00A2_0F12);
    assert_eq!(ask(&proud(2), 0x8000_0002), proud_host().brand[0]);
}

/// PLT-06, PLT-07, PLT-08, PLT-34, PLT-40.
#[test]
fn what_must_not_be_seen_is_hidden_from_a_host_that_has_it() {
    let table = proud(8);
    let (one, seven) = (ask(&table, 1), ask(&table, 7));
    assert_eq!(one.ecx >> 21 & 1, 0, "x2APIC");
    assert_eq!(one.ecx >> 3 & 1, 0, "MONITOR");
    assert_eq!(one.ecx >> 27 & 1, 0, "OSXSAVE while CR4 says no");
    assert_eq!(one.ecx >> 24 & 1, 1, "TSC deadline");
    assert_eq!(one.edx & (1 << 7 | 1 << 14), 0, "machine check");
    assert_eq!(seven.ecx & (1 << 3 | 1 << 16), 0, "PKU, LA57");
    assert_eq!(seven.ebx & (1 << 16 | 1 << 1), 0, "AVX-512, TSC_ADJUST");
    let extended = ask(&table, 0x8000_0001);
    let hidden = [2, 3, 10, 12, 13, 15, 19, 23, 24, 26, 27, 28, 29];
    assert_eq!(
        hidden
            .iter()
            .filter(|bit| extended.ecx >> **bit & 1 == 1)
            .count(),
        0
    );
    assert_eq!(ask(&table, 0x8000_000A), Regs::ZERO, "SVM");
    assert_eq!(ask(&table, 0x8000_001F), Regs::ZERO, "SEV");
    assert_eq!(ask(&table, 0x8000_001B), Regs::ZERO, "IBS");
    assert_eq!(ask(&table, 5), Regs::ZERO, "MWAIT");
    assert_eq!(ask(&table, 6), Regs::ZERO, "APERF");
    assert_eq!(ask(&table, 0xA), Regs::ZERO, "PMU");
    assert_eq!(
        ask(&table, 0x8000_0008).ebx & (1 << 4 | 1 << 14 | 1 << 15 | 1 << 24),
        0
    );
    assert_eq!(
        ask(&table, 0x8000_0007).edx,
        1 << 8,
        "invariant TSC and nothing else"
    );
}

/// PLT-40: APIC id = vCPU index in every leaf that names it, one thread a core.
#[test]
fn topology_leaves_agree() {
    for vcpus in 1..=8_u8 {
        let table = proud(vcpus);
        let bits = u32::from(vcpus).next_power_of_two().trailing_zeros();
        for id in 0..vcpus {
            let get = |leaf, subleaf| table.lookup(leaf, subleaf, VcpuId(id), OFF);
            let (id, n) = (u32::from(id), u32::from(vcpus));
            assert_eq!(get(1, 0).ebx, id << 24 | n << 16 | 0x0800);
            assert_eq!(get(1, 0).edx >> 28 & 1, u32::from(vcpus > 1));
            assert_eq!(get(0xB, 0), regs(0, 1, 0x100, id));
            assert_eq!(get(0xB, 1), regs(bits, n, 0x201, id));
            assert_eq!(get(0xB, 2), regs(0, 0, 2, id));
            assert_eq!(get(0x8000_0008, 0).ecx, bits << 12 | (n - 1));
            assert_eq!(get(0x8000_001E, 0), regs(id, id, 0, 0));
        }
    }
}

/// PLT-40: one core's caches are its own, the third level is everybody's.
#[test]
fn caches_are_shared_as_the_guest_is_built() {
    let table = proud(4);
    let sharing = |i| table.lookup(0x8000_001D, i, VcpuId(0), OFF).eax >> 14 & 0xFFF;
    assert_eq!(
        [sharing(0), sharing(1), sharing(2), sharing(3)],
        [0, 0, 0, 3]
    );
    assert_eq!(table.lookup(0x8000_001D, 4, VcpuId(0), OFF), Regs::ZERO);
    assert_eq!(table.lookup(0x8000_001D, 3, VcpuId(0), OFF).ecx, 1023);
}

/// PLT-40: leaf D follows XCR0; state beyond AVX does not exist.
#[test]
fn xsave_sizes_follow_xcr0() {
    let table = proud(1);
    let get = |subleaf, now| table.lookup(0xD, subleaf, VcpuId(0), now);
    assert_eq!(get(0, OFF), regs(7, 576, 832, 0));
    assert_eq!(get(0, ON), regs(7, 832, 832, 0));
    assert_eq!(get(1, OFF), regs(7, 576, 0, 0));
    assert_eq!(get(1, ON), regs(7, 832, 0, 0));
    assert_eq!(get(2, ON), regs(256, 576, 0, 0));
    for subleaf in [3, 9, 63, u32::MAX] {
        assert_eq!(get(subleaf, ON), Regs::ZERO);
    }
    assert_eq!(proud_host().guest_xcr0(), 7);
}

#[test]
fn osxsave_mirrors_cr4() {
    let bit = |table: &CpuidTable, now| table.lookup(1, 0, VcpuId(0), now).ecx >> 27 & 1;
    assert_eq!((bit(&proud(1), OFF), bit(&proud(1), ON)), (0, 1));
    assert_eq!(bit(&poor(1), ON), 0, "no XSAVE, no OSXSAVE");
}

/// A host with XSAVE but without AVX: nothing that needs AVX state is left.
#[test]
fn without_avx_its_dependants_go_too() {
    let mut host = proud_host();
    host.xsave.eax = 3;
    let table = CpuidTable::new(&host, platform(1));
    assert_eq!(ask(&table, 1).ecx & (1 << 28 | 1 << 12 | 1 << 29), 0);
    assert_eq!(ask(&table, 7).ebx & 1 << 5, 0);
    assert_eq!(ask(&table, 7).ecx & (1 << 9 | 1 << 10), 0);
    assert_eq!(ask(&table, 0x8000_0001).ecx & (1 << 11 | 1 << 16), 0);
    assert_eq!(ask(&table, 0xD), regs(3, 576, 576, 0));
    assert_eq!(table.lookup(0xD, 2, VcpuId(0), ON), Regs::ZERO);
}

/// PLT-40: a host without features gives a guest without features.
#[test]
fn nothing_is_invented() {
    let table = poor(1);
    assert_eq!(ask(&table, 1), regs(0, 1 << 16, 1 << 31 | 1 << 24, 0));
    assert_eq!(ask(&table, 7), Regs::ZERO);
    assert_eq!(ask(&table, 0xD), Regs::ZERO);
    assert_eq!(ask(&table, 0x8000_0001), Regs::ZERO);
    assert_eq!(ask(&table, 0x8000_001E), Regs::ZERO);
}

proptest! {
    /// PLT-40: no feature register shows a bit that the host lacks, except the
    /// ones that are emulated.
    #[test]
    fn only_what_the_host_has_is_shown(a in any::<[u32; 4]>(), b in any::<[u32; 4]>(), vcpus in 1..=8_u8) {
        let host = HostCpuid {
            features: regs(a[0], a[1], a[2], a[3]),
            structured: regs(b[0], b[1], b[2], b[3]),
            extended: regs(b[3], a[1], b[0], a[2]),
            sizes: regs(0x3030, a[0], 0, 0),
            xsave: regs(b[1], 0, 0, 0),
            ..HostCpuid::default()
        };
        let table = CpuidTable::new(&host, platform(vcpus));
        let emulated = 1 << 31 | 1 << 24;
        prop_assert_eq!(ask(&table, 1).ecx & !host.features.ecx & !emulated, 0);
        prop_assert_eq!(ask(&table, 1).edx & !host.features.edx & !(1 << 28), 0);
        prop_assert_eq!(ask(&table, 7).ebx & !host.structured.ebx, 0);
        prop_assert_eq!(ask(&table, 7).ecx & !host.structured.ecx, 0);
        prop_assert_eq!(ask(&table, 7).edx & !host.structured.edx, 0);
        prop_assert_eq!(ask(&table, 0x8000_0001).ecx & !host.extended.ecx, 0);
        prop_assert_eq!(ask(&table, 0x8000_0001).edx & !host.extended.edx, 0);
        prop_assert_eq!(ask(&table, 0x8000_0008).ebx & !host.sizes.ebx, 0);
        prop_assert_eq!(ask(&table, 0xD).eax & !host.xsave.eax, 0);
    }

    /// PLT-40: unknown leaves are zeros.
    #[test]
    fn unknown_leaves_are_zeros(leaf in any::<u32>(), subleaf in any::<u32>()) {
        prop_assume!(!(0..=0xD).contains(&leaf) && !(0x8000_0000..=0x8000_0021).contains(&leaf));
        prop_assume!(!matches!(leaf, 0x4000_0000 | 0x4000_0001 | 0x4000_0010));
        prop_assert_eq!(proud(8).lookup(leaf, subleaf, VcpuId(3), ON), Regs::ZERO);
    }
}

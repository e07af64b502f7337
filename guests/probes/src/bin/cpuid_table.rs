//! CPUID shows the partition's machine and nothing more of the host's.
//!
//! Owns the claims of PLT-08, PLT-20 and PLT-40 as a guest can check them: every bit that promises a
//! facility is tried or compared with its twin, every facility withheld reads as absent, on each CPU.
//! Manual: 24594 appendix E.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]

use core::arch::x86_64::CpuidResult;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use probes::{claim, require};
use rt::{cpuid, fault, smp, tsc};

fn cpuid_table() {
    basic();
    withheld();
    extended();
    hypervisor();
    xsave();
    beyond();
    every_cpu();
}

fn text(words: [u32; 3]) -> [u8; 12] {
    let mut bytes = [0; 12];
    for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn basic() {
    let zero = cpuid::leaf(0);
    claim!(
        &text([zero.ebx, zero.edx, zero.ecx]) == b"AuthenticAMD",
        "the vendor is AuthenticAMD"
    );
    claim!(zero.eax >= 0xD, "leaves up to XSAVE exist");
    let one = cpuid::leaf(1);
    claim!(one.ecx >> 31 == 1, "a hypervisor is announced");
    claim!(one.edx & 1 << 9 != 0, "a local APIC is announced");
    claim!(
        one.ecx & 1 << 24 != 0,
        "the TSC deadline timer is announced"
    );
    claim!(
        one.ebx >> 16 & 0xFF == 2,
        "two logical processors are counted"
    );
    claim!(
        one.edx & 1 << 28 != 0,
        "more than one logical processor is announced"
    );
}

fn withheld() {
    let one = cpuid::leaf(1);
    claim!(one.ecx & 1 << 21 == 0, "x2APIC is withheld");
    claim!(one.ecx & 1 << 3 == 0, "MONITOR is withheld");
    claim!(absent(cpuid::leaf(5)), "the MONITOR leaf is empty");
    claim!(cpuid::leaf(6).ecx & 1 == 0, "APERF and MPERF are withheld");
    claim!(
        cpuid::leaf(0x8000_0001).ecx & 1 << 2 == 0,
        "SVM is withheld"
    );
    claim!(absent(cpuid::leaf(0x8000_000A)), "the SVM leaf is empty");
}

fn absent(answer: CpuidResult) -> bool {
    answer.eax | answer.ebx | answer.ecx | answer.edx == 0
}

fn extended() {
    claim!(
        cpuid::leaf(0x8000_0000).eax >= 0x8000_0008,
        "extended leaves up to the address sizes exist"
    );
    let features = cpuid::leaf(0x8000_0001);
    claim!(features.edx & 1 << 29 != 0, "long mode is announced");
    claim!(
        features.edx & 0x0183_F3FF == cpuid::leaf(1).edx & 0x0183_F3FF,
        "the repeated feature bits agree"
    );
    let sizes = cpuid::leaf(0x8000_0008);
    claim!(
        (36..=52).contains(&(sizes.eax & 0xFF)),
        "physical addresses have 36 to 52 bits"
    );
    claim!(sizes.ecx & 0xFF == 1, "the core count is the partition's");
}

fn hypervisor() {
    let base = cpuid::leaf(cpuid::KVM_BASE);
    claim!(
        &text([base.ebx, base.ecx, base.edx]) == b"KVMKVMKVM\0\0\0",
        "the signature is KVM's"
    );
    claim!(
        base.eax >= cpuid::KVM_TIMING,
        "the timing leaf is within the range"
    );
    let offered = cpuid::leaf(cpuid::KVM_BASE + 1).eax;
    claim!(offered & 1 << 3 != 0, "the paravirtual clock is offered");
    let unwanted = 1 << 6 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13;
    claim!(
        offered & unwanted == 0,
        "nothing that would replace exit-less paths is offered"
    );
    claim!(
        offered >> 4 & 1 == offered >> 14 & 1,
        "asynchronous page faults are offered whole or not at all"
    );
    let timing = cpuid::leaf(cpuid::KVM_TIMING);
    claim!(timing.ebx == 1_000_000, "the APIC bus runs at 1 GHz");
    claim!(timing.eax != 0, "the TSC rate is told");
    let stable = offered >> 24 & 1;
    let invariant = cpuid::leaf(0x8000_0007).edx >> 8 & 1;
    claim!(
        stable == invariant,
        "a stable clock is offered just when the TSC is invariant"
    );
}

fn xsave() {
    if cpuid::leaf(1).ecx & 1 << 26 == 0 {
        claim!(
            absent(cpuid::leaf(0xD)),
            "XSAVE sizes agree with what XCR0 may hold"
        );
        return;
    }
    let main = cpuid::subleaf(0xD, 0);
    let avx = cpuid::subleaf(0xD, 2);
    let largest = if main.eax & 4 != 0 {
        avx.ebx + avx.eax
    } else {
        576
    };
    let sound = main.eax & 3 == 3 && main.ebx == 576 && main.ecx == largest && main.edx == 0;
    claim!(sound, "XSAVE sizes agree with what XCR0 may hold");
    claim!(
        cpuid::leaf(1).ecx & 1 << 27 == 0,
        "OSXSAVE is clear while CR4.OSXSAVE is"
    );
    let mirrored = osxsave_while_set();
    claim!(mirrored, "OSXSAVE follows CR4.OSXSAVE");
}

/// Sets CR4.OSXSAVE, asks CPUID, and clears it again.
fn osxsave_while_set() -> bool {
    let ecx: u32;
    #[expect(unsafe_code)]
    // SAFETY: OSXSAVE only allows instructions that the image does not contain. UNSAFETY: CR4.
    unsafe {
        core::arch::asm!(
            "mov {old}, cr4", "mov {new}, {old}", "or {new}, 1 << 18", "mov cr4, {new}",
            "mov {rbx}, rbx", "mov eax, 1", "xor ecx, ecx", "cpuid", "mov rbx, {rbx}", "mov cr4, {old}",
            old = out(reg) _, new = out(reg) _, rbx = out(reg) _,
            out("eax") _, out("ecx") ecx, out("edx") _, options(nostack)
        )
    };
    ecx & 1 << 27 != 0
}

fn beyond() {
    let highest = cpuid::leaf(0).eax;
    let highest_extended = cpuid::leaf(0x8000_0000).eax;
    let nowhere = [
        highest + 1,
        0x20,
        0xFFFF,
        0x1234_5678,
        0x4000_0011,
        0x4FFF_FFFF,
        0x7FFF_FFFF,
    ];
    for leaf in
        nowhere
            .into_iter()
            .chain([highest_extended + 1, 0x8FFF_FFFF, 0xC000_0000, u32::MAX])
    {
        require!(absent(cpuid::leaf(leaf)), "leaf {leaf:#x} exists");
    }
    claim!(
        absent(cpuid::leaf(highest + 1)),
        "leaves beyond the ranges are empty"
    );
    let faulted = fault::expect_fault(|| {
        cpuid::subleaf(0xD, u32::MAX);
        cpuid::subleaf(0x8000_001D, u32::MAX);
        cpuid::subleaf(7, u32::MAX);
    });
    claim!(faulted.is_none(), "absurd sub-leaves are answered");
}

/// Leaves whose answer must not depend on the CPU.
const COMMON: [u32; 9] = [
    0,
    7,
    0x8000_0000,
    0x8000_0001,
    0x8000_0007,
    0x8000_0008,
    0x4000_0000,
    0x4000_0001,
    0x4000_0010,
];

static SEEN: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];
static ID: [AtomicU32; 2] = [const { AtomicU32::new(u32::MAX) }; 2];
static DONE: AtomicUsize = AtomicUsize::new(0);

fn look(index: usize) {
    let digest = COMMON.iter().fold(0u32, |digest, leaf| {
        let answer = cpuid::leaf(*leaf);
        [answer.eax, answer.ebx, answer.ecx, answer.edx]
            .into_iter()
            .fold(digest, |digest, word| {
                digest.rotate_left(5) ^ word.wrapping_mul(0x9E37_79B9)
            })
    });
    SEEN[index].store(digest, Ordering::Relaxed);
    ID[index].store(cpuid::leaf(1).ebx >> 24, Ordering::Relaxed);
    DONE.fetch_add(1, Ordering::Release);
}

fn every_cpu() {
    let cpus = smp::start(look);
    look(0);
    claim!(cpus == 2, "the second CPU runs");
    claim!(
        tsc::wait_for(|| DONE.load(Ordering::Acquire) == 2),
        "both CPUs have answered"
    );
    let [first, second] = &SEEN;
    let same = first.load(Ordering::Relaxed) == second.load(Ordering::Relaxed);
    claim!(same, "the CPUs agree on everything but their ids");
    let ids = ID.each_ref().map(|id| id.load(Ordering::Relaxed));
    claim!(ids == [0, 1], "the APIC ids are the indices");
}

probes::probe!(cpuid_table, bulkhead);

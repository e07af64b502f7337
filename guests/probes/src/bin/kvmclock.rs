//! The paravirtual clock runs with the TSC, the same on all CPUs, untorn.
//!
//! Owns PLT-30 to PLT-36 as a guest can check them. Also called: pvclock, KVM system time, wall clock.
//!
//! needs: cpus=2 memory=16M
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use probes::{claim, require};
use rt::{cpuid, interrupt, msr, smp, tsc};

const WALL_CLOCK: u32 = 0x4B56_4D00;
const SYSTEM_TIME: u32 = 0x4B56_4D01;
const ENABLE: u64 = 1;
const ROUNDS: u64 = 20_000;

/// The clock page as 32-bit words: version, -, timestamp (2), system time (2), multiplier, shift and flags.
#[repr(C, align(64))]
struct Page([AtomicU32; 8]);

static PAGES: [Page; 2] = [const { Page([const { AtomicU32::new(0) }; 8]) }; 2];
static WALL: Page = Page([const { AtomicU32::new(0) }; 8]);

/// Whose turn it is to read the clock, and the largest value read so far.
static TURN: AtomicU64 = AtomicU64::new(0);
static LARGEST: AtomicU64 = AtomicU64::new(0);
static BACKWARDS: AtomicU32 = AtomicU32::new(0);
static READY: AtomicU32 = AtomicU32::new(0);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Drawn {
    version: u32,
    timestamp: u64,
    system_time: u64,
    multiplier: u32,
    shift: i8,
    flags: u8,
}

fn drawn(page: &Page) -> Drawn {
    loop {
        let word = |n: usize| page.0[n].load(Ordering::Relaxed);
        let version = page.0[0].load(Ordering::Acquire);
        let long = |n| u64::from(word(n)) | u64::from(word(n + 1)) << 32;
        let drawn = Drawn {
            version,
            timestamp: long(2),
            system_time: long(4),
            multiplier: word(6),
            shift: word(7) as i8,
            flags: (word(7) >> 8) as u8,
        };
        fence(Ordering::Acquire);
        if version & 1 == 0 && word(0) == version {
            return drawn;
        }
        core::hint::spin_loop();
    }
}

/// Nanoseconds of the clock at the TSC value `at`.
fn nanoseconds(clock: Drawn, at: u64) -> u64 {
    let delta = at.wrapping_sub(clock.timestamp);
    let shifted = if clock.shift >= 0 {
        delta << clock.shift
    } else {
        delta >> -clock.shift
    };
    clock.system_time + ((u128::from(shifted) * u128::from(clock.multiplier)) >> 32) as u64
}

fn enable(index: usize) {
    msr::write(SYSTEM_TIME, &raw const PAGES[index] as u64 | ENABLE);
}

fn kvmclock() {
    enable(0);
    let first = drawn(&PAGES[0]);
    claim!(
        first.version != 0 && first.version & 1 == 0,
        "the page is drawn when the write returns"
    );
    claim!(
        msr::read(SYSTEM_TIME) == &raw const PAGES[0] as u64 | ENABLE,
        "the register reads back"
    );
    rate(first);
    redrawn(first);
    wall_clock();
    claim!(smp::start(second_cpu) == 2, "the second CPU runs");
    let ready = tsc::wait_for(|| READY.load(Ordering::Acquire) == 1);
    claim!(ready, "it has its own page");
    one_clock();
    across_cpus();
    disabled();
}

fn rate(clock: Drawn) {
    claim!(
        nanoseconds(clock, clock.timestamp) == clock.system_time,
        "at its timestamp it shows its time"
    );
    // One second of TSC ticks must be one second of the clock, but for the scale's last bit.
    let second = nanoseconds(clock, clock.timestamp + tsc::hertz()) - clock.system_time;
    require!(
        second.abs_diff(1_000_000_000) <= 1_000,
        "a second is {second} ns"
    );
    claim!(
        second.abs_diff(1_000_000_000) <= 1_000,
        "its rate is the one that CPUID tells"
    );
    let now = tsc::now();
    claim!(now >= clock.timestamp, "its timestamp is not in the future");
}

/// Enabling again draws the page again, and time does not jump back.
fn redrawn(first: Drawn) {
    let before = nanoseconds(drawn(&PAGES[0]), tsc::now());
    enable(0);
    let again = drawn(&PAGES[0]);
    let after = nanoseconds(again, tsc::now());
    claim!(
        again.version & 1 == 0 && again.version >= first.version,
        "drawn again, the version is even and has not fallen"
    );
    claim!(after >= before, "and time has not gone back");
}

fn wall_clock() {
    msr::write(WALL_CLOCK, &raw const WALL as u64);
    let [version, seconds, nanoseconds, ..] =
        WALL.0.each_ref().map(|word| word.load(Ordering::Acquire));
    claim!(
        version != 0 && version & 1 == 0,
        "the wall clock is drawn when the write returns"
    );
    claim!(
        nanoseconds < 1_000_000_000,
        "its nanoseconds are below a second"
    );
    rt::report!("info wall clock {seconds} s");
}

fn second_cpu(index: usize) {
    enable(index);
    drawn(&PAGES[index]);
    READY.store(1, Ordering::Release);
    take_turns(1);
    READY.store(2, Ordering::Release);
}

fn one_clock() {
    let stable = cpuid::leaf(cpuid::KVM_BASE + 1).eax >> 24 & 1 == 1;
    let [first, second] = PAGES.each_ref().map(drawn);
    claim!(
        first.flags & 1 == u8::from(stable),
        "the stable flag is that of CPUID"
    );
    let same = first.multiplier == second.multiplier && first.shift == second.shift;
    claim!(same, "both CPUs have one scale");
    let at = tsc::now();
    let apart = nanoseconds(first, at).abs_diff(nanoseconds(second, at));
    require!(!stable || apart <= 1, "the clocks are {apart} ns apart");
    claim!(!stable || apart <= 1, "both pages show the same time");
}

/// Reads the clock when the turn is ours, and compares with the largest value of either CPU.
fn take_turns(own: u64) {
    for round in 0..ROUNDS {
        while TURN.load(Ordering::Acquire) != 2 * round + own {
            core::hint::spin_loop();
        }
        let now = nanoseconds(drawn(&PAGES[own as usize]), tsc::now());
        let before = LARGEST.swap(now, Ordering::AcqRel);
        if now < before {
            BACKWARDS.fetch_add(1, Ordering::Relaxed);
        }
        TURN.fetch_add(1, Ordering::AcqRel);
    }
}

fn across_cpus() {
    take_turns(0);
    let done = tsc::wait_for(|| READY.load(Ordering::Acquire) == 2);
    let backwards = BACKWARDS.load(Ordering::Relaxed);
    require!(backwards == 0, "time went back {backwards} times");
    claim!(
        done && backwards == 0,
        "time never goes back between the CPUs"
    );
}

/// Disabled, the page is the guest's again.
fn disabled() {
    msr::write(SYSTEM_TIME, 0);
    for word in &PAGES[0].0 {
        word.store(0xA5A5_A5A5, Ordering::Relaxed);
    }
    // Exits of several kinds, any of which might have drawn it.
    interrupt::window();
    core::hint::black_box(cpuid::leaf(0));
    tsc::delay(2_000);
    core::hint::black_box(cpuid::leaf(0));
    let untouched = PAGES[0]
        .0
        .iter()
        .all(|word| word.load(Ordering::Relaxed) == 0xA5A5_A5A5);
    claim!(untouched, "disabled, the page is not written any more");
}

probes::probe!(kvmclock, bulkhead);

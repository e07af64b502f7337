//! The paravirtual clock: scale, the partition's reference, the page protocol.
//!
//! Owns `SYSTEM_TIME` and `WALL_CLOCK` writes. All vCPUs of a partition show one
//! and the same line (reference pair and scale), so the pages carry `TSC_STABLE`
//! and nothing goes backwards from one CPU to another. The version number is
//! kept here and not in the page, because what a guest scribbles there must not
//! steer us.
//! Layouts: `abi::kvm::clock`.
//! Also called: pvclock, KVM clock, scale_delta.

use abi::kvm::clock::{ClockFlags, SystemTime, WallClock};
use abi::kvm::msr::SYSTEM_TIME_ENABLE;
use zerocopy::IntoBytes;

use crate::ids::{Gpa, Tsc};
use crate::port::{GuestMemory, NotRam};
use crate::sync::{Ordering, fence};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Slowest and fastest TSC that [`Scale::of_tsc`] takes, in Hz.
pub const TSC_HZ: core::ops::RangeInclusive<u64> = 1_000_000..=100_000_000_000;

/// Factors that turn TSC ticks into nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scale {
    /// Fraction of 2^32, at least one half: 31 bits of precision.
    pub mul: u32,
    /// Left shift before the multiplication; right if negative.
    pub shift: i8,
}

impl Scale {
    /// Scale for a TSC of `hz` ticks per second; `None` outside [`TSC_HZ`].
    ///
    /// The factor is 10^9 * 2^(32 - shift) / hz for the one shift that puts it
    /// into 2^31..2^32. A guest computes its idea of the TSC frequency back from
    /// it, so it is rounded to nearest: the error stays below one part in 2^31.
    pub fn of_tsc(hz: u64) -> Option<Self> {
        if !TSC_HZ.contains(&hz) {
            return None;
        }
        (-8..=12_i8).find_map(|shift| {
            let scaled = u128::from(NANOS_PER_SECOND) << (32 - i32::from(shift));
            let mul = (scaled + u128::from(hz / 2)) / u128::from(hz);
            u32::try_from(mul).ok().map(|mul| Self { mul, shift })
        })
    }

    /// Nanoseconds of `ticks`, by the guest's own formula; wraps as it does.
    pub const fn nanoseconds(self, ticks: u64) -> u64 {
        let shifted = if self.shift < 0 {
            ticks >> self.shift.unsigned_abs()
        } else {
            ticks << self.shift.unsigned_abs()
        };
        ((shifted as u128 * self.mul as u128) >> 32) as u64
    }
}

/// The line over the TSC that all vCPUs of a partition show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartitionClock {
    scale: Scale,
    origin: Tsc,
    epoch: u64,
    flags: ClockFlags,
}

impl PartitionClock {
    /// Starts a partition's clock: system time is 0 at guest TSC `origin`.
    ///
    /// `epoch` is the wall clock at that moment, in nanoseconds since
    /// 1970-01-01 UTC; 0 if nobody knows. `stable` promises that the TSCs of all
    /// cores of the partition run in step, and must agree with CPUID (feature
    /// `CLOCKSOURCE_STABLE`).
    pub const fn start(scale: Scale, origin: Tsc, epoch: u64, stable: bool) -> Self {
        let flags = if stable {
            ClockFlags::TSC_STABLE
        } else {
            ClockFlags::empty()
        };
        Self {
            scale,
            origin,
            epoch,
            flags,
        }
    }

    /// System time in nanoseconds at guest TSC `now`.
    pub const fn at(&self, now: Tsc) -> u64 {
        self.scale.nanoseconds(now.0.wrapping_sub(self.origin.0))
    }

    const fn page(&self, version: u32, extra: ClockFlags) -> SystemTime {
        SystemTime {
            version,
            reserved: 0,
            tsc_timestamp: self.origin.0,
            system_time: 0,
            tsc_to_system_mul: self.scale.mul,
            tsc_shift: self.scale.shift,
            flags: self.flags.union(extra).bits(),
            pad: [0; 2],
        }
    }

    /// Answers a write of `WALL_CLOCK`: writes the wall clock once.
    ///
    /// Address 0 is taken to mean "none". Errors mean #GP; nothing was changed.
    pub fn write_wall_clock<M: GuestMemory>(&self, mem: &M, value: u64) -> Result<(), ClockFault> {
        if value == 0 {
            return Ok(());
        }
        if !value.is_multiple_of(4) {
            return Err(ClockFault::Misaligned);
        }
        let mut old = WallClock::default();
        mem.read(Gpa(value), old.as_mut_bytes())?;
        let page = WallClock {
            version: (old.version | 1).wrapping_add(1),
            seconds: (self.epoch / NANOS_PER_SECOND) as u32,
            nanoseconds: (self.epoch % NANOS_PER_SECOND) as u32,
        };
        publish(mem, Gpa(value), page.as_bytes()).map_err(ClockFault::from)
    }
}

/// Why a clock MSR write is refused; the guest gets #GP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockFault {
    /// The address is not a multiple of 4.
    Misaligned,
    /// The structure does not lie wholly in guest RAM.
    NotRam,
}

impl From<NotRam> for ClockFault {
    fn from(_: NotRam) -> Self {
        Self::NotRam
    }
}

/// One vCPU's registered clock page. Owned by the vCPU's core.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SystemTimePage {
    msr: u64,
    version: u32,
}

impl SystemTimePage {
    /// No page registered: the state after reset.
    pub const fn new() -> Self {
        Self { msr: 0, version: 0 }
    }

    /// What a read of `SYSTEM_TIME` gives: the last accepted value.
    pub const fn msr(&self) -> u64 {
        self.msr
    }

    /// Where the page is, if one is registered.
    pub const fn address(&self) -> Option<Gpa> {
        if self.msr & SYSTEM_TIME_ENABLE == 0 {
            return None;
        }
        Some(Gpa(self.msr & !SYSTEM_TIME_ENABLE))
    }

    /// Answers a write of `SYSTEM_TIME`; with bit 0 set the page is written now.
    ///
    /// Bit 0 clear disarms at once, whatever the address. Errors mean #GP, and
    /// leave this state and guest memory as they were.
    pub fn write_msr<M: GuestMemory>(
        &mut self,
        mem: &M,
        clock: &PartitionClock,
        value: u64,
    ) -> Result<(), ClockFault> {
        if value & SYSTEM_TIME_ENABLE != 0 {
            let at = value & !SYSTEM_TIME_ENABLE;
            if !at.is_multiple_of(4) {
                return Err(ClockFault::Misaligned);
            }
            let mut probe = SystemTime::default();
            mem.read(Gpa(at), probe.as_mut_bytes())?;
            self.refresh_at(mem, clock, Gpa(at), ClockFlags::empty())?;
        }
        self.msr = value;
        Ok(())
    }

    /// Writes the page again, if there is one, telling the guest that its host
    /// had stopped it. Called by the owning core before entry.
    pub fn tell_stopped<M: GuestMemory>(
        &mut self,
        mem: &M,
        clock: &PartitionClock,
    ) -> Result<(), ClockFault> {
        match self.address() {
            Some(at) => self.refresh_at(mem, clock, at, ClockFlags::GUEST_STOPPED),
            None => Ok(()),
        }
    }

    fn refresh_at<M: GuestMemory>(
        &mut self,
        mem: &M,
        clock: &PartitionClock,
        at: Gpa,
        extra: ClockFlags,
    ) -> Result<(), ClockFault> {
        let version = self.version.wrapping_add(2);
        publish(mem, at, clock.page(version, extra).as_bytes())?;
        self.version = version;
        Ok(())
    }
}

/// Writes a structure that begins with an even version number: the odd number
/// before it, the rest, then the even one, all in 32-bit stores.
fn publish<M: GuestMemory>(mem: &M, at: Gpa, page: &[u8]) -> Result<(), NotRam> {
    let (words, _) = page.as_chunks::<4>();
    let Some((version, body)) = words.split_first() else {
        return Ok(());
    };
    let version = u32::from_le_bytes(*version);
    mem.store_u32(at, version.wrapping_sub(1))?;
    // pair: kvmclock version. Odd before the body; the guest reads version, body, version.
    fence(Ordering::Release);
    let mut to = at;
    for word in body {
        to = Gpa(to.0.wrapping_add(4));
        mem.store_u32(to, u32::from_le_bytes(*word))?;
    }
    // pair: kvmclock version. The body before the even one.
    fence(Ordering::Release);
    mem.store_u32(at, version)
}

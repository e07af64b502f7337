//! The part of a vCPU that only its own core touches.

use super::recent::Recent;
use crate::clock::kvmclock::SystemTimePage;
use crate::decode::regs::Regs;
use crate::ids::{Tsc, VcpuId, Vector};
use crate::inject::nmi::Nmi;
use crate::inject::shadow::Shadow;
use crate::lapic::timer::Timer;
use crate::policy::mmio::Unanswered;
use crate::policy::mtrr::Mtrrs;
use svm::vmcb::event::Event;

/// Whether the guest may run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run {
    /// After INIT: only a start-up IPI (or another INIT) matters.
    WaitForSipi,
    /// Instructions run.
    Running,
    /// HLT was executed: sleep until something can be taken.
    Halted,
}

/// Owner-only state.
#[derive(Clone, Debug)]
pub struct Vcpu {
    /// Which one of its partition.
    pub id: VcpuId,
    /// General registers while outside.
    pub regs: Regs,
    /// Whether it runs.
    pub run: Run,
    /// APIC timer.
    pub timer: Timer,
    /// NMI window.
    pub nmi: Nmi,
    /// Exception or NMI to inject at the next entry; invalid for none.
    pub event: Event,
    /// Vector offered through V_IRQ at the last entry.
    pub offered: Option<Vector>,
    /// Interrupt shadow of the last entry, for an erratum.
    pub shadow: Shadow,
    /// An exit is wanted soon after the next entry, to look again at something
    /// that is held back.
    pub recheck: bool,
    /// IRET exits are on.
    pub iret_watched: bool,
    /// An XSETBV of this guest has exited.
    pub xsetbv_exited: bool,
    /// MTRR shadow.
    pub mtrrs: Mtrrs,
    /// kvmclock page.
    pub clock_page: SystemTimePage,
    /// Accesses that nobody answered.
    pub unanswered: Unanswered,
    /// Last exits.
    pub recent: Recent,
    /// Nested faults on one page of RAM that is mapped, in a row.
    pub spurious_faults: u32,
    /// That page.
    pub spurious_page: u64,
    /// First MSR that does not exist, and how many such accesses came.
    pub unknown_msr: Option<u32>,
}

impl Vcpu {
    /// A vCPU before its first start.
    pub fn new(id: VcpuId, tsc_hz: u64) -> Self {
        Self {
            id,
            regs: Regs { gpr: [0; 16] },
            run: Run::WaitForSipi,
            timer: Timer::new(tsc_hz),
            nmi: Nmi::new(),
            event: Event::NONE,
            offered: None,
            shadow: Shadow::default(),
            recheck: false,
            iret_watched: false,
            xsetbv_exited: false,
            mtrrs: Mtrrs::reset(),
            clock_page: SystemTimePage::new(),
            unanswered: Unanswered::default(),
            recent: Recent::new(),
            spurious_faults: 0,
            spurious_page: 0,
            unknown_msr: None,
        }
    }

    /// INIT: everything of the CPU but the timer's account and the records.
    pub fn init(&mut self) {
        self.regs = Regs { gpr: [0; 16] };
        self.run = Run::WaitForSipi;
        self.timer.reset();
        self.nmi = Nmi::new();
        self.event = Event::NONE;
        self.offered = None;
        self.shadow = Shadow::default();
        self.recheck = false;
        self.iret_watched = false;
        self.clock_page = SystemTimePage::new();
    }

    /// When the owner must look at the timer, as guest TSC; `u64::MAX` for never.
    #[inline(always)]
    pub fn next_moment(&self) -> u64 {
        self.timer.deadline().map_or(u64::MAX, |Tsc(at)| at)
    }
}

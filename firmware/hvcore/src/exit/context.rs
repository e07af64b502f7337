//! What a handler sees, and what it can answer.

use crate::clock::kvmclock::PartitionClock;
use crate::decode::mode::{CodeSize, code_size};
use crate::decode::operand::SegmentBases;
use crate::decode::paging::{Paging, WalkFault};
use crate::error::GuestFault;
use crate::ids::Tsc;
use crate::inject::exception::{self, Merged};
use crate::policy::cpuid::CpuidTable;
use crate::policy::efer::Efer;
use crate::policy::msr::MsrPolicy;
use crate::port::{GuestCpu, GuestMemory};
use crate::vcpu::counters::Count;
use crate::vcpu::facts::HostFacts;
use crate::vcpu::owned::Vcpu;
use crate::vcpu::post::Cores;
use crate::vcpu::shared::{PartitionShared, VcpuShared};
use svm::exit_code::ExitCode;

/// Answers of a partition that do not change while it runs.
#[derive(Clone, Copy)]
pub struct PartitionFacts {
    /// CPUID.
    pub cpuid: CpuidTable,
    /// MSRs.
    pub msr: MsrPolicy,
    /// EFER bits a guest may set.
    pub efer: Efer,
    /// kvmclock reference of this life.
    pub clock: PartitionClock,
}

/// Everything about one exit.
pub struct Context<'a, C, M, K> {
    /// The owner's state.
    pub vcpu: &'a mut Vcpu,
    /// What others see of it.
    pub shared: &'a VcpuShared,
    /// VMCB.
    pub cpu: &'a mut C,
    /// Guest RAM.
    pub memory: &'a M,
    /// The partition.
    pub partition: &'a PartitionShared,
    /// Its fixed answers.
    pub facts: &'a PartitionFacts,
    /// How to interrupt other cores.
    pub cores: &'a K,
    /// The host.
    pub host: &'a HostFacts,
    /// Guest TSC at the exit.
    pub now: Tsc,
    /// EXITINTINFO was valid: the exit came while an event was being delivered.
    pub delivering: bool,
}

/// What the loop does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Verdict {
    /// Enter again.
    Resume,
    /// Sleep until something can be taken.
    Halt,
    /// End this life of the partition.
    Stop(StopReason),
}

/// Why a partition's life ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StopReason {
    /// The guest asked for a reset.
    Reset,
    /// The guest asked for power-off.
    PowerOff,
    /// Triple fault.
    TripleFault,
    /// VMRUN refused the state.
    InvalidState,
    /// An exit this release does not know.
    UnknownExit(ExitCode),
    /// A nested table entry with a reserved bit: ours.
    NestedTables,
    /// The same nested fault on mapped RAM, again and again.
    StuckFault {
        /// Guest-physical address.
        at: u64,
    },
    /// Code, stack, a descriptor table or a page table lies where no RAM is.
    OutsideRam {
        /// Guest-physical address.
        at: u64,
    },
    /// A device access by an instruction that is not emulated.
    NotEmulated {
        /// First bytes of it.
        bytes: u64,
    },
    /// A hardware task switch.
    TaskSwitch,
    /// Machine check while the guest ran.
    MachineCheck,
}

impl<C: GuestCpu, M: GuestMemory, K: Cores> Context<'_, C, M, K> {
    /// Has the guest take an exception instead of going on.
    pub fn fault(&mut self, fault: GuestFault) -> Verdict {
        match exception::merge(self.vcpu.event, exception::event(fault)) {
            Merged::Deliver(event) => {
                if let GuestFault::PageFault { address, .. } = fault {
                    self.cpu.set_cr2(address);
                }
                self.vcpu.event = event;
                self.shared.counters.bump(Count::FaultInjected);
                Verdict::Resume
            }
            Merged::Shutdown => Verdict::Stop(StopReason::TripleFault),
        }
    }

    /// #GP(0).
    pub fn general_protection(&mut self) -> Verdict {
        self.fault(GuestFault::GeneralProtection(0))
    }

    /// What a failed walk means for the guest.
    pub fn walk_fault(&mut self, fault: WalkFault) -> Verdict {
        match fault {
            WalkFault::PageFault { code, address } => {
                self.fault(GuestFault::PageFault { address, code })
            }
            WalkFault::NonCanonical => self.general_protection(),
            WalkFault::OutsideRam { at } => Verdict::Stop(StopReason::OutsideRam { at: at.0 }),
            WalkFault::Contended => Verdict::Resume,
        }
    }

    /// Translation rules in force.
    #[inline]
    pub fn paging(&self) -> Paging {
        let save = self.cpu.save();
        Paging {
            cr0: save.cr0,
            cr3: save.cr3,
            cr4: save.cr4,
            efer: save.efer,
            rflags: save.rflags,
            cpl: save.cpl,
            phys_bits: self.host.phys_bits,
        }
    }

    /// Code size in force.
    #[inline]
    pub fn code_size(&self) -> CodeSize {
        let save = self.cpu.save();
        code_size(
            save.cs.long(),
            save.cs.default_32(),
            save.efer,
            save.cr0,
            save.rflags,
        )
    }

    /// Bases of all segments; brings FS and GS out of the core.
    pub fn segment_bases(&mut self) -> SegmentBases {
        self.cpu.fetch_hidden_state();
        let save = self.cpu.save();
        SegmentBases {
            es: save.es.base,
            cs: save.cs.base,
            ss: save.ss.base,
            ds: save.ds.base,
            fs: save.fs.base,
            gs: save.gs.base,
        }
    }
}

//! What boot found: cores, host facts, partitions. Read-only once built.

use crate::capacity::CPUS;
use abi::plan;
use board::{Board, Errata};
use core::sync::atomic::{AtomicU32, Ordering};
use heapless::Vec;
use hvcore::exit::{PartitionFacts, StopReason};
use hvcore::handoff::acpi::fadt::Fadt;
use hvcore::handoff::acpi::madt::Madt;
use hvcore::handoff::board_tables::BoardTables;
use hvcore::handoff::cbfs::Cbfs;
use hvcore::handoff::memory::UsableRam;
use hvcore::handoff::memory_map::{ResolvedMap, Span};
use hvcore::ids::{ApicId, Hpa};
use hvcore::policy::cpuid::HostCpuid;
use hvcore::vcpu::facts::HostFacts;
use metal::clock::Rates;
use metal::guest_memory::GuestRam;
use metal::lock::DeviceLock;
use metal::svm_enable::CoreSvm;

/// One host core.
#[derive(Clone, Copy, Debug)]
pub struct Core {
    /// Its APIC id.
    pub apic: ApicId,
    /// It runs our code.
    pub started: bool,
    /// What it says of SVM.
    pub svm: CoreSvm,
    /// Two frames of its own: host save area, then VMCB.
    pub frames: Hpa,
}

/// The machine.
pub struct Machine {
    /// TSC at our entry.
    pub entered: u64,
    /// Firmware's tables.
    pub tables: BoardTables,
    /// The memory map without overlaps.
    pub map: ResolvedMap,
    /// RAM not handed out.
    pub ram: UsableRam,
    /// RAM the hypervisor took for itself beside its image, in bytes.
    pub own_ram: u64,
    /// The same, but growing with guest memory (nested tables), in bytes.
    pub guest_tables: u64,
    /// The board.
    pub board: &'static Board,
    /// ACPI processors and interrupt controllers.
    pub madt: Option<Madt>,
    /// ACPI fixed description.
    pub fadt: Option<Fadt>,
    /// PCI configuration space, if MCFG names it.
    pub ecam: Option<Hpa>,
    /// Wall clock at TSC 0, in nanoseconds since 1970; 0 when nobody knows.
    pub epoch_ns: u64,
    /// The TSCs of all started cores run in step (PLT-33).
    pub stable_tsc: bool,
    /// Clock rates.
    pub rates: Rates,
    /// Host facts for exit handling.
    pub facts: HostFacts,
    /// The host's CPUID as guests' answers are made from it.
    pub cpuid: HostCpuid,
    /// Cores in MADT order, the boot core first.
    pub cores: Vec<Core, CPUS>,
    /// Cores beyond what the image can hold.
    pub cores_ignored: usize,
    /// The file system in flash or RAM.
    pub cbfs: Option<Cbfs<'static>>,
    /// The compiled plan's bytes.
    pub plan: Option<&'static [u8]>,
    /// Partition whose console is attached at start.
    pub attach: Option<usize>,
    /// Partitions in the plan, refused ones included.
    pub planned: usize,
}

impl Machine {
    /// The host's CPUID without what an erratum keeps from guests.
    pub fn guest_cpuid(&self) -> HostCpuid {
        const CX16: u32 = 1 << 13;
        let mut cpuid = self.cpuid;
        if self.facts.errata.contains(Errata::CMPXCHG16B_FLAGS) {
            cpuid.features.ecx &= !CX16;
        }
        cpuid
    }
}

/// One partition's fixed part.
pub struct Partition {
    /// Its record in the plan.
    pub record: plan::Partition,
    /// Its RAM.
    pub ram: GuestRam,
    /// Bytes of it.
    pub ram_len: u64,
    /// Where it lies.
    pub span: Span,
    /// Nested table root.
    pub nested_root: Hpa,
    /// ASID on every core: one guest a core, so one number suffices.
    pub asid: u32,
    /// The image, initrd and modules in flash.
    pub files: Files,
}

/// Files of a partition.
pub struct Files {
    /// Kernel or image.
    pub image: &'static [u8],
    /// Initrd; empty for none.
    pub initrd: &'static [u8],
    /// Modules, in order.
    pub modules: Vec<&'static [u8], { plan::MAX_MODULES }>,
}

/// What a vCPU's core and core 0 tell each other about lives of a partition.
///
/// Core 0 announces a new life by its number; every vCPU's core makes itself
/// ready and says so; vCPU 0's core loads the images and runs when all are. The
/// first vCPU that must end the life leaves the reason; all park; core 0 sees it.
pub struct Life {
    /// Number of the announced life; 0 for none yet. Written by core 0.
    announced: AtomicU32,
    /// vCPUs ready for the announced life, one bit each.
    ready: AtomicU32,
    /// vCPUs parked, one bit each.
    parked: AtomicU32,
    /// Number of the last life that was to be stopped.
    stopping: AtomicU32,
    /// Number of the last life that left an end.
    ended: AtomicU32,
    /// Host TSC at which the life was announced: the guests' TSC 0.
    origin: core::sync::atomic::AtomicU64,
    /// Facts of this life, written by core 0 before it is announced.
    pub facts: DeviceLock<Option<PartitionFacts>>,
    /// Why the life ended, and the record of it.
    pub end: DeviceLock<Option<End>>,
    /// TSC at which vCPU 0 first entered, 0 before.
    pub first_entry: core::sync::atomic::AtomicU64,
}

/// The end of a life.
#[derive(Clone)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// The record.
    pub epitaph: abi::epitaph::Epitaph,
}

/// Why a life ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndReason {
    /// The guest or its exits.
    Guest(StopReason),
    /// STOP was requested; the record shows where the first vCPU to obey was.
    Stopped,
    /// The images could not be loaded.
    Load(crate::load::LoadFault),
}

impl Partition {
    /// Its name as the console shows it.
    pub fn name(&self) -> &str {
        plan::text(&self.record.name).unwrap_or("?")
    }

    /// Number of its vCPUs.
    pub fn vcpus(&self) -> u8 {
        self.record.vcpus as u8
    }
}

impl Life {
    /// No life yet; all vCPUs parked.
    pub const fn new() -> Self {
        Self {
            announced: AtomicU32::new(0),
            ready: AtomicU32::new(0),
            parked: AtomicU32::new(u32::MAX),
            stopping: AtomicU32::new(0),
            ended: AtomicU32::new(0),
            origin: core::sync::atomic::AtomicU64::new(0),
            facts: DeviceLock::new(None),
            end: DeviceLock::new(None),
            first_entry: core::sync::atomic::AtomicU64::new(0),
        }
    }

    /// Core 0: announces the next life. All vCPUs must be parked.
    pub fn announce(&self, now: u64) {
        // pair: life, side A: ready and parked are reset before the number moves.
        self.origin.store(now, Ordering::Relaxed);
        self.ready.store(0, Ordering::Relaxed);
        self.parked.store(0, Ordering::Relaxed);
        self.announced.fetch_add(1, Ordering::Release);
    }

    /// The announced life.
    pub fn announced(&self) -> u32 {
        // pair: life, side B.
        self.announced.load(Ordering::Acquire)
    }

    /// The announced life shall stop. Goes before its STOP requests: a vCPU that
    /// gets ready drops the requests of the life before, and must not drop these.
    pub fn stop(&self) {
        // pair: life: relaxed reads of the own number; P1 of each request publishes.
        self.stopping
            .store(self.announced.load(Ordering::Relaxed), Ordering::Release);
    }

    /// The announced life shall stop. Asked after the requests were taken (P1).
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire) == self.announced()
    }

    /// True for the first vCPU that ends the announced life: core 0 may have taken
    /// its end before a second one comes.
    pub fn claim_end(&self) -> bool {
        let now = self.announced();
        // No pair: one winner, and the lock of `end` orders the rest.
        self.ended.swap(now, Ordering::Relaxed) != now
    }

    /// Host TSC at the beginning of the announced life.
    pub fn origin(&self) -> u64 {
        // pair: life: read after `announced`.
        self.origin.load(Ordering::Relaxed)
    }

    /// A vCPU's core is ready for the announced life.
    pub fn set_ready(&self, vcpu: u8) {
        // pair: ready, side A: its reset state is visible to vCPU 0's core.
        self.ready.fetch_or(1 << (vcpu & 31), Ordering::Release);
    }

    /// The first `count` vCPUs are ready.
    pub fn all_ready(&self, count: u8) -> bool {
        let all = (1u32 << (count & 31)) - 1;
        // pair: ready, side B.
        self.ready.load(Ordering::Acquire) & all == all
    }

    /// A vCPU's core has parked.
    pub fn set_parked(&self, vcpu: u8) {
        // pair: parked, side A: all it did to the partition is visible to core 0.
        self.parked.fetch_or(1 << (vcpu & 31), Ordering::Release);
    }

    /// The first `count` vCPUs are parked.
    pub fn all_parked(&self, count: u8) -> bool {
        let all = (1u32 << (count & 31)) - 1;
        // pair: parked, side B.
        self.parked.load(Ordering::Acquire) & all == all
    }
}

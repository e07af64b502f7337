//! What the rest of the machine may reach of a vCPU and of its partition.

use super::counters::Counters;
use super::serial_port::SerialPort;
use crate::device::ioapic::IoApic;
use crate::ids::{CpuId, VcpuId};
use crate::kick::VcpuWords;
use crate::lapic::page::RegisterPage;
use crate::lock::DeviceLock;
use crate::sync::{AtomicU32, Ordering};
use abi::plan::MAX_VCPUS;

/// One vCPU as others see it.
pub struct VcpuShared {
    /// Mode, requests, blocked.
    pub words: VcpuWords,
    /// The local APIC's registers.
    pub page: RegisterPage,
    /// What it does and how often.
    pub counters: Counters,
    /// Vector of the last start-up IPI with [`SIPI_LEFT`], or 0 after an INIT.
    sipi: AtomicU32,
    /// [`Activity`] as a number.
    activity: AtomicU32,
}

/// In the mailbox: there is a vector.
const SIPI_LEFT: u32 = 1 << 8;

/// What a vCPU is doing, for `ps`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Activity {
    /// Its partition is stopped.
    Parked = 0,
    /// Images are being loaded.
    Loading = 1,
    /// It waits for a start-up IPI.
    WaitForSipi = 2,
    /// It runs, or is about to.
    Running = 3,
    /// It sleeps in HLT.
    Halted = 4,
}

impl VcpuShared {
    /// A parked vCPU.
    #[cfg(not(any(loom, shuttle)))]
    pub const fn new() -> Self {
        Self {
            words: VcpuWords::new(),
            page: RegisterPage::new(),
            counters: Counters::new(),
            sipi: AtomicU32::new(0),
            activity: AtomicU32::new(0),
        }
    }

    /// Leaves the vector of a start-up IPI; the SIPI request publishes it.
    pub fn leave_sipi(&self, page: u8) {
        // Published by the release of the request (P1).
        self.sipi
            .store(SIPI_LEFT | u32::from(page), Ordering::Relaxed);
    }

    /// An INIT voids a start-up IPI that was sent before it: both requests may be
    /// served in one round, and their bits do not say which came first.
    pub fn leave_init(&self) {
        // Published by the release of the request (P1).
        self.sipi.store(0, Ordering::Relaxed);
    }

    /// The vector left last, if no INIT came after it.
    pub fn sipi(&self) -> Option<u8> {
        // Read after the request was taken (P1).
        let left = self.sipi.load(Ordering::Relaxed);
        (left & SIPI_LEFT != 0).then_some(left as u8)
    }

    /// Says what the vCPU does. Owner only.
    pub fn set_activity(&self, activity: Activity) {
        // No pair: for reports.
        self.activity.store(activity as u32, Ordering::Relaxed);
    }

    /// What it did a moment ago.
    pub fn activity(&self) -> Activity {
        // No pair: for reports.
        match self.activity.load(Ordering::Relaxed) {
            1 => Activity::Loading,
            2 => Activity::WaitForSipi,
            3 => Activity::Running,
            4 => Activity::Halted,
            _ => Activity::Parked,
        }
    }
}

/// One partition's shared part; a static for each possible partition.
pub struct PartitionShared {
    vcpus: [VcpuShared; MAX_VCPUS],
    /// Cores of the vCPUs and their number, written once at boot.
    layout: spin::Once<Layout>,
    /// The console.
    pub serial: DeviceLock<SerialPort>,
    /// The I/O APIC.
    pub ioapic: DeviceLock<IoApic>,
}

/// Where a partition's vCPUs live. Immutable once set (R001-01).
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Number of vCPUs.
    pub vcpus: u8,
    /// Their cores; the first `vcpus` count.
    pub cores: [CpuId; MAX_VCPUS],
}

impl PartitionShared {
    /// An unused partition.
    #[cfg(not(any(loom, shuttle)))]
    pub const fn new() -> Self {
        Self {
            vcpus: [const { VcpuShared::new() }; MAX_VCPUS],
            layout: spin::Once::new(),
            serial: DeviceLock::new(SerialPort::new()),
            ioapic: DeviceLock::new(IoApic::new()),
        }
    }

    /// Fixes the layout; the first call counts.
    pub fn set_layout(&self, layout: Layout) {
        self.layout.call_once(|| layout);
    }

    /// Number of vCPUs, 0 while unused.
    pub fn count(&self) -> u8 {
        self.layout.get().map_or(0, |layout| layout.vcpus)
    }

    /// A vCPU that exists.
    #[inline]
    pub fn vcpu(&self, id: VcpuId) -> Option<&VcpuShared> {
        if id.0 >= self.count() {
            return None;
        }
        self.vcpus.get(usize::from(id.0))
    }

    /// Its register page.
    #[inline]
    pub fn page(&self, id: VcpuId) -> Option<&RegisterPage> {
        self.vcpu(id).map(|vcpu| &vcpu.page)
    }

    /// Its core.
    #[inline]
    pub fn core(&self, id: VcpuId) -> Option<CpuId> {
        let layout = self.layout.get()?;
        layout
            .cores
            .get(usize::from(id.0))
            .copied()
            .filter(|_| id.0 < layout.vcpus)
    }

    /// All vCPUs that exist.
    pub fn ids(&self) -> impl Iterator<Item = VcpuId> + use<> {
        (0..self.count()).map(VcpuId)
    }
}

#[cfg(not(any(loom, shuttle)))]
impl Default for VcpuShared {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(not(any(loom, shuttle)))]
impl Default for PartitionShared {
    fn default() -> Self {
        Self::new()
    }
}

//! The loop of a vCPU's core: park, get ready for a life, run it, park.

use crate::load::{self, LoadFault};
use crate::machine::{End, EndReason, Life, Machine, Partition};
use crate::run::{self, Ending};
use crate::wire;
use board::Errata;
use hvcore::exit::{PartitionFacts, StopReason};
use hvcore::ids::{CpuId, Hpa, VcpuId};
use hvcore::kick::{Owner, Requests};
use hvcore::port::GuestCpu;
use hvcore::vcpu::owned::Vcpu;
use hvcore::vcpu::post::{self, Cores};
use hvcore::vcpu::shared::{Activity, PartitionShared, VcpuShared};
use hvcore::vcpu::start;
use metal::vmcb_page::VmcbPage;
use metal::{cpu, host_apic, permission_maps, vmrun};

/// Kicks by the host's APIC.
pub struct Kicker {
    machine: &'static Machine,
}

impl Cores for Kicker {
    fn interrupt(&self, core: CpuId) {
        if let Some(core) = self.machine.cores.get(usize::from(core.0)) {
            host_apic::kick(core.apic);
        }
    }

    fn attention(&self) {
        self.interrupt(CpuId(0));
    }
}

impl Kicker {
    /// For any core.
    pub const fn new(machine: &'static Machine) -> Self {
        Self { machine }
    }
}

/// Everything one vCPU's core works with.
pub struct VcpuCore {
    /// The machine.
    pub machine: &'static Machine,
    /// Fixed part of its partition.
    pub partition: &'static Partition,
    /// Shared part.
    pub shared: &'static PartitionShared,
    /// Its own shared part.
    pub mine: &'static VcpuShared,
    /// Life words.
    pub life: &'static Life,
    /// The right to move its mode.
    pub owner: Owner<'static>,
    /// VMCB.
    pub vmcb: VmcbPage,
    /// State.
    pub vcpu: Vcpu,
    /// Facts of the running life.
    pub facts: PartitionFacts,
    /// Kicks.
    pub kicker: Kicker,
    /// Host TSC to guest TSC.
    pub tsc_offset: u64,
}

/// The loop of core `me`; cores without a vCPU sleep.
pub fn run(me: CpuId) -> ! {
    let Some(machine) = wire::MACHINE.get() else {
        cpu::halt_forever()
    };
    let Some((index, id)) = vcpu_of(me) else {
        cpu::halt_forever()
    };
    let (Some(partition), Some(shared), Some(life)) = (
        wire::PARTITION.get(index).and_then(|place| place.get()),
        wire::SHARED.get(index),
        wire::LIVES.get(index),
    ) else {
        cpu::halt_forever()
    };
    let (Some(mine), Some(core)) = (shared.vcpu(id), machine.cores.get(usize::from(me.0))) else {
        cpu::halt_forever()
    };
    let Some(owner) = mine.words.claim() else {
        cpu::halt_forever()
    };
    let vmcb = enable(machine, core.frames);
    let mut last = 0;
    let facts = loop {
        wait_for_life(life, last);
        if let Some(facts) = *life.facts.lock() {
            break facts;
        }
        last = life.announced();
    };
    let mut core = VcpuCore {
        machine,
        partition,
        shared,
        mine,
        life,
        owner,
        vmcb,
        vcpu: Vcpu::new(id, machine.rates.tsc_hz),
        facts,
        kicker: Kicker::new(machine),
        tsc_offset: 0,
    };
    loop {
        wait_for_life(life, last);
        last = life.announced();
        core.one_life();
    }
}

fn vcpu_of(me: CpuId) -> Option<(usize, VcpuId)> {
    for (index, shared) in wire::SHARED.iter().enumerate() {
        if let Some(id) = shared.ids().find(|id| shared.core(*id) == Some(me)) {
            return Some((index, id));
        }
    }
    None
}

#[expect(
    unsafe_code,
    reason = "UNSAFETY: vouches for the two frames boot gave this core"
)]
fn enable(machine: &Machine, frames: Hpa) -> VmcbPage {
    // SAFETY: the first of this core's own frames; boot has checked SVM.
    unsafe { metal::svm_enable::enable(frames) };
    // SAFETY: the second frame, owned by this core alone; zero is a valid VMCB.
    let vmcb = unsafe { metal::phys::place(Hpa(frames.0 + 4096)) };
    let clean = machine
        .facts
        .features
        .contains(svm::cpuid::SvmFeatures::VMCB_CLEAN);
    VmcbPage::new(vmcb, clean)
}

fn wait_for_life(life: &Life, last: u32) {
    cpu::disable_interrupts();
    while life.announced() == last {
        cpu::sleep_until_interrupt();
    }
    cpu::enable_interrupts();
}

impl VcpuCore {
    fn one_life(&mut self) {
        self.make_ready();
        let ending = match self.begin() {
            Ok(()) => Some(match run::guest(self) {
                Ending::Stopped => EndReason::Stopped,
                Ending::Ended(reason) => reason,
            }),
            Err(LoadFault::Stopped) => None,
            Err(fault) => Some(EndReason::Load(fault)),
        };
        if let Some(reason) = ending {
            self.end(reason);
        }
        self.mine.set_activity(Activity::Parked);
        self.life.set_parked(self.vcpu.id.0);
        self.kicker.attention();
    }

    /// Reset state; requests left over from the last life are dropped.
    fn make_ready(&mut self) {
        if let Some(facts) = *self.life.facts.lock() {
            self.facts = facts;
        }
        self.owner.take(Requests::all());
        if self.life.stopping() {
            self.owner.raise_self(Requests::STOP);
        }
        let xsetbv_exited = self.vcpu.xsetbv_exited;
        self.vcpu = Vcpu::new(self.vcpu.id, self.machine.rates.tsc_hz);
        self.mine.page.reset(self.vcpu.id.0);
        self.mine.counters.reset();
        self.tsc_offset = self.life.origin().wrapping_neg();
        let maps = [permission_maps::msr_map(), permission_maps::io_map()];
        self.vmcb.reset(
            maps,
            self.partition.nested_root,
            self.partition.asid,
            self.tsc_offset,
        );
        start::init(
            &mut self.vcpu,
            &mut self.vmcb,
            &self.mine.page,
            self.machine.facts.signature,
        );
        cpu::reset_guest_registers(self.believes_xcr0(xsetbv_exited));
        vmrun::load_hidden_state(&self.vmcb);
        self.mine.set_activity(Activity::WaitForSipi);
        self.life.set_ready(self.vcpu.id.0);
    }

    /// Whether XCR0 is left alone at a start because no exit said that it changed:
    /// only where a plan turns the work-around for XSETBV off.
    pub fn believes_xcr0(&self, xsetbv_exited: bool) -> bool {
        self.machine
            .facts
            .errata_off
            .contains(Errata::XSETBV_NO_EXIT)
            && !xsetbv_exited
    }

    /// vCPU 0 loads the images and waits for the others.
    fn begin(&mut self) -> Result<(), LoadFault> {
        if self.vcpu.id.0 != 0 {
            return Ok(());
        }
        self.mine.set_activity(Activity::Loading);
        let words = &self.mine.words;
        let stopped = || words.requested().contains(Requests::STOP);
        let state = load::load(self.partition, stopped)?;
        while !self.life.all_ready(self.partition.vcpus()) {
            if stopped() {
                return Err(LoadFault::Stopped);
            }
            cpu::pause();
        }
        start::first(&mut self.vcpu, &mut self.vmcb, &state);
        vmrun::load_hidden_state(&self.vmcb);
        self.mine.set_activity(Activity::Running);
        self.life
            .first_entry
            .store(cpu::tsc(), core::sync::atomic::Ordering::Relaxed); // No pair: a report.
        Ok(())
    }

    /// Leaves the reason if it is the first one, and stops the siblings.
    fn end(&mut self, reason: EndReason) {
        self.vmcb.fetch_hidden_state();
        let epitaph = crate::record::of(self, reason);
        if self.life.claim_end() {
            *self.life.end.lock() = Some(End { reason, epitaph });
        }
        self.life.stop();
        for sibling in self.shared.ids().filter(|id| *id != self.vcpu.id) {
            post::request(self.shared, sibling, Requests::STOP, &self.kicker);
        }
    }
}

/// Whether a life ended by the guest's own wish.
pub const fn orderly(reason: EndReason) -> bool {
    matches!(
        reason,
        EndReason::Guest(StopReason::Reset | StopReason::PowerOff)
    )
}

//! Lives of partitions on core 0: what their supervisors decide, carried out.
//!
//! The decisions are `hvcore::housekeeping::restart`; here are the words that
//! the vCPUs' cores watch, and the notices.

use crate::machine::{EndReason, Life as Words, Machine};
use crate::vcpu_core::{Kicker, orderly};
use crate::wire;
use abi::epitaph::{Epitaph, Reason};
use core::fmt::Write;
use core::sync::atomic::Ordering;
use hvcore::clock::kvmclock::{PartitionClock, Scale};
use hvcore::exit::{PartitionFacts, StopReason};
use hvcore::housekeeping::epitaph_text;
use hvcore::housekeeping::life::{Life, Rest};
use hvcore::housekeeping::restart::{Action, Event, Policy, Step, Supervisor};
use hvcore::ids::Tsc;
use hvcore::kick::Requests;
use hvcore::policy::cpuid::{CpuidTable, Platform};
use hvcore::policy::efer;
use hvcore::policy::msr::MsrPolicy;
use hvcore::vcpu::post::{self, Cores};
use hvcore::vcpu::serial_port::SerialPort;
use metal::cpu;

/// One partition as core 0 keeps it.
pub struct Keeper {
    index: usize,
    /// Its life.
    pub supervisor: Supervisor,
    /// An operator's stop is under way: its record is an epitaph.
    stopped_by_hand: bool,
    /// Images are wanted as soon as all vCPUs are parked.
    load_due: bool,
    /// TSC at the start of this life.
    pub started: u64,
    /// Record of the last death.
    pub epitaph: Option<Epitaph>,
}

/// What happened, for whoever shows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing to redraw.
    None,
    /// Something was written, and what was typed for the old life is void.
    Ended,
    /// Something was written.
    Said,
}

impl Keeper {
    /// A partition that was not started yet.
    pub fn new(index: usize) -> Option<Self> {
        let partition = wire::PARTITION.get(index)?.get()?;
        let supervisor = Supervisor::new(Policy::of(&partition.record));
        Some(Self {
            index,
            supervisor,
            stopped_by_hand: false,
            load_due: false,
            started: 0,
            epitaph: None,
        })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        let partition = wire::PARTITION
            .get(self.index)
            .and_then(|place| place.get());
        partition.map_or("?", |partition| partition.name())
    }

    /// Its place in the plan.
    pub const fn index(&self) -> usize {
        self.index
    }

    fn words(&self) -> &'static Words {
        &wire::LIVES[self.index % wire::LIVES.len()]
    }

    fn vcpus(&self) -> u8 {
        wire::SHARED
            .get(self.index)
            .map_or(0, |shared| shared.count())
    }

    /// Tells the supervisor and does what it says; notices go to `out`.
    pub fn on(&mut self, machine: &'static Machine, event: Event, out: &mut dyn Write) -> Change {
        let step = self.supervisor.on(event);
        if matches!(event, Event::Stop | Event::Restart) && step.action == Action::Park {
            self.stopped_by_hand = true;
        }
        let said = self.notice(step, out);
        match step.action {
            Action::Nothing | Action::Run => {}
            Action::Load => self.load_due = true,
            Action::AbandonLoad | Action::Park => {
                self.load_due = false;
                self.request_stop(machine);
            }
            Action::Refuse(refusal) => {
                let _ = write!(out, "{}\r\n", refusal.text());
                return Change::Said;
            }
        }
        self.start_if_due(machine);
        if said { Change::Said } else { Change::None }
    }

    fn notice(&self, step: Step, out: &mut dyn Write) -> bool {
        let Some(notice) = step.notice else {
            return false;
        };
        let _ = write!(out, "[partition {} {notice}]\r\n", self.name());
        crate::log::keep(format_args!("partition {} {notice}\n", self.name()));
        defmt::info!(
            "partition {=str}: {}",
            self.name(),
            defmt::Display2Format(&notice)
        );
        true
    }

    fn request_stop(&self, machine: &'static Machine) {
        let Some(shared) = wire::SHARED.get(self.index) else {
            return;
        };
        self.words().stop();
        for id in shared.ids() {
            post::request(shared, id, Requests::STOP, &Kicker::new(machine));
        }
    }

    /// A vCPU has left the reason of an end that was not looked at yet.
    pub fn has_ended(&self) -> bool {
        self.words().end.lock().is_some()
    }

    /// Looks at what the vCPUs' cores have left; true when something was shown.
    pub fn look(&mut self, machine: &'static Machine, out: &mut dyn Write) -> Change {
        let words = self.words();
        let mut change = Change::None;
        // No pair: `end` and `parked` order what follows from it.
        // While the load is still due the word is that of the life before.
        let loading = self.supervisor.life() == Life::Loading && !self.load_due;
        let entry = words.first_entry.load(Ordering::Relaxed);
        if loading && entry != 0 {
            let (name, began) = (self.name(), self.started);
            crate::log::keep(format_args!(
                "partition {name}: loads from TSC {began}, first instruction at {entry}\n"
            ));
            change = self.on(machine, Event::Loaded, out);
        }
        let end = words.end.lock().take();
        if let Some(end) = end {
            let said = self.ended(machine, end.reason, end.epitaph, out);
            change = if said { Change::Ended } else { change };
        }
        let stopping = matches!(self.supervisor.life(), Life::Stopping(_));
        if stopping
            && words.all_parked(self.vcpus())
            && self.on(machine, Event::AllParked, out) != Change::None
        {
            change = Change::Ended;
        }
        self.start_if_due(machine);
        change
    }

    fn ended(
        &mut self,
        machine: &'static Machine,
        reason: EndReason,
        epitaph: Epitaph,
        out: &mut dyn Write,
    ) -> bool {
        let event = match reason {
            EndReason::Load(fault) => {
                let _ = write!(out, "[partition {}: {fault}]\r\n", self.name());
                crate::log::keep(format_args!("partition {}: {fault}\n", self.name()));
                Event::LoadFailed
            }
            EndReason::Stopped => {
                // A sibling of the vCPU that ended the life leaves one too.
                if core::mem::take(&mut self.stopped_by_hand) {
                    self.epitaph = Some(epitaph);
                }
                return false;
            }
            EndReason::Guest(StopReason::Reset) => Event::GuestReboot,
            EndReason::Guest(StopReason::PowerOff) => Event::GuestPoweroff,
            EndReason::Guest(_) => Event::Crash(epitaph.reason),
        };
        if !orderly(reason) && !matches!(reason, EndReason::Load(_)) {
            let mut epitaph = epitaph;
            epitaph.restarts = self.supervisor.restarts();
            let _ = out.write_str("\r\n");
            let _ = epitaph_text::write(&epitaph, out);
            self.epitaph = Some(epitaph);
        }
        self.on(machine, event, out);
        true
    }

    fn start_if_due(&mut self, machine: &'static Machine) {
        if !self.load_due || !self.words().all_parked(self.vcpus()) {
            return;
        }
        self.load_due = false;
        self.stopped_by_hand = false;
        let (Some(partition), Some(shared)) = (
            wire::PARTITION
                .get(self.index)
                .and_then(|place| place.get()),
            wire::SHARED.get(self.index),
        ) else {
            return;
        };
        let platform = Platform {
            vcpus: partition.vcpus(),
            tsc_khz: (machine.rates.tsc_hz / 1000) as u32,
            stable_tsc: machine.stable_tsc,
        };
        let Some(scale) = Scale::of_tsc(machine.rates.tsc_hz) else {
            return;
        };
        let words = self.words();
        let epoch = match machine.epoch_ns {
            0 => 0,
            at_zero => at_zero + scale.nanoseconds(cpu::tsc()),
        };
        *words.facts.lock() = Some(PartitionFacts {
            cpuid: CpuidTable::new(&machine.guest_cpuid(), platform),
            msr: MsrPolicy::new(&machine.cpuid),
            efer: efer::writable(&machine.cpuid),
            clock: PartitionClock::start(scale, Tsc(0), epoch, machine.stable_tsc),
        });
        shared.serial.lock().reset();
        *shared.ioapic.lock() = hvcore::device::ioapic::IoApic::new();
        *words.end.lock() = None;
        // No pair: no vCPU of this partition runs.
        words.first_entry.store(0, Ordering::Relaxed);
        self.started = cpu::tsc();
        words.announce(self.started);
        for core in shared.ids().filter_map(|id| shared.core(id)) {
            Kicker::new(machine).interrupt(core);
        }
    }

    /// It rests because its guest switched itself off.
    pub fn powered_off(&self) -> bool {
        self.supervisor.life() == Life::Stopped(Rest::PowerOff)
    }

    /// Its serial port.
    pub fn serial(&self) -> Option<&'static metal::lock::DeviceLock<SerialPort>> {
        wire::SHARED.get(self.index).map(|shared| &shared.serial)
    }
}

/// The word of an epitaph for a reason of ours.
pub const fn reason(stop: StopReason) -> Reason {
    match stop {
        StopReason::Reset | StopReason::PowerOff => Reason(0),
        StopReason::TripleFault => Reason::TRIPLE_FAULT,
        StopReason::InvalidState => Reason::INVALID_STATE,
        StopReason::UnknownExit(_) => Reason::UNKNOWN_EXIT,
        StopReason::NestedTables | StopReason::StuckFault { .. } => Reason::HYPERVISOR,
        StopReason::OutsideRam { .. } => Reason::OUTSIDE_MEMORY,
        StopReason::NotEmulated { .. } => Reason::DECODE,
        StopReason::TaskSwitch => Reason::UNSUPPORTED,
        StopReason::MachineCheck => Reason::MACHINE_CHECK,
    }
}

//! The inner loop: service, plan, enter, settle, dispatch.
//!
//! One round for each exit. Nothing can divert between the last check of requests
//! and mode (`Owner::enter`) and VMRUN; GIF is clear from before the mode is
//! announced until after the vCPU is outside again (KICK-01).

use crate::host_timer::HostTimer;
use crate::machine::EndReason;
use crate::vcpu_core::VcpuCore;
use board::Errata;
use hvcore::exit::{Context, StopReason, Verdict, dispatch::dispatch};
use hvcore::ids::Tsc;
use hvcore::inject::eventinj_experiment;
use hvcore::inject::interrupt::{self, Offer};
use hvcore::inject::nmi::NmiPlan;
use hvcore::inject::reinject::{Interrupted, interrupted};
use hvcore::kick::Requests;
use hvcore::lapic::page::RegisterPage;
use hvcore::lapic::priority;
use hvcore::port::GuestCpu;
use hvcore::vcpu::counters::Count;
use hvcore::vcpu::facts::HostFacts;
use hvcore::vcpu::owned::Run;
use hvcore::vcpu::recent::RecentExit;
use hvcore::vcpu::shared::Activity;
use hvcore::vcpu::start;
use metal::vmcb_page::VmcbPage;
use metal::{cpu, vmrun};
use svm::exit_code::ExitCode;
use svm::vmcb::event::{Event, EventType};
use svm::vmcb::vintr::VirtualInterrupt;

const RFLAGS_IF: u64 = 1 << 9;

/// Why the loop returned.
pub enum Ending {
    /// STOP was requested.
    Stopped,
    /// This vCPU ended the life.
    Ended(EndReason),
}

/// Runs the vCPU until its life ends.
///
/// Host interrupts are off throughout (see `metal::vmrun`), so the timer's cannot
/// be taken between a look at the clock and the entry: it would be spent, and the
/// guest would sleep through its deadline.
pub fn guest(core: &mut VcpuCore) -> Ending {
    cpu::disable_interrupts();
    let ending = rounds(core);
    cpu::enable_interrupts();
    ending
}

/// One round for each exit. Time is read once a round, at the exit.
fn rounds(core: &mut VcpuCore) -> Ending {
    let mut timer = HostTimer::new(core);
    let mut now = core.now();
    loop {
        if !core.mine.words.requested().is_empty() && core.service() {
            return Ending::Stopped;
        }
        let mut moment = core.vcpu.next_moment();
        if now >= moment {
            core.expire_timer(now);
            moment = core.vcpu.next_moment();
        }
        if core.vcpu.run != Run::Running {
            core.block(&mut timer, now, moment);
            now = core.now();
            continue;
        }
        core.plan_events();
        timer.arm(core, now, moment);
        if !core.enter() {
            core.mine.counters.bump(Count::EntryCancelled);
            now = core.now();
            continue;
        }
        now = core.now();
        if let Some(reason) = core.exited(&mut timer, Tsc(now)) {
            return Ending::Ended(EndReason::Guest(reason));
        }
    }
}

impl VcpuCore {
    /// Guest TSC.
    #[inline(always)]
    pub fn now(&self) -> u64 {
        cpu::tsc().wrapping_add(self.tsc_offset)
    }

    #[inline(never)]
    fn expire_timer(&mut self, now: u64) {
        let expired = self.vcpu.timer.expire(&self.mine.page, Tsc(now));
        let counters = &self.mine.counters;
        counters.add(Count::TimerDue, expired.due);
        counters.add(Count::TimerMerged, expired.merged);
        counters.add(Count::TimerDropped, expired.dropped);
    }

    /// Serves requests in the fixed order of their bits; true for STOP (KICK-05).
    #[inline(never)]
    fn service(&mut self) -> bool {
        let mut requests = self.owner.take(Requests::all());
        while let Some(request) = requests.pop_first() {
            match request {
                Requests::STOP => return true,
                Requests::TLB_FLUSH => {
                    self.vmcb.flush(self.machine.facts.flush_by_asid());
                    self.mine.counters.bump(Count::Flush);
                }
                Requests::INIT => self.init(),
                Requests::SIPI => self.startup(),
                Requests::NMI if self.vcpu.run != Run::WaitForSipi => {
                    self.vcpu.nmi.arrive();
                }
                // Looked at before every entry anyway: the request was the wake-up.
                _ => {}
            }
        }
        false
    }

    fn init(&mut self) {
        start::init(
            &mut self.vcpu,
            &mut self.vmcb,
            &self.mine.page,
            self.machine.facts.signature,
        );
        vmrun::load_hidden_state(&self.vmcb);
        self.vmcb.flush(self.machine.facts.flush_by_asid());
        self.mine.set_activity(Activity::WaitForSipi);
    }

    fn startup(&mut self) {
        let Some(page) = self.mine.sipi() else { return };
        let waiting = self.vcpu.run == Run::WaitForSipi;
        start::startup(
            &mut self.vcpu,
            &mut self.vmcb,
            page,
            self.machine.facts.signature,
        );
        if waiting {
            cpu::reset_guest_registers(self.believes_xcr0(self.vcpu.xsetbv_exited));
            vmrun::load_hidden_state(&self.vmcb);
            self.mine.set_activity(Activity::Running);
        }
    }

    /// Something that ends a HLT is there.
    fn wakes(&self) -> bool {
        let interrupts = self.vmcb.save().rflags & RFLAGS_IF != 0;
        self.vcpu.nmi.wakes()
            || self.vcpu.event.valid()
            || (interrupts && priority::deliverable(&self.mine.page).is_some())
    }

    /// Sleeps until something may make this vCPU run (AVIC-24, R000-16).
    #[inline(never)]
    fn block(&mut self, timer: &mut HostTimer, now: u64, moment: u64) {
        if self.vcpu.run == Run::Halted && self.wakes() {
            self.vcpu.run = Run::Running;
            self.mine.set_activity(Activity::Running);
            return;
        }
        if self.vcpu.run == Run::Halted {
            self.mine.set_activity(Activity::Halted);
        }
        // What the last entry held back is asked for below.
        self.vcpu.recheck = false;
        timer.arm(self, now, moment);
        let halted = self.vcpu.run == Run::Halted;
        let interrupts = self.vmcb.save().rflags & RFLAGS_IF != 0;
        let blocking = self.owner.begin_block();
        let posted = halted && interrupts && priority::deliverable(&self.mine.page).is_some();
        if blocking.may_sleep() && !posted {
            cpu::sleep_until_interrupt();
            timer.forget();
            self.mine.counters.bump(Count::Sleep);
        }
        drop(blocking);
    }

    /// Puts the event of this entry into EVENTINJ.
    #[inline(always)]
    fn plan_events(&mut self) {
        self.vcpu.recheck = self.vmcb.control().interrupt_shadow & 1 != 0
            && interrupt::held_by_shadow(&self.mine.page, self.machine.facts.errata);
        if self.vcpu.nmi.pending() {
            self.plan_nmi();
        }
        if self.vcpu.event.valid() {
            self.vmcb.inject(self.vcpu.event);
        }
    }

    #[inline(never)]
    fn plan_nmi(&mut self) {
        let room = !self.vcpu.event.valid();
        let shadow = self.vmcb.control().interrupt_shadow & 1 != 0;
        match self.vcpu.nmi.plan(room, shadow) {
            NmiPlan::Idle => {}
            NmiPlan::Inject => {
                self.vcpu.event = Event::NMI;
                self.mine.counters.bump(Count::NmiInjected);
            }
            NmiPlan::AwaitIret => {}
            NmiPlan::Recheck => self.vcpu.recheck = true,
        }
        if self.vcpu.nmi.watch_iret() != self.vcpu.iret_watched {
            self.vcpu.iret_watched = self.vcpu.nmi.watch_iret();
            self.vmcb.set_intercept_iret(self.vcpu.iret_watched);
        }
    }

    /// The world switch; false when a request turned the entry back.
    #[inline(always)]
    fn enter(&mut self) -> bool {
        let HostFacts {
            errata, errata_off, ..
        } = self.machine.facts;
        let experiment = errata_off.contains(Errata::EVENTINJ_TWICE);
        let (page, vmcb, vcpu) = (&self.mine.page, &mut self.vmcb, &mut self.vcpu);
        cpu::clgi();
        // Pair P2, side B: IRR is read after the mode is announced, so a bit set
        // later finds IN_GUEST and comes with an interrupt.
        let entered = self.owner.enter(|| {
            let shadow = vmcb.control().interrupt_shadow & 1 != 0;
            let offer = if experiment {
                offer_as_event(page, vmcb, &mut vcpu.event, errata)
            } else {
                interrupt::offer(page, shadow, errata)
            };
            if errata.contains(Errata::SHADOW_IGNORED) {
                vcpu.shadow.entering(shadow, vmcb.save().rip);
            }
            vmcb.set_virtual_interrupt(offer.word);
            if errata.contains(Errata::CR8_WRITE_ABORTS) {
                vmcb.intercept_cr8_writes(offer.word.irq());
            }
            vcpu.offered = offer.vector;
            interrupt::withdraw(page, offer.vector);
            // Held back, and no timer is armed for it: it came after the plan.
            offer.recheck && !vcpu.recheck
        });
        let done = match entered {
            Ok(in_guest) => {
                vmrun::run(vmcb, &mut vcpu.regs);
                in_guest.leave();
                true
            }
            Err(_) => {
                interrupt::turned_back(page, vcpu.offered.take());
                false
            }
        };
        cpu::stgi();
        // After every exit: the emulator clears its V_IRQ flag there, whether it was set or not.
        if done && errata.contains(Errata::VIRQ_LOSES_INTR) {
            cpu::rewrite_task_priority();
        }
        done
    }

    /// What the exit shows, then its handler; a reason when it ends the life.
    #[inline(always)]
    fn exited(&mut self, timer: &mut HostTimer, now: Tsc) -> Option<StopReason> {
        let control = self.vmcb.control();
        let code = ExitCode(control.exit_code);
        let (word, int_info) = (
            VirtualInterrupt(control.vintr),
            Event(control.exit_int_info),
        );
        let rip = self.vmcb.save().rip;
        self.vmcb.exited();
        if self.vcpu.shadow.holds(rip) {
            self.vmcb.set_shadow(true);
        }
        self.vcpu.recent.note(RecentExit {
            code: code.0,
            rip,
            tsc: now.0,
        });
        self.vcpu.event = Event::NONE;
        let unfinished = interrupted(int_info, self.machine.facts.errata);
        if interrupt::settle(&self.mine.page, self.vcpu.offered, word, unfinished) {
            self.mine.counters.bump(Count::InterruptTaken);
        }
        if unfinished != Interrupted::Nothing {
            self.take_back(unfinished);
        }
        self.vcpu.nmi.exited(rip);
        if code == ExitCode::INTR {
            cpu::take_interrupts();
            timer.forget();
            self.mine.counters.bump(Count::Interrupt);
            return None;
        }
        let mut context = Context {
            vcpu: &mut self.vcpu,
            shared: self.mine,
            cpu: &mut self.vmcb,
            memory: &self.partition.ram,
            partition: self.shared,
            facts: &self.facts,
            cores: &self.kicker,
            host: &self.machine.facts,
            now,
            delivering: int_info.valid(),
        };
        match dispatch(&mut context, code) {
            Verdict::Resume => None,
            Verdict::Halt => {
                self.vcpu.run = Run::Halted;
                None
            }
            Verdict::Stop(reason) => Some(reason),
        }
    }

    #[inline(never)]
    fn take_back(&mut self, unfinished: Interrupted) {
        self.mine.counters.bump(Count::Reinjected);
        match unfinished {
            Interrupted::Event(event) => {
                if event.kind() == EventType::NMI {
                    self.vcpu.nmi.given_back();
                }
                self.vcpu.event = event;
            }
            // Injected as an event, and in service since.
            Interrupted::Interrupt(vector)
                if self
                    .machine
                    .facts
                    .errata_off
                    .contains(Errata::EVENTINJ_TWICE) =>
            {
                self.vcpu.event = Event::new(EventType::INTERRUPT, vector);
            }
            Interrupted::Interrupt(_) | Interrupted::Nothing => {}
        }
    }
}

/// The offer of a plan that wants to see EVENTINJ's erratum.
#[cold]
#[inline(never)]
fn offer_as_event(
    page: &RegisterPage,
    vmcb: &mut VmcbPage,
    waiting: &mut Event,
    errata: Errata,
) -> Offer {
    let guest = eventinj_experiment::Guest {
        interrupts: vmcb.save().rflags & RFLAGS_IF != 0,
        shadow: vmcb.control().interrupt_shadow & 1 != 0,
        room: !waiting.valid(),
    };
    vmcb.intercept_virtual_interrupts();
    let (event, offer) = eventinj_experiment::choose(page, guest, errata);
    if let Some(event) = event {
        *waiting = event;
        vmcb.inject(event);
    }
    offer
}

//! The loop of core 0: consoles, lives of partitions, logs.

use crate::machine::Machine;
use crate::vcpu_core::Kicker;
use crate::wire;
use hvcore::clock::kvmclock::{PartitionClock, Scale};
use hvcore::exit::PartitionFacts;
use hvcore::ids::{Tsc, VcpuId};
use hvcore::policy::cpuid::{CpuidTable, Platform};
use hvcore::policy::efer;
use hvcore::policy::msr::MsrPolicy;
use hvcore::vcpu::post::Cores;
use metal::crash::print;
use metal::{cpu, host_apic};

/// Never returns.
pub fn run(machine: &'static Machine) -> ! {
    let kicker = Kicker::new(machine);
    for index in 0..machine.planned {
        start(machine, index, &kicker);
    }
    let mut buffer = [0u8; 64];
    loop {
        for (index, shared) in wire::SHARED.iter().enumerate().take(machine.planned) {
            let count = shared.serial.lock().take(&mut buffer);
            if count > 0 && machine.attach == Some(index) {
                if let Some(serial) = metal::crash::CONSOLE.lock().as_mut() {
                    serial.send_all(&buffer[..count]);
                }
            }
            if let Some(end) = wire::LIVES[index].end.lock().take() {
                print(format_args!("\npartition {index} ended: {:?} exit {:x?} rip {:#x} rsp {:#x} cr0 {:#x} cr3 {:#x} cr4 {:#x} efer {:#x} cs {:x?} regs {:x?}\n", end.reason, end.epitaph.exit, end.epitaph.save.rip, end.epitaph.save.rsp, end.epitaph.save.cr0, end.epitaph.save.cr3, end.epitaph.save.cr4, end.epitaph.save.efer, end.epitaph.save.cs, end.epitaph.regs));
                for e in end.epitaph.recent.iter() {
                    print(format_args!("  exit {:#x} rip {:#x} info {:#x}\n", e.code, e.rip, e.info));
                }
            }
        }
        host_apic::arm_timer(machine.rates.apic_ticks(machine.rates.tsc_hz / 1000));
        cpu::disable_interrupts();
        cpu::sleep_until_interrupt();
        cpu::enable_interrupts();
    }
}

fn start(machine: &'static Machine, index: usize, kicker: &Kicker) {
    let (shared, life) = (&wire::SHARED[index], &wire::LIVES[index]);
    let Some(partition) = wire::PARTITION[index].get() else { return };
    let platform = Platform {
        vcpus: partition.vcpus(),
        tsc_khz: (machine.rates.tsc_hz / 1000) as u32,
        stable_tsc: true,
    };
    let Some(scale) = Scale::of_tsc(machine.rates.tsc_hz) else { return };
    *life.facts.lock() = Some(PartitionFacts {
        cpuid: CpuidTable::new(&machine.cpuid, platform),
        msr: MsrPolicy::new(&machine.cpuid),
        efer: efer::writable(&machine.cpuid),
        clock: PartitionClock::start(scale, Tsc(0), 0, true),
    });
    life.announce(cpu::tsc());
    for id in (0..partition.vcpus()).map(VcpuId) {
        if let Some(core) = shared.core(id) {
            kicker.interrupt(core);
        }
    }
}

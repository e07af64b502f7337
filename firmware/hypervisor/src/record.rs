//! The epitaph of a vCPU that could not go on, taken on its own core.

use crate::lives;
use crate::machine::EndReason;
use crate::vcpu_core::VcpuCore;
use abi::epitaph::{CODE_LEN, EXITS, Epitaph, PastExit, Reason, Segment};
use hvcore::decode::fetch::fetch;
use hvcore::decode::mode::code_size;
use hvcore::decode::paging::Paging;
use hvcore::port::GuestCpu;
use metal::cpu;

/// Everything the record holds except the number of restarts.
pub fn of(core: &mut VcpuCore, why: EndReason) -> Epitaph {
    core.vmcb.fetch_hidden_state();
    let (control, save) = (core.vmcb.control(), core.vmcb.save());
    let mut record = Epitaph::zeroed();
    record.partition = core.partition.record.name;
    record.reason = match why {
        EndReason::Guest(stop) => lives::reason(stop),
        EndReason::Stopped => Reason::STOPPED,
        EndReason::Load(_) => Reason::IMAGE,
    };
    record.vcpu = u32::from(core.vcpu.id.0);
    record.core = core
        .shared
        .core(core.vcpu.id)
        .map_or(0, |core| u32::from(core.0));
    record.tsc_khz = (core.machine.rates.tsc_hz / 1000) as u32;
    record.started = core.life.origin();
    record.died = cpu::tsc();
    record.exit_code = control.exit_code;
    record.info1 = control.exit_info_1;
    record.info2 = control.exit_info_2;
    record.exit_int_info = control.exit_int_info;
    record.rip = save.rip;
    record.rflags = save.rflags;
    (record.cr0, record.cr2, record.cr3, record.cr4) = (save.cr0, save.cr2, save.cr3, save.cr4);
    record.efer = hvcore::policy::efer::shown(save.efer);
    record.gprs = core.vcpu.regs.gpr;
    record.segments = [save.es, save.cs, save.ss, save.ds, save.fs, save.gs].map(segment);
    (record.idt_base, record.gdt_base) = (save.idtr.base, save.gdtr.base);
    exits(core, &mut record);
    code(core, &mut record);
    record
}

const fn segment(from: svm::vmcb::Segment) -> Segment {
    Segment {
        selector: from.selector,
        attributes: from.attributes,
        limit: from.limit,
        base: from.base,
    }
}

fn exits(core: &VcpuCore, record: &mut Epitaph) {
    let origin = core.life.origin();
    for (slot, exit) in record
        .exits
        .iter_mut()
        .zip(core.vcpu.recent.iter().take(EXITS))
    {
        *slot = PastExit {
            code: exit.code,
            rip: exit.rip,
            tsc: exit.tsc.wrapping_add(origin),
        };
        record.exit_count += 1;
    }
}

/// Bytes at RIP, as far as the guest's own tables lead to RAM.
fn code(core: &VcpuCore, record: &mut Epitaph) {
    let save = core.vmcb.save();
    let paging = Paging {
        cr0: save.cr0,
        cr3: save.cr3,
        cr4: save.cr4,
        efer: save.efer,
        rflags: save.rflags,
        cpl: save.cpl,
        phys_bits: core.machine.facts.phys_bits,
    };
    let size = code_size(
        save.cs.long(),
        save.cs.default_32(),
        save.efer,
        save.cr0,
        save.rflags,
    );
    if let Ok(fetched) = fetch(&core.partition.ram, &paging, save.cs.base, save.rip, size) {
        for (slot, byte) in record
            .code
            .iter_mut()
            .zip(fetched.bytes().iter().take(CODE_LEN))
        {
            *slot = *byte;
            record.code_len += 1;
        }
    }
}

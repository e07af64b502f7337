//! A vCPU's core and number: fixed at boot, dense, and the only way to a core.
#![cfg(not(any(loom, shuttle)))]

use hvcore::ids::{CpuId, VcpuId};
use hvcore::kick::{Kick, Requests};
use hvcore::vcpu::post::{self, Cores};
use hvcore::vcpu::shared::{Layout, PartitionShared};
use std::cell::RefCell;

// J-02: a guest's APIC ids have 8 bits, and 255 is the broadcast.
const _: () = assert!(abi::plan::MAX_VCPUS < 255);

fn layout(cores: &[u8]) -> Layout {
    let mut layout = Layout {
        vcpus: cores.len() as u8,
        cores: [CpuId(0); abi::plan::MAX_VCPUS],
    };
    for (slot, core) in layout.cores.iter_mut().zip(cores) {
        *slot = CpuId(*core);
    }
    layout
}

/// R001-01: a second layout changes nothing, so no core can go stale.
#[test]
fn a_vcpu_keeps_the_core_it_was_given() {
    let partition = PartitionShared::new();
    assert_eq!(partition.core(VcpuId(0)), None);
    partition.set_layout(layout(&[3, 1]));
    partition.set_layout(layout(&[2, 2, 2]));
    let cores: Vec<_> = (0..3).map(|id| partition.core(VcpuId(id))).collect();
    assert_eq!(cores, [Some(CpuId(3)), Some(CpuId(1)), None]);
}

/// AVIC-06: vCPU numbers, which are the guest's APIC ids, are dense from 0.
#[test]
fn vcpu_numbers_are_dense_from_zero() {
    let partition = PartitionShared::new();
    partition.set_layout(layout(&[7, 5, 6]));
    assert!(partition.ids().eq([VcpuId(0), VcpuId(1), VcpuId(2)]));
    assert!(partition.vcpu(VcpuId(2)).is_some() && partition.vcpu(VcpuId(3)).is_none());
}

#[derive(Default)]
struct Interrupted(RefCell<Vec<CpuId>>);

impl Cores for Interrupted {
    fn interrupt(&self, core: CpuId) {
        self.0.borrow_mut().push(core);
    }
    fn attention(&self) {}
}

/// R001-02: the core that is interrupted comes from that table, and a decision
/// that asks for nothing, or names no vCPU, interrupts none.
#[test]
fn an_interrupt_goes_to_the_core_of_the_table() {
    let partition = PartitionShared::new();
    partition.set_layout(layout(&[3, 1]));
    let cores = Interrupted::default();
    assert!(post::interrupt(
        &partition,
        VcpuId(1),
        Kick::WakeCore,
        &cores
    ));
    assert!(post::interrupt(
        &partition,
        VcpuId(0),
        Kick::Interrupt,
        &cores
    ));
    assert!(!post::interrupt(&partition, VcpuId(0), Kick::None, &cores));
    assert!(!post::interrupt(
        &partition,
        VcpuId(2),
        Kick::Interrupt,
        &cores
    ));
    post::request(&partition, VcpuId(9), Requests::STOP, &cores);
    assert_eq!(*cores.0.borrow(), [CpuId(1), CpuId(3)]);
}

//! Fuzz target: local APIC registers and interrupt messages.
//!
//! The input is a sequence of accesses to two vCPUs' pages. Claims: no vector
//! below 16 is ever pending or in service, what is deliverable is above the
//! processor priority and was requested, an end retires the highest, a message
//! reaches only vCPUs that exist, and a read that is not of a clock can be
//! repeated.
#![no_main]

use hvcore::ids::{Tsc, VcpuId, Vector};
use hvcore::lapic::arrival::arrive;
use hvcore::lapic::icr::{Delivery, Resolved, resolve};
use hvcore::lapic::page::RegisterPage;
use hvcore::lapic::priority::{deliverable, processor_priority};
use hvcore::lapic::registers::{Action, read, write};
use hvcore::lapic::timer::Timer;
use libfuzzer_sys::fuzz_target;

const VCPUS: u8 = 2;

fuzz_target!(|input: &[u8]| {
    let pages: [RegisterPage; VCPUS as usize] = Default::default();
    let mut timers = [Timer::new(2_000_000_000), Timer::new(2_000_000_000)];
    for (id, page) in (0..).zip(&pages) {
        page.reset(id);
    }
    let mut now = 1;
    for step in input.chunks_exact(8) {
        let who = usize::from(step[0] >> 7);
        let (page, timer) = (&pages[who], &mut timers[who]);
        let offset = u16::from_le_bytes([step[2], step[3]]) & 0xFFF;
        let value = u32::from_le_bytes(step[4..8].try_into().unwrap());
        now += u64::from(step[1]) << (step[1] & 31);
        match step[0] & 7 {
            0 | 1 => {
                let action = write(page, timer, offset, value, Tsc(now));
                check_action(action, &pages, who as u8);
            }
            2 => {
                let first = read(page, timer, offset, Tsc(now));
                assert_eq!(read(page, timer, offset, Tsc(now)), first);
            }
            3 => {
                let _ = arrive(page, Vector(value as u8), value & 0x100 != 0);
            }
            4 => take(page),
            _ => {
                let _ = timer.expire(page, Tsc(now));
            }
        }
        check_page(page);
    }
});

/// The CPU takes what is deliverable.
fn take(page: &RegisterPage) {
    if let Some(vector) = deliverable(page) {
        assert!(vector.0 & 0xF0 > processor_priority(page) & 0xF0);
        assert!(page.software_enabled());
        assert!(page.accept(vector));
        assert_eq!(page.highest_isr(), Some(vector));
        assert_eq!(
            deliverable(page).filter(|next| next.0 & 0xF0 <= vector.0 & 0xF0),
            None
        );
    }
}

fn check_page(page: &RegisterPage) {
    let legal = |vector: Option<Vector>| vector.is_none_or(|vector| vector.0 >= 16);
    assert!(legal(page.highest_irr()) && legal(page.highest_isr()));
}

fn check_action(action: Action, pages: &[RegisterPage; VCPUS as usize], sender: u8) {
    let Action::SendIpi(icr) = action else { return };
    let page_of = |vcpu: VcpuId| pages.get(usize::from(vcpu.0));
    if let Resolved::Deliver(targets, delivery) = resolve(icr, VcpuId(sender), page_of, VCPUS) {
        assert_eq!(targets.0 >> VCPUS, 0);
        match delivery {
            Delivery::Fixed { vector, level } => {
                assert!(vector.0 >= 16);
                for target in targets {
                    let _ = arrive(&pages[usize::from(target.0)], vector, level);
                }
            }
            Delivery::Init => assert!(!targets.contains(VcpuId(sender)) || icr.0 >> 18 & 3 == 0),
            Delivery::Nmi | Delivery::StartUp(_) => {}
        }
    }
}

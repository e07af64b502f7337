//! Local APIC registers: every offset, read and written, against a table.
#![cfg(not(any(loom, shuttle)))]

use hvcore::ids::{Tsc, Vector};
use hvcore::lapic::base::{self, BaseWrite};
use hvcore::lapic::page::RegisterPage;
use hvcore::lapic::registers::{self, Action};
use hvcore::lapic::timer::Timer;
use hvcore::lapic::{arrival, error, priority};
use proptest::prelude::*;
use svm::apic::{ApicBase, ErrorStatus, Icr, Register};

const NOW: Tsc = Tsc(1_000_000);

struct Apic {
    page: Box<RegisterPage>,
    timer: Timer,
}

impl Apic {
    fn at_power_up() -> Self {
        let page = Box::new(RegisterPage::new());
        page.reset(3);
        let timer = Timer::new(1_000_000_000);
        Self { page, timer }
    }

    fn enabled() -> Self {
        let mut apic = Self::at_power_up();
        assert_eq!(apic.write(Register::SVR, 0x1FF), Action::SoftwareEnabled);
        apic
    }

    fn read(&self, at: Register) -> u32 {
        registers::read(&self.page, &self.timer, at.0, NOW)
    }

    fn write(&mut self, at: Register, value: u32) -> Action {
        registers::write(&self.page, &mut self.timer, at.0, value, NOW)
    }

    /// What a guest gets from its ESR: it must write before it reads.
    fn errors(&mut self) -> ErrorStatus {
        assert_eq!(self.write(Register::ESR, 0), Action::None);
        ErrorStatus::from_bits_retain(self.read(Register::ESR))
    }
}

/// How one register answers: value at power-up, value read after all ones were
/// written to an enabled APIC, and what that write asks of the caller.
struct Row(u16, u32, u32, Action);

fn register_table() -> Vec<Row> {
    let sends = Icr::from_halves(0, 0x000C_CFFF);
    let mut rows = vec![
        Row(0x020, 0x0300_0000, 0xFF00_0000, Action::IdChanged),
        Row(0x030, 0x0005_0014, 0x0005_0014, Action::None),
        Row(0x080, 0, 0xFF, Action::PriorityChanged),
        Row(0x090, 0, 0, Action::None),
        Row(0x0A0, 0, 0, Action::None),
        Row(0x0B0, 0, 0, Action::None),
        Row(0x0C0, 0, 0, Action::None),
        Row(0x0D0, 0, 0xFF00_0000, Action::LogicalIdChanged),
        Row(0x0E0, 0xFFFF_FFFF, 0xFFFF_FFFF, Action::LogicalIdChanged),
        Row(0x0F0, 0x0FF, 0x3FF, Action::None),
        Row(0x280, 0, 0, Action::None),
        Row(0x300, 0, 0x000C_CFFF, Action::SendIpi(sends)),
        Row(0x310, 0, 0xFF00_0000, Action::None),
        Row(0x320, 0x1_0000, 0x0007_00FF, Action::TimerChanged),
        Row(0x330, 0x1_0000, 0x0001_07FF, Action::None),
        Row(0x340, 0x1_0000, 0x0001_07FF, Action::None),
        Row(0x350, 0x1_0000, 0x0001_A7FF, Action::None),
        Row(0x360, 0x1_0000, 0x0001_A7FF, Action::None),
        Row(0x370, 0x1_0000, 0x0001_00FF, Action::None),
        Row(0x380, 0, 0xFFFF_FFFF, Action::TimerChanged),
        Row(0x390, 0, 0, Action::None),
        Row(0x3E0, 0, 0xB, Action::TimerChanged),
    ];
    rows.extend(
        (0x100..0x280)
            .step_by(16)
            .map(|at| Row(at, 0, 0, Action::None)),
    );
    rows
}

/// PLT-09, AVIC-30: each of the 4096 offsets, in both directions.
#[test]
fn every_offset_answers_as_the_register_table_says() {
    let table = register_table();
    for offset in 0..0x1000 {
        let at = Register(offset);
        let row = table.iter().find(|row| row.0 == offset);
        let mut apic = Apic::enabled();
        if offset != 0x0F0 {
            assert_eq!(
                apic.read(at),
                row.map_or(0, |row| row.1),
                "read {offset:#x}"
            );
        }
        let illegal = |apic: &mut Apic| apic.errors() == ErrorStatus::ILLEGAL_REGISTER;
        assert_eq!(illegal(&mut apic), row.is_none(), "read {offset:#x}");

        let mut apic = Apic::enabled();
        let action = apic.write(at, u32::MAX);
        assert_eq!(
            action,
            row.map_or(Action::Refused, |row| row.3),
            "write {offset:#x}"
        );
        assert_eq!(illegal(&mut apic), row.is_none(), "write {offset:#x}");
        if let Some(row) = row {
            assert_eq!(apic.read(at), row.2, "after write {offset:#x}");
        }
    }
}

/// PLT-09.
#[test]
fn power_up_is_software_disabled_with_six_masked_entries_and_idle_icr() {
    let apic = Apic::at_power_up();
    assert_eq!(apic.read(Register::SVR), 0xFF);
    assert_eq!((apic.read(Register::VERSION) >> 16) & 0xFF, 5);
    for row in register_table() {
        assert_eq!(
            apic.read(Register(row.0)),
            if row.0 == 0xF0 { 0xFF } else { row.1 }
        );
    }
}

/// PLT-10.
#[test]
fn init_restores_all_but_the_id() {
    let mut apic = Apic::enabled();
    for row in register_table() {
        let _ = apic.write(Register(row.0), 0x4200_0042);
    }
    assert!(apic.page.post(Vector(0x55), true));
    error::log(&apic.page, ErrorStatus::ILLEGAL_REGISTER);
    apic.page.init();
    for row in register_table() {
        let expected = match row.0 {
            0x020 => 0x4200_0000,
            0x0F0 => 0x0FF,
            _ => row.1,
        };
        assert_eq!(apic.page.load(Register(row.0)), expected, "{:#x}", row.0);
    }
    assert_eq!(apic.errors(), ErrorStatus::empty());
    assert_eq!(apic.write(Register::SVR, 0x1FF), Action::SoftwareEnabled);
}

#[test]
fn disabling_masks_every_entry_and_none_can_be_unmasked_until_enabled() {
    let mut apic = Apic::enabled();
    let entries = [0x320, 0x330, 0x340, 0x350, 0x360, 0x370].map(Register);
    for at in entries {
        let _ = apic.write(at, 0x40);
        assert_eq!(apic.read(at), 0x40);
    }
    assert_eq!(apic.write(Register::SVR, 0x0FF), Action::SoftwareDisabled);
    for at in entries {
        assert_eq!(apic.read(at), 0x1_0040);
        let _ = apic.write(at, 0x41);
        assert_eq!(apic.read(at), 0x1_0041);
    }
    assert_eq!(apic.write(Register::SVR, 0x1FF), Action::SoftwareEnabled);
    assert_eq!(apic.write(Register::SVR, 0x1FE), Action::None);
    for at in entries {
        assert_eq!(apic.read(at), 0x1_0041);
        let _ = apic.write(at, 0x41);
        assert_eq!(apic.read(at), 0x41);
    }
}

/// AVIC-32: with AVIC the hardware has stored the value before the trap; the
/// transition must be seen all the same, once.
#[test]
fn an_enable_stored_by_hardware_is_still_a_transition() {
    let mut apic = Apic::at_power_up();
    apic.page.store(Register::SVR, 0x1FF);
    assert_eq!(apic.write(Register::SVR, 0x1FF), Action::SoftwareEnabled);
    assert_eq!(apic.write(Register::SVR, 0x1FF), Action::None);
    apic.page.store(Register::SVR, 0x0FF);
    assert_eq!(apic.write(Register::SVR, 0x0FF), Action::SoftwareDisabled);
}

#[test]
fn errors_become_visible_by_a_write_and_only_until_the_next() {
    let mut apic = Apic::enabled();
    let _ = apic.read(Register(0x400));
    assert_eq!(apic.read(Register::ESR), 0);
    assert_eq!(apic.errors(), ErrorStatus::ILLEGAL_REGISTER);
    assert_eq!(
        apic.read(Register::ESR),
        ErrorStatus::ILLEGAL_REGISTER.bits()
    );
    assert_eq!(apic.errors(), ErrorStatus::empty());
}

#[test]
fn the_first_error_after_a_latch_interrupts_and_later_ones_only_add() {
    let mut apic = Apic::enabled();
    let _ = apic.write(Register::LVT_ERROR, 0xFE);
    assert_eq!(apic.write(Register(0x404), 0), Action::Refused);
    assert_eq!(priority::deliverable(&apic.page), Some(Vector(0xFE)));
    assert!(apic.page.accept(Vector(0xFE)));
    let _ = arrival::arrive(&apic.page, Vector(3), false);
    assert_eq!(apic.page.highest_irr(), None);
    let both = ErrorStatus::ILLEGAL_REGISTER | ErrorStatus::RECEIVE_ILLEGAL_VECTOR;
    assert_eq!(apic.errors(), both);
    let _ = apic.read(Register(0x404));
    assert_eq!(apic.page.highest_irr(), Some(Vector(0xFE)));
}

#[test]
fn an_error_entry_with_an_illegal_vector_is_an_error_and_no_interrupt() {
    let mut apic = Apic::enabled();
    let _ = apic.write(Register::LVT_ERROR, 0x0F);
    let _ = apic.read(Register(0x404));
    assert_eq!(apic.page.highest_irr(), None);
    let both = ErrorStatus::ILLEGAL_REGISTER | ErrorStatus::RECEIVE_ILLEGAL_VECTOR;
    assert_eq!(apic.errors(), both);
}

#[test]
fn a_masked_error_entry_is_silent() {
    let mut apic = Apic::enabled();
    let _ = apic.write(Register::LVT_ERROR, 0x1_00FE);
    let _ = apic.read(Register(0x404));
    assert_eq!(apic.page.highest_irr(), None);
}

#[test]
fn an_illegal_vector_is_not_sent_but_logged() {
    let mut apic = Apic::enabled();
    for low in [0x0, 0xF, 0x10F, 0x4_000F] {
        assert_eq!(apic.write(Register::ICR_LOW, low), Action::Refused);
        assert_eq!(apic.errors(), ErrorStatus::SEND_ILLEGAL_VECTOR);
    }
    // The vector of NMI, INIT and start-up is none.
    for low in [0x400, 0x500, 0x60F] {
        assert!(matches!(
            apic.write(Register::ICR_LOW, low),
            Action::SendIpi(_)
        ));
    }
    assert_eq!(apic.errors(), ErrorStatus::empty());
}

/// PLT-09: what Linux polls after each send.
#[test]
fn the_icr_is_never_busy() {
    let mut apic = Apic::enabled();
    let _ = apic.write(Register::ICR_HIGH, 0x0200_0000);
    let sent = Icr::from_halves(0x0200_0000, 0x40FD);
    assert_eq!(apic.write(Register::ICR_LOW, 0x50FD), Action::SendIpi(sent));
    assert_eq!(apic.read(Register::ICR_LOW), 0x40FD);
}

#[test]
fn the_end_of_a_level_interrupt_is_broadcast_and_of_an_edge_one_is_not() {
    let mut apic = Apic::enabled();
    assert_eq!(apic.write(Register::EOI, 0), Action::None);
    for (vector, level) in [(0x41, false), (0x52, true)] {
        assert!(apic.page.post(Vector(vector), level));
        assert!(apic.page.accept(Vector(vector)));
    }
    assert_eq!(
        apic.write(Register::EOI, 0),
        Action::EoiBroadcast(Vector(0x52))
    );
    assert_eq!(apic.write(Register::EOI, 0), Action::PriorityChanged);
    assert_eq!(apic.page.highest_isr(), None);
}

#[test]
fn a_vector_posted_first_level_then_edge_ends_as_edge() {
    let mut apic = Apic::enabled();
    assert!(apic.page.post(Vector(0x61), true));
    assert!(!apic.page.post(Vector(0x61), false));
    assert!(apic.page.accept(Vector(0x61)));
    assert_eq!(apic.write(Register::EOI, 0), Action::PriorityChanged);
}

#[test]
fn priorities_read_as_task_priority_or_the_class_at_work() {
    let mut apic = Apic::enabled();
    let _ = apic.write(Register::TPR, 0x35);
    assert_eq!(apic.read(Register::PPR), 0x35);
    assert!(apic.page.post(Vector(0x3F), false));
    assert_eq!(apic.read(Register::APR), 0x35);
    assert!(apic.page.accept(Vector(0x3F)));
    assert_eq!(apic.read(Register::PPR), 0x35);
    assert!(apic.page.post(Vector(0x47), false));
    assert_eq!(apic.read(Register::APR), 0x40);
    assert!(apic.page.accept(Vector(0x47)));
    assert_eq!(apic.read(Register::PPR), 0x40);
    priority::publish_processor_priority(&apic.page);
    assert_eq!(apic.page.load(Register::PPR), 0x40);
}

/// AVIC-08: CR8 holds the class; the subclass is only ours.
#[test]
fn cr8_moves_the_class_and_keeps_an_unchanged_subclass() {
    let mut apic = Apic::enabled();
    let _ = apic.write(Register::TPR, 0x35);
    assert_eq!(priority::cr8(&apic.page), 3);
    priority::set_cr8(&apic.page, 3);
    assert_eq!(apic.read(Register::TPR), 0x35);
    priority::set_cr8(&apic.page, 0xF4);
    assert_eq!(apic.read(Register::TPR), 0x40);
}

/// PLT-08.
#[test]
fn the_base_register_refuses_to_move_the_page_or_enter_x2apic() {
    let on = base::value(true, true);
    assert_eq!(on, 0xFEE0_0900);
    assert_eq!(base::write(true, true, on), BaseWrite::Unchanged);
    assert_eq!(base::write(true, true, on & !0x800), BaseWrite::Disabled);
    assert_eq!(base::write(true, false, on), BaseWrite::Enabled);
    for bit in (0..64).filter(|&bit| bit != 11) {
        assert_eq!(
            base::write(true, true, on ^ (1 << bit)),
            BaseWrite::Refused,
            "bit {bit}"
        );
    }
    assert_eq!(base::write(false, true, on), BaseWrite::Refused);
    assert!(ApicBase::from_bits_truncate(on).contains(ApicBase::BSP | ApicBase::ENABLE));
}

proptest! {
    /// H-40: no sequence of guest accesses reaches a panic, and none unmasks an
    /// entry of a disabled APIC.
    #[test]
    fn no_sequence_of_accesses_breaks_the_invariants(
        steps in proptest::collection::vec(
            (0u16..0x100, 0u16..16, any::<u32>(), any::<u64>(), any::<bool>()), 0..200)
    ) {
        let mut apic = Apic::at_power_up();
        let mut now = 0u64;
        for (slot, skew, value, delta, is_write) in steps {
            now = now.wrapping_add(delta >> 20);
            let offset = slot << 4 | if skew < 13 { 0 } else { skew };
            if is_write {
                let _ = registers::write(&apic.page, &mut apic.timer, offset, value, Tsc(now));
            } else {
                let _ = registers::read(&apic.page, &apic.timer, offset, Tsc(now));
            }
            apic.timer.expire(&apic.page, Tsc(now));
            if !apic.page.software_enabled() {
                prop_assert!(apic.read(Register::LVT_TIMER) & 0x1_0000 != 0);
                prop_assert_eq!(priority::deliverable(&apic.page), None);
            }
            let account = apic.timer.account();
            let shares = account.delivered.wrapping_add(account.merged);
            prop_assert_eq!(account.due, shares.wrapping_add(account.dropped));
        }
    }
}

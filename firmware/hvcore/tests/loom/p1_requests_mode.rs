//! Pair P1: a request against a mode change (`raise`, `enter`).

use crate::explore::{model, spawn};
use hvcore::kick::{Kick, Requests, VcpuWords};
use hvcore::mutant::{Mutant, planted};
use hvcore::sync::{AtomicBool, Ordering};
use std::sync::Arc;

/// Whether the vCPU entered, and what the kicker was told.
type Outcome = (bool, Kick);

const OUTCOMES: [Outcome; 3] = [
    (false, Kick::None),
    (false, Kick::Interrupt),
    (true, Kick::Interrupt),
];

/// P1, R001-03, R001-11, R000-07, R000-08: the outcome "entered, and nobody interrupts"
/// does not occur.
#[test]
pub fn a_request_is_seen_by_entry_or_kicked() {
    model(8, 20, OUTCOMES).explore(|| {
        let words = Arc::new(VcpuWords::new());
        let owned = words.clone();
        let owner = spawn(move || {
            let mut owner = owned.claim().unwrap();
            let entry = owner.enter(|| false);
            // In the guest until somebody interrupts.
            entry.map(std::mem::forget).is_ok()
        });
        let kicker = spawn(move || words.raise(Requests::EVENT));
        (owner.join().unwrap(), kicker.join().unwrap())
    });
}

/// KICK-01, KICK-07, R000-06: the interrupt of a kick is pending at VMRUN, because
/// nothing takes it between the mode store and VMRUN. The mutant opens a window
/// there.
#[test]
pub fn a_kick_interrupt_is_still_pending_at_vmrun() {
    model(8, 30, ["ended", "interrupted", "refused"]).explore(|| {
        let words = Arc::new(VcpuWords::new());
        let ipi = Arc::new(AtomicBool::new(false));
        let (owned, pin) = (words.clone(), ipi.clone());
        let owner = spawn(move || {
            let mut owner = owned.claim().unwrap();
            let Ok(inside) = owner.enter(|| false) else {
                return "refused";
            };
            if planted(Mutant::WindowBeforeVmrun) {
                pin.swap(false, Ordering::AcqRel);
            }
            // VMRUN: a pending interrupt ends it at once.
            if pin.swap(false, Ordering::AcqRel) {
                inside.leave();
                return "ended";
            }
            std::mem::forget(inside);
            "interrupted"
        });
        let (shared, line) = (words.clone(), ipi.clone());
        let kicker = spawn(move || {
            if shared.raise(Requests::STOP) == Kick::Interrupt {
                line.swap(true, Ordering::AcqRel);
            }
        });
        let how = owner.join().unwrap();
        kicker.join().unwrap();
        let still_to_come = ipi.load(Ordering::Acquire);
        assert!(
            how != "interrupted" || still_to_come,
            "runs on without an interrupt"
        );
        how
    });
}

//! Only the owner leaves EXITING: a late kick never marks a vCPU that is out.
//!
//! Not for loom: it does not order the owner's plain store after an exchange the
//! owner has not seen, and so reports EXITING after OUTSIDE, which coherence of
//! a single word excludes. Shuttle and Miri keep one order per word.

use crate::explore::{model, spawn};
use hvcore::kick::{Kick, Mode, VcpuWords};
use std::sync::Arc;

/// KICK-03, R000-02: a vCPU that has left is OUTSIDE whatever a racing kicker
/// does, and a spurious kick changes nothing else.
#[test]
pub fn a_vcpu_that_has_left_is_outside() {
    model(
        8,
        30,
        [
            (false, Kick::Interrupt),
            (true, Kick::None),
            (true, Kick::Interrupt),
        ],
    )
    .explore(|| {
        let words = Arc::new(VcpuWords::new());
        let (owned, shared) = (words.clone(), words.clone());
        let owner = spawn(move || {
            let mut owner = owned.claim().unwrap();
            let entered = match owner.enter(|| false) {
                Ok(inside) => {
                    inside.leave();
                    true
                }
                Err(_) => false,
            };
            assert_eq!(owned.mode(), Mode::Outside, "marked from outside");
            entered
        });
        let kicker = spawn(move || shared.kick());
        let entered = owner.join().unwrap();
        let kicked = kicker.join().unwrap();
        assert_eq!(words.mode(), Mode::Outside, "marked from outside, for good");
        (entered, kicked)
    });
}

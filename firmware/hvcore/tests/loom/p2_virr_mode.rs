//! Pair P2: a posted interrupt against a mode change (`kick_posted`, `enter`).
//!
//! The software APIC's half: without AVIC the entry itself looks at the vIRR.

use crate::explore::{model, spawn};
use hvcore::kick::{Kick, VcpuWords};
use hvcore::sync::{AtomicU64, Ordering};
use std::sync::Arc;

const VECTOR: u64 = 1 << 33;

fn post_against_entry(post: fn(&AtomicU64, &VcpuWords) -> Kick) -> (bool, bool) {
    let words = Arc::new(VcpuWords::new());
    let virr = Arc::new(AtomicU64::new(0));
    let (owned, page) = (words.clone(), virr.clone());
    let owner = spawn(move || {
        let mut owner = owned.claim().unwrap();
        let entry = owner.enter(|| page.load(Ordering::Relaxed) != 0);
        entry.map(std::mem::forget).is_ok()
    });
    let poster = spawn(move || post(&virr, &words) == Kick::Interrupt);
    (owner.join().unwrap(), poster.join().unwrap())
}

/// P2: entered without the vector and without an interrupt does not occur.
const OUTCOMES: [(bool, bool); 3] = [(false, false), (false, true), (true, true)];

/// P2, PLT-53: posting is a locked read-modify-write, as the vIRR asks for.
#[test]
pub fn a_posted_vector_is_seen_by_entry_or_kicked() {
    model(8, 20, OUTCOMES).explore(|| {
        post_against_entry(|virr, words| {
            virr.fetch_or(VECTOR, Ordering::Relaxed);
            words.kick_posted()
        })
    });
}

/// P2: the same promise for state that was published with a plain store.
#[test]
pub fn a_stored_flag_is_seen_by_entry_or_kicked() {
    model(8, 20, OUTCOMES).explore(|| {
        post_against_entry(|flag, words| {
            flag.store(VECTOR, Ordering::Relaxed);
            words.kick()
        })
    });
}

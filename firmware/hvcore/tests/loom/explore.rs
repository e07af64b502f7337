//! One way to run a model under three checkers, and to know that it ran.
//!
//! A model that explores one interleaving passes as green as a true proof
//! (loom does so when a spawned thread starts with a load), so every model
//! states how many interleavings it needs and which outcomes it must see. A
//! body returns its outcome; one that is not expected fails too.

use hvcore::mutant::{Mutant, planted};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[cfg(loom)]
pub use loom::thread::{spawn, yield_now};
#[cfg(all(shuttle, not(loom)))]
pub use shuttle::thread::{spawn, yield_now};
#[cfg(not(any(loom, shuttle)))]
pub use std::thread::{spawn, yield_now};

/// Whether a defect is planted: then only the claims of the bodies may fail.
fn is_mutated() -> bool {
    Mutant::ALL.into_iter().any(planted)
}

/// What a model needs to have shown.
#[allow(dead_code, reason = "each checker uses its own bounds")]
pub struct Model<O> {
    least_loom: usize,
    least_shuttle: usize,
    expected: Vec<O>,
    unseen_by_loom: Vec<O>,
    preemptions: Option<usize>,
    drawn: Option<usize>,
}

/// A model that must run at least so many interleavings under loom and shuttle
/// and must see exactly these outcomes.
pub fn model<O>(least_loom: usize, least_shuttle: usize, expected: impl Into<Vec<O>>) -> Model<O> {
    Model {
        least_loom,
        least_shuttle,
        expected: expected.into(),
        unseen_by_loom: Vec::new(),
        preemptions: None,
        drawn: None,
    }
}

#[allow(dead_code, reason = "each checker uses its own bounds")]
impl<O: Ord + Debug + Clone + Send + Sync + 'static> Model<O> {
    /// Outcomes that are legal and that loom is known to skip.
    pub fn unseen_by_loom(mut self, outcomes: impl Into<Vec<O>>) -> Self {
        self.unseen_by_loom = outcomes.into();
        self
    }

    /// For models too large to finish: so many preemptions at most under loom.
    pub fn bounded(mut self, preemptions: usize) -> Self {
        self.preemptions = Some(preemptions);
        self
    }

    /// For bodies that spin, or are too large to finish: shuttle draws so many
    /// random schedules, which are fair, instead of all.
    pub fn drawn(mut self, schedules: usize) -> Self {
        self.drawn = Some(schedules);
        self
    }

    /// Runs the body under the checker of this build.
    pub fn explore(self, body: impl Fn() -> O + Send + Sync + 'static) {
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let runs = Arc::new(AtomicUsize::new(0));
        let expected: BTreeSet<O> = self.expected.iter().cloned().collect();
        let record = {
            let (seen, runs, expected) = (seen.clone(), runs.clone(), expected.clone());
            move || {
                let outcome = body();
                runs.fetch_add(1, Ordering::Relaxed);
                assert!(
                    expected.contains(&outcome),
                    "unexpected outcome {outcome:?}"
                );
                seen.lock().unwrap().insert(outcome);
            }
        };
        self.run(record);
        let (runs, seen) = (runs.load(Ordering::Relaxed), seen.lock().unwrap());
        println!("{runs} interleavings, outcomes {seen:?}");
        if !is_mutated() {
            self.judge(runs, &expected, &seen);
        }
    }

    #[cfg(loom)]
    fn run(&self, body: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = self.preemptions;
        builder.check(body);
    }

    #[cfg(all(shuttle, not(loom)))]
    fn run(&self, body: impl Fn() + Send + Sync + 'static) {
        use shuttle::scheduler::{DfsScheduler, RandomScheduler};
        let mut config = shuttle::Config::default();
        config.silence_warnings = true;
        if is_mutated() {
            config.failure_persistence = shuttle::FailurePersistence::None;
        }
        match self.drawn {
            Some(schedules) => {
                let scheduler = RandomScheduler::new_from_seed(7, schedules);
                shuttle::Runner::new(scheduler, config).run(body);
            }
            None => {
                let scheduler = DfsScheduler::new(None, false);
                shuttle::Runner::new(scheduler, config).run(body);
            }
        }
    }

    #[cfg(not(any(loom, shuttle)))]
    fn run(&self, body: impl Fn() + Send + Sync + 'static) {
        for _ in 0..if cfg!(miri) { 2 } else { 200 } {
            body();
        }
    }

    #[cfg(any(loom, shuttle))]
    fn judge(&self, runs: usize, expected: &BTreeSet<O>, seen: &BTreeSet<O>) {
        let least = if cfg!(loom) {
            self.least_loom
        } else {
            self.least_shuttle
        };
        assert!(runs >= least, "only {runs} interleavings, {least} needed");
        for outcome in expected.difference(seen) {
            let excused = cfg!(loom) && self.unseen_by_loom.contains(outcome);
            assert!(excused, "outcome {outcome:?} was never seen");
        }
    }

    /// Real threads promise no schedule; only the bodies' own claims count.
    #[cfg(not(any(loom, shuttle)))]
    fn judge(&self, _: usize, _: &BTreeSet<O>, _: &BTreeSet<O>) {}
}

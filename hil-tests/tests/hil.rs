//! The catalogue as a test program: one line for each claim.
//!
//! Called by a rig as the host command, it is the host command: see `hil_tests::tool`.
#![forbid(unsafe_code)]

use hil_tests::{catalogue, rig, tool};
use libtest_mimic::Arguments;
use std::process::ExitCode;
use std::sync::Arc;

/// A machine of the catalogue keeps two cores busy by itself.
const THREADS: usize = 1;

fn main() -> ExitCode {
    if let Some(code) = tool::run_if_called() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let rig: Arc<dyn rig::Rig> = match rig::chosen() {
        Ok(rig) => rig.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(3);
        }
    };
    let scenes = match catalogue::scenes() {
        Ok(scenes) => scenes,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(3);
        }
    };
    let trials = scenes
        .into_iter()
        .flat_map(|scene| scene.trials(&rig))
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

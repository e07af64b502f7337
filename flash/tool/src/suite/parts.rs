//! The parts of the suite, cheapest first.
//!
//! Owns: which commands make up the whole check of the repository. Each can be typed
//! by hand; the crates' READMEs explain them.

use super::count::Counting;
use super::needs::Need;

/// One part.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The word for the command line.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub shows: &'static str,
    /// What must be there.
    pub needs: &'static [Need],
    /// Its commands, in order.
    pub steps: &'static [StepLine],
}

/// One command of a part.
#[derive(Clone, Copy, Debug)]
pub struct StepLine {
    /// Program and arguments, split at blanks; `cargo` is the cargo that runs us.
    pub command: &'static str,
    /// Folder below the checkout.
    pub folder: &'static str,
    /// Variables set for it.
    pub environment: &'static [(&'static str, &'static str)],
    /// How its tests are counted.
    pub counting: Counting,
}

const fn whole(command: &'static str) -> StepLine {
    StepLine {
        command,
        folder: "",
        environment: &[],
        counting: Counting::Whole,
    }
}

const fn tests(command: &'static str) -> StepLine {
    StepLine {
        counting: Counting::Tests,
        ..whole(command)
    }
}

const fn with(environment: &'static [(&'static str, &'static str)], step: StepLine) -> StepLine {
    StepLine {
        environment,
        ..step
    }
}

const DENY: &[(&str, &str)] = &[("RUSTDOCFLAGS", "-D warnings")];

/// All parts.
pub const ALL: &[Part] = &[
    Part {
        name: "fmt",
        shows: "formatting",
        needs: &[],
        steps: &[whole("cargo fmt --all --check")],
    },
    Part {
        name: "clippy",
        shows: "lints, host and bare metal",
        needs: &[Need::RustTarget],
        steps: &[
            whole(
                "cargo clippy --all-targets --keep-going -p abi -p board -p bootblock -p bulkhead -p guest_image \
                 -p hil-tests -p hvcore -p svm -p testkit -p tidy -- -D warnings",
            ),
            whole(
                "cargo clippy -p hypervisor -p metal -p bootblock -p rt -p probes -p rtos \
                 --target x86_64-unknown-none --profile firmware --keep-going -- -D warnings",
            ),
        ],
    },
    Part {
        name: "host",
        shows: "unit, property and model tests",
        needs: &[],
        steps: &[
            tests("cargo test --no-fail-fast"),
            tests("cargo test -p bootblock --no-fail-fast"),
        ],
    },
    Part {
        name: "doc",
        shows: "documentation without warnings",
        needs: &[Need::RustTarget],
        steps: &[
            with(
                DENY,
                whole(
                    "cargo doc --no-deps --keep-going -p abi -p board -p bulkhead -p guest_image -p hil-tests \
                     -p hvcore -p svm -p testkit -p tidy",
                ),
            ),
            with(
                DENY,
                whole(
                    "cargo doc --no-deps --keep-going -p bootblock -p hypervisor -p metal -p probes -p rt -p rtos \
                     --target x86_64-unknown-none",
                ),
            ),
        ],
    },
    Part {
        name: "tool",
        shows: "packing and the machine's end",
        needs: &[Need::Programs],
        steps: &[tests(
            "cargo test -p bulkhead --tests --no-fail-fast -- --ignored",
        )],
    },
    Part {
        name: "image",
        shows: "the payload boots on a board",
        needs: &[Need::RustTarget, Need::Programs],
        steps: &[
            whole(
                "cargo run -q -p bulkhead --bin bulkhead -- pack --plan flash/tool/plans/demo.toml -o target/suite/demo.rom",
            ),
            whole(
                "cargo run -q -p bulkhead --bin bulkhead -- check-payload target/bulkhead/payload.elf",
            ),
            whole("cargo run -q -p bulkhead --bin bulkhead -- inspect target/bulkhead/payload.elf"),
            whole("cargo run -q -p bulkhead --bin bulkhead -- inspect target/suite/demo.rom"),
        ],
    },
    Part {
        name: "loom",
        shows: "fence pairs under stale values, and their mutants",
        needs: &[],
        steps: &[with(
            &[("RUSTFLAGS", "--cfg loom")],
            tests("cargo test -p hvcore --test loom --release --target-dir target/loom"),
        )],
    },
    Part {
        name: "shuttle",
        shows: "fence pairs under all schedules, and their mutants",
        needs: &[],
        steps: &[with(
            &[("RUSTFLAGS", "--cfg shuttle")],
            tests("cargo test -p hvcore --test shuttle --release --target-dir target/shuttle"),
        )],
    },
    Part {
        name: "miri",
        shows: "the same models under Miri's memory model",
        needs: &[Need::Miri],
        steps: &[with(
            &[("MIRIFLAGS", "-Zmiri-many-seeds=0..16")],
            tests("cargo +nightly miri test -p hvcore --test kick_models"),
        )],
    },
    Part {
        name: "fuzz",
        shows: "parsers of foreign bytes, some seconds each",
        needs: &[Need::CxxCompiler],
        steps: &[StepLine {
            counting: Counting::Marks("== "),
            folder: "firmware/fuzz",
            ..whole("./run-all 8")
        }],
    },
    Part {
        name: "hil",
        shows: "guests and stock Debian on the machine",
        needs: &[Need::RustTarget, Need::Programs, Need::Kernels],
        steps: &[tests("cargo test -p hil-tests --no-fail-fast")],
    },
];

/// The part of that name.
pub fn by_name(name: &str) -> Option<&'static Part> {
    ALL.iter().find(|part| part.name == name)
}

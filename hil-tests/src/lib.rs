//! One catalogue of claims about whole machines, for QEMU and for a bench.
//!
//! Kind of crate: host, tests only. What can fail for the right reason in a cheaper
//! ring is not here: these claims need firmware, guests and a machine at once.
//!
//! Theory of operation: a claim is a plain function that takes a [`stage::Stage`] and
//! may be false. Claims that can share a boot stand together in a [`scene::Scene`];
//! [`catalogue`] lists all scenes, and `tests/hil.rs` makes one line of output of each
//! claim. The stage boots a [`boot::Boot`] (a [`plan_text::PlanText`] packed by
//! [`image`], and the [`boot::Shape`] of the machine) on a [`rig::Rig`], which owns
//! flash, power and serial lines. The result is a [`session::Session`]: ask it for a
//! [`session::State`], then talk to the [`control_shell`], to a Linux prompt through
//! [`linux_prompt`], or to the [`console`] itself. Everything that a machine said is
//! kept below `target/hil/`.
//!
//! No time is asserted anywhere: an emulator's clock says nothing about a board's. Every
//! wait is bounded by a [`patience::Patience`], which the rig scales.
//! Also called: hardware-in-the-loop, HIL, integration tests, end-to-end tests.
#![forbid(unsafe_code)]

pub mod boot;
pub mod catalogue;
pub mod claims;
pub mod console;
pub mod control_shell;
pub mod damage;
pub mod image;
pub mod linux_prompt;
pub mod patience;
pub mod place;
pub mod plan_text;
pub mod rig;
pub mod scene;
pub mod session;
pub mod stage;
pub mod tool;

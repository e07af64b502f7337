//! DEV ONLY: a fake machine for integration tests and fuzz targets of `hvcore`.
//!
//! Nothing here is in an image. Unit tests inside `hvcore` cannot use it: cargo
//! builds `hvcore` a second time for them, and the traits of the two builds are
//! different traits.
#![deny(unsafe_code)]

pub mod cores;
pub mod guest_cpu;
pub mod guest_ram;
pub mod page_tables;
#[cfg(not(any(loom, shuttle)))]
pub mod stage;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod processor;

//! The boot block: runs QEMU's q35 from reset to the payload, as coreboot would.
//!
//! `machine` touches ports, registers and raw memory; `boot` is the sequence;
//! what they decide by is the library beside this binary. The linker script puts
//! the reset vector at the end of the ROM and everything else in RAM at 32 MiB.
//! See the README for how a ROM image is made of it.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![allow(
    unsafe_code,
    reason = "this binary is the touching half of the boot block"
)]

#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod failure;
#[cfg(target_os = "none")]
mod machine;
#[cfg(target_os = "none")]
mod tables;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("build with --target x86_64-unknown-none; see flash/bootblock/README.md");
}

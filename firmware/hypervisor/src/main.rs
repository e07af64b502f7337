//! ASSEMBLY: the image. Entry and order, nothing else.
//!
//! `boot` takes the machine over step by step, `run` is the loop of a vCPU's
//! core, `housekeeping` the loop of core 0, `wire` every static in one place.
#![no_std]
#![no_main]
#![cfg(target_os = "none")]

mod boot;
mod capacity;
mod console;
mod housekeeping;
mod load;
mod machine;
mod run;
mod vcpu_core;
mod wire;

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    metal::crash::panic(info)
}

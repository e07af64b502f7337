//! ASSEMBLY: the image. Entry and order, nothing else.
//!
//! `boot` takes the machine over step by step, `run` is the loop of a vCPU's
//! core, `housekeeping` the loop of core 0, `wire` every static in one place.
#![no_std]
#![no_main]
#![cfg(target_os = "none")]

mod answers;
mod boot;
mod capacity;
mod host_timer;
mod housekeeping;
mod lives;
mod load;
mod log;
mod log_stream;
mod machine;
mod record;
mod run;
mod shell;
mod terminal;
mod vcpu_core;
mod wire;

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    metal::crash::panic(info)
}

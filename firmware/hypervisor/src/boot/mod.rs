//! From the entry to running partitions: a list of named steps.
//!
//! Each step's header says what is true after it. A machine that cannot be
//! served gets one line on the console and a halt, never silence.
#![expect(unsafe_code, reason = "UNSAFETY: the entry symbol and its assembly")]

mod cores;
mod firmware;
mod flash;
mod partitions;
mod probe;
pub mod stop;

pub use probe::unfit;

use crate::wire;
use hvcore::ids::CpuId;

core::arch::global_asm!(include_str!("entry.S"), stack = const metal::percpu::STACK_SIZE);

/// Rust's first function. `source`: 1 coreboot, 2 PVH; `pointer`: its argument.
// SAFETY: called once by `entry.S`; the name is defined once.
#[unsafe(no_mangle)]
extern "C" fn bulkhead_main(source: u32, pointer: u32) -> ! {
    metal::percpu::label_stack(CpuId(0));
    metal::descriptor::load();
    metal::host_apic::detect_mode();
    metal::idt::load();
    let entered = metal::cpu::tsc();
    let mut machine = firmware::read(source, pointer, entered);
    probe::boot_core(&mut machine);
    firmware::take_over_interrupts(&mut machine);
    flash::find_plan(&mut machine);
    cores::start(&mut machine);
    partitions::create(&mut machine);
    let machine = wire::MACHINE.call_once(|| machine);
    cores::release();
    crate::housekeeping::run(machine)
}

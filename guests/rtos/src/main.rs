//! A real-time guest: one periodic control task that measures how late it runs.
//!
//! Embassy's executor and timer queue carry the tasks; what is ours is the pender, the time driver on
//! the local APIC timer, and the idle loop. The control task runs every `period-us` microseconds and
//! records its lateness; the report task prints one line a second through the interrupt-driven UART,
//! so that printing does not delay control. With `periods=N` the guest ends after N periods with a
//! summary.
//!
//! needs: cpus=1 memory=16M cmdline="period-us=1000 periods=2500"
//!
//! Also called: jitter test, cyclictest, RTOS guest, real-time partition.
#![no_std]
#![no_main]

mod executor;
mod tasks;
mod time_driver;

use rt::{multiboot, report};
use rtos::options;

fn main() {
    match options::parse(multiboot::command_line()) {
        Ok(options) => {
            report!(
                "rtos period-us={} periods={} tsc-hz={}",
                options.period_us,
                options.periods,
                rt::tsc::hertz()
            );
            time_driver::start();
            tasks::start_console();
            executor::run(|spawner| tasks::spawn(spawner, options))
        }
        Err(mistake) => report!(
            "rtos: `{}={}` is no such option",
            mistake.key,
            mistake.value
        ),
    }
}

rt::entry!(main);

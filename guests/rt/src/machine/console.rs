//! Report lines: whole lines to the UART even when several CPUs print.
//!
//! [`report!`](crate::report) is the line that an expected log names; [`println!`](crate::println) is
//! the same with another intent. A panic prints where it was and powers off.
#![expect(unsafe_code)]
// UNSAFETY: forces the console lock in the panic path.

use crate::{interrupt, power, uart};
use core::fmt::{self, Write};
use spin::mutex::SpinMutex;

struct Polled;

impl Write for Polled {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                uart::send(b'\r');
            }
            uart::send(byte);
        }
        Ok(())
    }
}

static CONSOLE: SpinMutex<Polled> = SpinMutex::new(Polled);

pub(crate) fn set_up() {
    uart::set_up();
}

/// Prints one line. The macros call this.
pub fn print_line(arguments: fmt::Arguments<'_>) {
    interrupt::without(|| {
        let mut console = CONSOLE.lock();
        // The device cannot fail; formatting only does when an implementation of Display is wrong.
        let _ = console.write_fmt(arguments);
        let _ = console.write_str("\n");
    });
}

/// Lets the calling CPU print although another one, or its own interrupted self, holds the console.
pub(crate) fn break_lock() {
    // SAFETY: the guest is about to stop; a torn line of another CPU is the worst that can happen.
    unsafe { CONSOLE.force_unlock() };
}

/// Prints one line of the report that the expected log (`NAME.out`) is compared with.
#[macro_export]
macro_rules! report {
    ($($argument:tt)*) => { $crate::console::print_line(::core::format_args!($($argument)*)) };
}

/// Prints one line.
#[macro_export]
macro_rules! println {
    ($($argument:tt)*) => { $crate::console::print_line(::core::format_args!($($argument)*)) };
}

#[panic_handler]
fn panic(information: &core::panic::PanicInfo<'_>) -> ! {
    interrupt::disable();
    break_lock();
    println!("PANIC cpu {}: {}", crate::percpu::index(), information);
    power::off()
}

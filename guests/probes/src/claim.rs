//! Claims: one line each, and a count of those that failed.

use core::fmt::Arguments;
use core::sync::atomic::{AtomicU32, Ordering};

static FAILED: AtomicU32 = AtomicU32::new(0);

/// Prints a claim with its outcome and counts a failure. The `claim!` macro calls this.
pub fn state(holds: bool, text: Arguments<'_>) {
    if holds {
        rt::report!("ok   {text}");
    } else {
        FAILED.fetch_add(1, Ordering::Relaxed);
        rt::report!("FAIL {text}");
    }
}

/// Prints a failure only; for claims made thousands of times in a loop.
pub fn state_if_broken(holds: bool, text: Arguments<'_>) {
    if !holds {
        state(false, text);
    }
}

/// Prints the verdict line and powers off.
pub fn verdict(name: &str) -> ! {
    match FAILED.load(Ordering::Relaxed) {
        0 => rt::report!("PROBE {name} ok"),
        failed => rt::report!("PROBE {name} FAILED {failed}"),
    }
    rt::power::off()
}

/// Ends a probe that makes no sense on the bare PC used for development, with a verdict of its own.
/// The word `anyway` on the command line runs it all the same, to see what differs there.
pub fn only_under_bulkhead(name: &str) {
    if !rt::cpuid::under_bulkhead() && !rt::multiboot::command_line().has("anyway") {
        rt::report!("PROBE {name} skipped: needs Bulkhead's machine");
        rt::power::off()
    }
}

/// `claim!(condition, "text {}", value)`: the text says what is true, not what to do.
#[macro_export]
macro_rules! claim {
    ($holds:expr, $($text:tt)+) => { $crate::claim::state($holds, ::core::format_args!($($text)+)) };
}

/// As [`claim!`], but silent when it holds.
#[macro_export]
macro_rules! require {
    ($holds:expr, $($text:tt)+) => { $crate::claim::state_if_broken($holds, ::core::format_args!($($text)+)) };
}

/// Entry of a probe: `probe!(body)` with a `fn()`; the verdict line follows it. `probe!(body, bulkhead)`
/// skips the probe on a machine that is not Bulkhead's.
#[macro_export]
macro_rules! probe {
    ($body:path) => {
        fn guest() {
            $body();
            $crate::claim::verdict(::core::env!("CARGO_BIN_NAME"))
        }
        ::rt::entry!(guest);
    };
    ($body:path, bulkhead) => {
        fn only_there() {
            $crate::claim::only_under_bulkhead(::core::env!("CARGO_BIN_NAME"));
            $body();
        }
        $crate::probe!(only_there);
    };
}

/// `asm!` that touches one device register and nothing else: for accesses whose very encoding matters.
#[macro_export]
macro_rules! device_asm {
    ($($operand:tt)+) => {{
        // SAFETY: names a device address, or a place where nobody answers; no device writes memory.
        unsafe { ::core::arch::asm!($($operand)+) }
    }};
}

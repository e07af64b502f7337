//! The end of a boot that cannot go on: one line, then the core halts.

use core::fmt::Arguments;

/// Prints the sentence and stops this core for good.
pub fn refuse(sentence: Arguments<'_>) -> ! {
    crate::log::say(format_args!("bulkhead: stopped: {sentence}\n"));
    metal::cpu::halt_forever()
}

//! The end of the hypervisor itself: one report on the console, then silence.
//!
//! A panic or a host exception is our own fault. The reporting core writes
//! straight to the console UART and forces its lock; every other core is left as
//! it is, because guests that still run are better off than stopped ones.
#![expect(unsafe_code, reason = "UNSAFETY: reads the frame the CPU pushed")]

use crate::lock::DeviceLock;
use crate::percpu;
use crate::serial::Serial;
use core::fmt::Write;
use core::sync::atomic::{AtomicBool, Ordering};

/// The console UART, shared between the housekeeping core and a crashing one.
pub static CONSOLE: DeviceLock<Option<Serial>> = DeviceLock::new(None);

static CRASHED: AtomicBool = AtomicBool::new(false);

struct Direct;

impl Write for Direct {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        if let Some(mut guard) = CONSOLE.try_lock()
            && let Some(serial) = guard.as_mut()
        {
            send_lines(serial, text);
        }
        Ok(())
    }
}

fn send_lines(serial: &mut Serial, text: &str) {
    for line in text.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some(line) => {
                serial.send_all(line.as_bytes());
                serial.send_all(b"\r\n");
            }
            None => serial.send_all(line.as_bytes()),
        }
    }
}

/// Writes to the console at once, waiting for the line: boot messages and crashes.
pub fn print(arguments: core::fmt::Arguments<'_>) {
    if let Some(serial) = CONSOLE.lock().as_mut() {
        struct Line<'a>(&'a mut Serial);
        impl Write for Line<'_> {
            fn write_str(&mut self, text: &str) -> core::fmt::Result {
                send_lines(self.0, text);
                Ok(())
            }
        }
        let _ = Line(serial).write_fmt(arguments);
    }
}

fn stop() -> ! {
    crate::cpu::halt_forever()
}

/// Takes the right to report; a second crash, or one inside the report, only stops.
fn first() -> bool {
    // No pair: only one report may win, order does not matter.
    let first = !CRASHED.swap(true, Ordering::Relaxed);
    if first {
        // Another core may have died holding the lock: wait a while, then take it.
        for _ in 0..10_000_000u32 {
            if !CONSOLE.is_locked() {
                return true;
            }
            crate::cpu::pause();
        }
        // SAFETY: the holder is stuck or is this very core; the report is the last word.
        unsafe { CONSOLE.force_unlock() };
    }
    first
}

/// Reports a panic and stops this core.
pub fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    if first() {
        let _ = writeln!(
            Direct,
            "\nbulkhead: panic on core {}: {info}",
            percpu::current().0
        );
    }
    stop()
}

/// Frame as the stubs of `idt` leave it.
#[repr(C)]
pub struct Frame {
    vector: u64,
    code: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
}

/// Reports an exception of the host and stops this core.
pub(crate) extern "C" fn host_exception(frame: *const Frame) -> ! {
    // SAFETY: the stub passes the frame it and the CPU have just pushed.
    let frame = unsafe { &*frame };
    if first() {
        let _ = writeln!(
            Direct,
            "\nbulkhead: host exception {} code {:#x} on core {} at rip {:#x} (cs {:#x}, rflags {:#x}, rsp {:#x}, cr2 {:#x})",
            frame.vector,
            frame.code,
            percpu::current().0,
            frame.rip,
            frame.cs,
            frame.rflags,
            frame.rsp,
            x86_64::registers::control::Cr2::read_raw(),
        );
    }
    stop()
}

//! Embassy's clock: TSC nanoseconds, wake-ups from the local APIC timer.
//!
//! A wake-up is armed relative to now, so the rounding of the clock ratio stays far below a
//! nanosecond's weight whatever the uptime. If the timer fires early by rounding, the queue finds
//! nothing due and the handler arms again.
//! Also called: embassy-time-driver, alarm.

use core::task::Waker;
use embassy_time_driver::{Driver, TICK_HZ};
use embassy_time_queue_utils::Queue;
use rt::clock_ratio::Ratio;
use rt::timer::Alarm;
use rt::{interrupt, lapic, tsc};
use spin::{Once, mutex::SpinMutex};

/// Vector of the timer interrupt, above the UART's so that control goes first.
const TIMER_VECTOR: u8 = 0xE0;

struct Clock {
    epoch: u64,
    to_nanoseconds: Ratio,
    to_ticks: Ratio,
    alarm: Alarm,
}

static CLOCK: Once<Clock> = Once::new();

struct TscDriver {
    /// Only locked with interrupts off, on the one CPU: never contended.
    queue: SpinMutex<Queue>,
}

embassy_time_driver::time_driver_impl!(static DRIVER: TscDriver = TscDriver { queue: SpinMutex::new(Queue::new()) });

/// Starts the clock at zero and takes the timer.
pub fn start() {
    CLOCK.call_once(|| Clock {
        epoch: tsc::now(),
        to_nanoseconds: Ratio::new(tsc::hertz(), TICK_HZ),
        to_ticks: Ratio::new(TICK_HZ, tsc::hertz()),
        alarm: Alarm::set_up(TIMER_VECTOR),
    });
    interrupt::set_handler(TIMER_VECTOR, |_| {
        lapic::eoi();
        DRIVER.wake_due(&mut DRIVER.queue.lock());
    });
}

impl TscDriver {
    /// Wakes what is due and arms the timer for what is next.
    fn wake_due(&self, queue: &mut Queue) {
        let now = self.now();
        let next = queue.next_expiration(now);
        if let Some(clock) = CLOCK.get().filter(|_| next != u64::MAX) {
            let ticks = clock.to_ticks.scale(next.saturating_sub(now)) + 1;
            clock.alarm.arm(tsc::now().saturating_add(ticks));
        }
    }
}

impl Driver for TscDriver {
    fn now(&self) -> u64 {
        CLOCK.get().map_or(0, |clock| {
            clock
                .to_nanoseconds
                .scale(tsc::now().saturating_sub(clock.epoch))
        })
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        interrupt::without(|| {
            let mut queue = self.queue.lock();
            if queue.schedule_wake(at, waker) {
                self.wake_due(&mut queue);
            }
        });
    }
}

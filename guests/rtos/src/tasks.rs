//! The two tasks: control every period, report every second.
//!
//! They share the statistics of the running second. Both run on the one executor and never at the
//! same time; the lock only tells the compiler so.

use core::fmt::{Arguments, Write};
use embassy_executor::Spawner;
use embassy_time::{Duration, Instant, Timer};
use heapless::String;
use rt::{power, uart_writer};
use rtos::control_loop::{Controller, Plant, SET_POINT};
use rtos::jitter::Jitter;
use rtos::options::Options;
use spin::mutex::SpinMutex;

/// Vector of the UART: a lower priority class than the timer's.
const UART_VECTOR: u8 = 0x50;

static SECOND: SpinMutex<Jitter> = SpinMutex::new(Jitter::new());
static TOTAL: SpinMutex<Jitter> = SpinMutex::new(Jitter::new());

/// Lets the UART send by interrupt; what is typed is dropped.
pub fn start_console() {
    uart_writer::set_up(UART_VECTOR, |_| ());
}

/// Starts both tasks.
pub fn spawn(spawner: Spawner, options: Options) {
    // Both pools are empty at this point, the only place that spawns.
    spawner.spawn(control(options).expect("first control task"));
    spawner.spawn(report().expect("first report task"));
}

#[embassy_executor::task]
async fn control(options: Options) {
    let period = Duration::from_micros(options.period_us);
    let (mut controller, mut plant) = (Controller::default(), Plant::default());
    let mut due = Instant::now() + period;
    let mut done = 0;
    loop {
        Timer::at(due).await;
        let late = due.elapsed();
        plant.step(controller.step(plant.speed));
        done += 1;
        // A task that overslept whole periods takes up the next one in the old rhythm.
        let missed = late.as_ticks() / period.as_ticks();
        {
            let mut second = SECOND.lock();
            second.record(late.as_ticks());
            second.miss(missed);
        }
        if options.periods != 0 && done >= options.periods {
            finish(plant.speed).await;
        }
        due += period * (missed as u32 + 1);
    }
}

#[embassy_executor::task]
async fn report() {
    let mut next = Instant::now();
    for seconds in 1u64.. {
        next += Duration::from_secs(1);
        Timer::at(next).await;
        let taken = take_second();
        print(format_args!("rtos t={seconds}s "), &taken).await;
    }
}

/// Moves the running second's statistics into the total.
fn take_second() -> Jitter {
    let mut second = SECOND.lock();
    let taken = second.clone();
    second.clear();
    TOTAL.lock().merge(&taken);
    taken
}

async fn finish(speed: i64) -> ! {
    take_second();
    let total = TOTAL.lock().clone();
    print(format_args!("rtos done "), &total).await;
    let settled = speed.abs_diff(SET_POINT) <= SET_POINT as u64 / 100;
    send(if settled {
        "RTOS ok\r\n"
    } else {
        "RTOS FAILED: the plant did not settle\r\n"
    })
    .await;
    while !uart_writer::is_empty() {
        Timer::after(Duration::from_millis(1)).await;
    }
    power::off()
}

async fn print(head: Arguments<'_>, jitter: &Jitter) {
    let mut line: String<192> = String::new();
    // A line that does not fit would be cut; the longest one has 20 digits a number and fits.
    let _ = write!(
        line,
        "{head}periods={} missed={} late-ns min={} mean={} p99={} max={}\r\n",
        jitter.count(),
        jitter.missed(),
        jitter.least(),
        jitter.mean(),
        jitter.percentile(990),
        jitter.most()
    );
    send(&line).await;
}

/// Puts text into the UART's ring, giving way while that is full.
async fn send(text: &str) {
    let mut rest = text.as_bytes();
    loop {
        rest = &rest[uart_writer::push(rest)..];
        if rest.is_empty() {
            return;
        }
        Timer::after(Duration::from_millis(1)).await;
    }
}

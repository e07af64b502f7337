//! Log frames on their way out: to a second UART, or framed on the console line.

use crate::machine::Machine;
use crate::terminal::Terminal;
use abi::log_frame::{self, Hello, MAX_CONTROL};
use board::LogPort;
use metal::serial::Serial;

/// Bytes moved at once.
const CHUNK: usize = 256;

/// Where log frames go.
pub struct LogStream {
    port: Option<Serial>,
    pending: heapless::Deque<u8, { 2 * CHUNK }>,
}

impl LogStream {
    /// Opens the board's log port and queues the greeting with the build id.
    pub fn open(machine: &Machine, terminal: &mut Terminal) -> Self {
        let port = match machine.board.log {
            LogPort::Port(base) => Serial::port(base, 0, 115_200),
            LogPort::Console => None,
        };
        let mut stream = Self {
            port,
            pending: heapless::Deque::new(),
        };
        let hello = Hello::new(
            metal::logger::build_id(),
            (machine.rates.tsc_hz / 1000) as u32,
        );
        let mut buffer = [0; MAX_CONTROL];
        if let Some(frame) = log_frame::hello(&hello, &mut buffer) {
            match stream.port {
                Some(_) => {
                    for byte in frame {
                        let _ = stream.pending.push_back(*byte);
                    }
                }
                None => terminal.frame(frame),
            }
        }
        stream
    }

    /// Frames go to the console line.
    pub fn shares_console(machine: &Machine) -> bool {
        machine.board.log == LogPort::Console
    }

    /// Moves frames on; true while some wait for the line.
    pub fn pump(&mut self, terminal: &mut Terminal) -> bool {
        match &mut self.port {
            None => {
                metal::logger::drain_frames(|frame| {
                    if terminal.room() < frame.len() {
                        return false;
                    }
                    terminal.frame(frame);
                    true
                });
                false
            }
            Some(port) => {
                let pending = &mut self.pending;
                metal::logger::drain_frames(|frame| {
                    if pending.len() + frame.len() > 2 * CHUNK {
                        return false;
                    }
                    for byte in frame {
                        let _ = pending.push_back(*byte);
                    }
                    true
                });
                loop {
                    let sent = port.send(pending.as_slices().0);
                    for _ in 0..sent {
                        pending.pop_front();
                    }
                    if sent == 0 {
                        return !pending.is_empty();
                    }
                }
            }
        }
    }
}

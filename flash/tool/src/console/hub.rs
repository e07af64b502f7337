//! One serial line of the machine: a backlog and any number of readers.
//!
//! Owns: the last 64 KiB, so that a client that connects late still sees why the boot
//! stopped, and the line's input, shared by all writers.

use super::queue::Queue;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Bytes kept for late clients.
pub const BACKLOG: usize = 64 << 10;

/// A handle to one serial line; clones are the same line.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    state: Arc<Mutex<State>>,
    input: Arc<Mutex<Input>>,
}

#[derive(Debug, Default)]
struct State {
    backlog: VecDeque<u8>,
    readers: Vec<Arc<Queue>>,
    ended: bool,
}

#[derive(Debug, Default)]
struct Input {
    machine: Option<UnixStream>,
    early: Vec<u8>,
}

impl Hub {
    /// A line that no machine is connected to yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects the machine and starts to read from it; early input is sent now.
    pub fn connect(&self, machine: UnixStream) -> std::io::Result<()> {
        let mut from = machine.try_clone()?;
        {
            let mut input = locked(&self.input);
            let early = std::mem::take(&mut input.early);
            (&machine).write_all(&early)?;
            input.machine = Some(machine);
        }
        let hub = self.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                hub.publish(buffer.get(..count).unwrap_or_default());
            }
            hub.end();
        });
        Ok(())
    }

    /// Hands bytes of the machine to every reader.
    pub fn publish(&self, bytes: &[u8]) {
        let mut state = locked(&self.state);
        state.backlog.extend(bytes);
        let surplus = state.backlog.len().saturating_sub(BACKLOG);
        state.backlog.drain(..surplus);
        state.readers.retain(|reader| reader.push(bytes));
    }

    /// A new reader; it first gets the backlog.
    pub fn subscribe(&self) -> Arc<Queue> {
        let mut state = locked(&self.state);
        let queue = Arc::new(Queue::with(state.backlog.iter().copied()));
        if state.ended {
            queue.close();
        }
        state.readers.push(Arc::clone(&queue));
        queue
    }

    /// Copies everything to `to` on a thread of its own until the line ends.
    pub fn copy_to(&self, mut to: impl Write + Send + 'static) -> Arc<Queue> {
        let queue = self.subscribe();
        let reader = Arc::clone(&queue);
        std::thread::spawn(move || {
            while let Some(bytes) = reader.take() {
                if to.write_all(&bytes).and_then(|()| to.flush()).is_err() {
                    break;
                }
            }
            // Closed first: who waits for us must find the client's end delivered.
            drop(to);
            reader.mark_done();
        });
        queue
    }

    /// Records the line's raw bytes in a file.
    pub fn record(&self, path: &Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        self.copy_to(std::fs::File::create(path)?);
        Ok(())
    }

    /// Sends bytes to the machine; kept when it is not there yet, dropped after its end.
    pub fn send(&self, bytes: &[u8]) {
        let mut input = locked(&self.input);
        match &mut input.machine {
            Some(machine) => {
                let _ = machine.write_all(bytes);
            }
            None => input.early.extend(bytes),
        }
    }

    fn end(&self) {
        let mut state = locked(&self.state);
        state.ended = true;
        state.readers.iter().for_each(|reader| reader.close());
    }

    /// Waits, after the machine ended, until its last bytes reached every reader.
    pub fn finish(&self, deadline: Instant) {
        if let Some(machine) = &locked(&self.input).machine {
            // Ends the reading thread even when something else holds QEMU's end open.
            let _ = machine.shutdown(std::net::Shutdown::Write);
        }
        while !locked(&self.state).ended && Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        self.end();
        let readers = locked(&self.state).readers.clone();
        for reader in readers {
            reader.wait_done(deadline);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Where the bytes come from: serial port, Unix socket, file, standard input.
//!
//! Owns: opening each of them. A serial port is set to 115200 8N1 raw, which is what
//! boards speak; the rest is read as it is.

use crate::failure::Failure;
use anyhow::Context;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

/// Bits per second of every board's console.
const SPEED: u32 = 115_200;

/// Opens `path`; `-` is standard input.
pub fn open(path: &Path) -> Result<Box<dyn Read + Send>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let kind = std::fs::metadata(path)
        .with_context(|| format!("cannot open `{}`", path.display()))?
        .file_type();
    if kind.is_socket() {
        let stream = UnixStream::connect(path)
            .with_context(|| format!("nobody listens at `{}`", path.display()))?;
        return Ok(Box::new(stream));
    }
    if !kind.is_char_device() {
        return Ok(Box::new(
            File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?,
        ));
    }
    let port = File::options().read(true).write(true).open(path);
    let port = port.with_context(|| {
        format!(
            "cannot open the port `{}` (member of group dialout?)",
            path.display()
        )
    })?;
    set_raw(&port).with_context(|| format!("`{}` is no serial port", path.display()))?;
    Ok(Box::new(port))
}

fn set_raw(port: &File) -> rustix::io::Result<()> {
    let mut settings = tcgetattr(port)?;
    settings.make_raw();
    settings.set_speed(SPEED)?;
    tcsetattr(port, OptionalActions::Now, &settings)
}

/// Reads on a thread of its own, so that the reader can notice silence.
pub fn chunks(mut from: Box<dyn Read + Send>) -> Receiver<std::io::Result<Vec<u8>>> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            let chunk = match from.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => Ok(buffer.get(..count).unwrap_or_default().to_vec()),
                Err(error) => Err(error),
            };
            let last = chunk.is_err();
            if send.send(chunk).is_err() || last {
                return;
            }
        }
    });
    receive
}

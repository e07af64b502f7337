//! A Unix socket through which clients read and write one serial line.
//!
//! Owns: the listening socket. It listens before the machine starts; raw bytes go
//! both ways; clients may come late, one after the other or several at once, and
//! a leaving client ends nothing.

use super::hub::Hub;
use crate::failure::Failure;
use anyhow::Context;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A listening socket; dropped, its path is gone.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
}

impl Server {
    /// Listens at `path` for clients of `hub`.
    ///
    /// # Errors
    /// When another process listens there. A socket that a dead one left is replaced.
    pub fn listen(path: &Path, hub: &Hub) -> Result<Self, Failure> {
        if UnixStream::connect(path).is_ok() {
            return Err(Failure::usage(format!(
                "another process already listens at `{}`",
                path.display()
            )));
        }
        if is_socket(path) {
            let _ = std::fs::remove_file(path);
        }
        let listener = UnixListener::bind(path).with_context(|| {
            format!(
                "cannot listen at `{}` (a socket path has at most 107 bytes)",
                path.display()
            )
        })?;
        let hub = hub.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let _ = serve(client, &hub);
            }
        });
        Ok(Self {
            path: path.to_owned(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.metadata()
        .is_ok_and(|data| data.file_type().is_socket())
}

/// A client's socket; dropped, the client sees the end although we still read.
struct Client(UnixStream);

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

fn serve(client: UnixStream, hub: &Hub) -> std::io::Result<()> {
    let mut from = client.try_clone()?;
    let queue = hub.copy_to(Client(client));
    let hub = hub.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => hub.send(buffer.get(..count).unwrap_or_default()),
                Err(_) => return queue.close(),
            }
        }
    });
    Ok(())
}

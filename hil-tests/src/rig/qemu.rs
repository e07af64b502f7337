//! The emulated board, driven through the host command as any rig would drive it.
//!
//! Owns: one `bulkhead run --headless` for each machine, its sockets and its end. So
//! every claim of the catalogue also uses the headless contract.

use super::{Board, Feature, Machine, Rig, Wire, Wires};
use crate::boot::Shape;
use crate::image;
use crate::patience::Patience;
use crate::tool;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No machine lives longer, whatever happens to the test.
const CEILING_S: u32 = 3600;
/// From the start of the host command to its sockets; they come before the machine.
const SOCKETS: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// The rig.
#[derive(Debug)]
pub struct Qemu {
    patience: Patience,
}

impl Default for Qemu {
    /// With the patience factor of `BULKHEAD_PATIENCE`, or 1.
    fn default() -> Self {
        let factor = std::env::var("BULKHEAD_PATIENCE").ok();
        let factor = factor.and_then(|text| text.parse().ok()).unwrap_or(1.0);
        Self {
            patience: Patience::scaled(factor),
        }
    }
}

/// The board that QEMU is.
pub fn board() -> Board {
    Board {
        name: "qemu_q35".into(),
        rom: None,
    }
}

impl Rig for Qemu {
    fn name(&self) -> &str {
        "qemu"
    }

    fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::AnyMachine | Feature::ExitCode => true,
            Feature::Cpus(count) => count <= 16,
        }
    }

    fn patience(&self) -> Patience {
        self.patience
    }

    fn board(&self) -> Board {
        board()
    }

    fn machine(&self, name: &str, shape: &Shape) -> Result<Box<dyn Machine>> {
        // Socket paths have at most 107 bytes: too few for some checkouts.
        let sockets = tempfile::Builder::new().prefix("hil").tempdir()?;
        Ok(Box::new(Emulated {
            said: image::records()?.join(format!("{name}.host.txt")),
            shape: shape.clone(),
            sockets,
            rom: None,
            host: None,
        }))
    }
}

struct Emulated {
    shape: Shape,
    sockets: TempDir,
    /// What the host command printed.
    said: PathBuf,
    rom: Option<PathBuf>,
    host: Option<Child>,
}

impl Machine for Emulated {
    fn flash(&mut self, image: &Path) -> Result<()> {
        self.rom = Some(image.to_owned());
        Ok(())
    }

    fn power_on(&mut self) -> Result<Wires> {
        let rom = self.rom.clone().context("nothing is in flash")?;
        let (console, log) = (
            self.sockets.path().join("console"),
            self.sockets.path().join("log"),
        );
        let mut command = tool::bulkhead()?;
        command
            .args(["run", "--headless", "--rom"])
            .arg(rom)
            .arg("--console")
            .arg(&console)
            .arg("--log")
            .arg(&log)
            .args(["--cpus", &self.shape.cpus.to_string()])
            .args(["--memory", self.shape.memory])
            .args(["--timeout", &CEILING_S.to_string()]);
        for argument in &self.shape.qemu {
            command.arg(format!("--qemu-arg={argument}"));
        }
        let said = File::create(&self.said).context("file for the host command's words")?;
        command
            .stdin(Stdio::null())
            .stdout(said.try_clone().context("a second handle")?)
            .stderr(said);
        self.host = Some(command.spawn().context("starting the host command")?);
        Ok(Wires {
            console: self.wire(&console)?,
            log: Some(self.wire(&log)?),
        })
    }

    fn power_off(&mut self) -> Result<()> {
        let Some(mut host) = self.host.take() else {
            return Ok(());
        };
        if host.try_wait().context("the host command")?.is_none() {
            let id = i32::try_from(host.id()).ok().and_then(Pid::from_raw);
            // It ends QEMU in its turn and leaves nothing behind.
            kill_process(id.context("no process id")?, Signal::TERM).context("ending it")?;
        }
        host.wait().context("the host command")?;
        Ok(())
    }

    fn ended(&mut self, wait: Duration) -> Result<i32> {
        let host = self.host.as_mut().context("the machine is off")?;
        let deadline = Instant::now() + wait;
        loop {
            if let Some(status) = host.try_wait().context("the host command")? {
                return status.code().context("the host command was killed");
            }
            if Instant::now() > deadline {
                bail!("the machine did not end within {} s", wait.as_secs());
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Emulated {
    fn wire(&mut self, path: &Path) -> Result<Wire> {
        let deadline = Instant::now() + SOCKETS;
        loop {
            if let Ok(stream) = UnixStream::connect(path) {
                return Ok(Wire {
                    input: Box::new(stream.try_clone().context("a second handle")?),
                    output: Box::new(stream),
                });
            }
            let gone = self.host.as_mut().map(|host| host.try_wait());
            if Instant::now() > deadline || !matches!(gone, Some(Ok(None))) {
                let said = std::fs::read_to_string(&self.said).unwrap_or_default();
                bail!("the host command offers no console; it said:\n{said}");
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        let _ = self.power_off();
    }
}

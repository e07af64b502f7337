//! What a rig can rely on when it runs the host command without a terminal.
//!
//! Owns: the contract of `bulkhead run --headless`: sockets first, nothing lost to a late
//! client, exit codes. These claims call the command themselves, not through a machine
//! of the rig, because it is the command that they are about.
//! Also called: CI contract, exit codes, sockets.

use crate::boot::Boot;
use crate::plan_text::{PartitionText, PlanText};
use crate::rig::{Feature, qemu};
use crate::scene::Scene;
use crate::stage::Stage;
use crate::{image, tool};
use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NEEDS: &[Feature] = &[Feature::ExitCode];
/// Bytes that a late client gets of what was said before.
const HISTORY: usize = 64 << 10;
const POLL: Duration = Duration::from_millis(20);
/// A run that has not ended by then ends by the command's own time-out.
const CEILING_S: u32 = 180;

/// The scenes.
pub fn scenes() -> Vec<Scene> {
    let scene = Scene::apart("headless")
        .claim_with("an_early_client_sees_the_first_byte", NEEDS, early)
        .claim_with("a_late_client_gets_the_last_64_kib", NEEDS, late)
        .claim_with("an_ordered_power_off_exits_with_0", NEEDS, power_off)
        .claim_with("a_reset_of_the_machine_exits_with_1", NEEDS, reset)
        .claim_with("a_time_out_exits_with_124", NEEDS, time_out)
        .claim_with("a_rom_that_is_not_there_exits_with_2", NEEDS, no_rom)
        .claim_with("no_socket_is_left_behind", NEEDS, tidy);
    vec![scene]
}

/// A run of the host command with its console socket.
struct Run {
    host: Child,
    folder: TempDir,
}

impl Run {
    fn start(rom: &Path, timeout_s: u32) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hil").tempdir()?;
        let host = tool::bulkhead()?
            .args([
                "run",
                "--headless",
                "--cpus",
                "3",
                "--memory",
                "1G",
                "--rom",
            ])
            .arg(rom)
            .arg("--console")
            .arg(folder.path().join("console"))
            .args(["--timeout", &timeout_s.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("the host command")?;
        Ok(Self { host, folder })
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("console")
    }

    /// A client; waits until somebody listens.
    fn connect(&mut self) -> Result<UnixStream> {
        loop {
            if let Ok(stream) = UnixStream::connect(self.socket()) {
                return Ok(stream);
            }
            if let Some(status) = self.host.try_wait()? {
                bail!("the host command ended with {status} and never listened");
            }
            std::thread::sleep(POLL);
        }
    }

    fn code(mut self) -> Result<i32> {
        self.host.wait()?.code().context("killed by a signal")
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Its own time-out would end it, but not soon.
        let id = i32::try_from(self.host.id()).ok();
        if let (Ok(None), Some(id)) = (self.host.try_wait(), id) {
            if let Some(id) = rustix::process::Pid::from_raw(id) {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
            }
            let _ = self.host.wait();
        }
    }
}

/// An image whose guest switches itself off, or goes on for ever.
fn image(name: &str, program: &str) -> Result<PathBuf> {
    let partition = PartitionText::guest("guest", &[1], program);
    let boot = Boot::of(PlanText::new().with(partition), 3);
    image::make(name, &boot, &qemu::board())
}

/// Everything until `wanted` stands in it.
fn read_until(client: &mut UnixStream, wanted: &str) -> Result<String> {
    client.set_read_timeout(Some(Duration::from_secs(CEILING_S.into())))?;
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&said);
        if text.contains(wanted) {
            return Ok(text.into_owned());
        }
        match client.read(&mut buffer).context("reading the console")? {
            0 => bail!("the console ended before `{wanted}`:\n{text}"),
            count => said.extend_from_slice(&buffer[..count]),
        }
    }
}

fn early(_: &mut Stage<'_>) -> Result<()> {
    let mut run = Run::start(&image("headless.rtos", "rtos")?, CEILING_S)?;
    let mut client = run.connect()?;
    let said = read_until(&mut client, "bulkhead> ")?;
    let first = said.trim_start();
    ensure!(first.starts_with("Bulkhead boot block"), "{said}");
    Ok(())
}

fn late(_: &mut Stage<'_>) -> Result<()> {
    let mut run = Run::start(&image("headless.rtos", "rtos")?, CEILING_S)?;
    let mut first = run.connect()?;
    let mut seen = read_until(&mut first, "bulkhead> ")?;
    // More than is kept: the answer to `help`, again and again.
    while seen.len() < 2 * HISTORY {
        first.write_all(b"help\rzz-1\r")?;
        seen.push_str(&read_until(&mut first, "no command zz-1: ")?);
    }
    first.write_all(b"zz-2\r")?;
    seen.push_str(&read_until(
        &mut first,
        "no command zz-2: help lists them\r\n",
    )?);
    let mut second = run.connect()?;
    second.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut history = vec![0; HISTORY];
    second
        .read_exact(&mut history)
        .context("64 KiB of history")?;
    let history = String::from_utf8_lossy(&history).into_owned();
    ensure!(history.contains("no command zz-2"), "the newest is missing");
    ensure!(!history.contains("boot block"), "older than 64 KiB");
    Ok(())
}

fn power_off(_: &mut Stage<'_>) -> Result<()> {
    let run = Run::start(&image("headless.hello", "hello")?, CEILING_S)?;
    let code = run.code()?;
    ensure!(code == 0, "exit code {code}");
    Ok(())
}

fn reset(_: &mut Stage<'_>) -> Result<()> {
    let mut run = Run::start(&image("headless.rtos", "rtos")?, CEILING_S)?;
    let mut client = run.connect()?;
    read_until(&mut client, "bulkhead> ")?;
    client.write_all(b"reboot\r")?;
    let code = run.code()?;
    ensure!(code == 1, "exit code {code}");
    Ok(())
}

fn time_out(_: &mut Stage<'_>) -> Result<()> {
    let run = Run::start(&image("headless.rtos", "rtos")?, 5)?;
    let code = run.code()?;
    ensure!(code == 124, "exit code {code}");
    Ok(())
}

fn no_rom(_: &mut Stage<'_>) -> Result<()> {
    let code = Run::start(Path::new("/nonexistent.rom"), CEILING_S)?.code()?;
    ensure!(code == 2, "exit code {code}");
    Ok(())
}

fn tidy(stage: &mut Stage<'_>) -> Result<()> {
    let mut run = Run::start(&image("headless.hello", "hello")?, CEILING_S)?;
    run.connect()?;
    let deadline = Instant::now() + stage.patience().firmware();
    while run.host.try_wait()?.is_none() && Instant::now() < deadline {
        std::thread::sleep(POLL);
    }
    ensure!(!run.socket().exists(), "the socket is still there");
    Ok(())
}

//! `bulkhead monitor`: a machine's serial line as decoded text.

use crate::failure::{Failure, help_end};
use crate::monitor::image::Image;
use crate::monitor::report::Report;
use crate::monitor::source;
use crate::monitor::stream::{Item, Stream};
use crate::plan::diagnostic::Diagnostics;
use crate::plan::draft::Partition;
use crate::plan::load::PlanFile;
use crate::plan::reader;
use crate::workspace::Workspace;
use anyhow::Context;
use clap::Args;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// Show a machine's serial line: text by partition, log frames decoded.
///
/// Takes the console line (text and escaped frames) and the log line (frames alone). Log
/// frames need the unstripped ELF of the very build that runs; its build id is checked.
#[derive(Args, Debug)]
#[command(after_help = help_end(EXAMPLES))]
pub struct Monitor {
    /// Serial port, Unix socket, recorded file, or - for standard input.
    from: PathBuf,
    /// Unstripped ELF of the payload [default: target/bulkhead/payload.elf].
    #[arg(long)]
    elf: Option<PathBuf>,
    /// Plan whose partition names are the prefixes.
    #[arg(long)]
    plan: Option<PathBuf>,
    /// Print one JSON object a line (schema bulkhead.monitor/1).
    #[arg(long)]
    json: bool,
    /// Write the raw bytes to this file too.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

const EXAMPLES: &str = "\
cargo bulkhead monitor /dev/ttyUSB0 --plan my.toml
cargo bulkhead monitor /tmp/log --record log.bin
cargo bulkhead monitor target/bulkhead/log.bin --json";

/// Silence after which an unfinished line is shown.
const SILENCE: Duration = Duration::from_millis(300);

impl Monitor {
    /// Runs until the line ends.
    pub fn run(self) -> Result<(), Failure> {
        let image = self.image()?;
        let mut record = self
            .record
            .as_ref()
            .map(File::create)
            .transpose()
            .context("cannot write the record")?;
        let chunks = source::chunks(source::open(&self.from)?);
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let mut report = Report::new(
            std::io::stdout(),
            self.json,
            coloured,
            self.names()?,
            image.as_ref(),
        );
        let mut stream = Stream::default();
        loop {
            let mut items: Vec<Item> = Vec::new();
            let chunk = chunks.recv_timeout(SILENCE);
            match &chunk {
                Ok(Ok(bytes)) => {
                    if let Some(file) = &mut record {
                        file.write_all(bytes).context("writing the record")?;
                    }
                    stream.take(bytes, &mut |item| items.push(item));
                }
                Ok(Err(_)) | Err(_) => stream.flush(&mut |item| items.push(item)),
            }
            for item in items {
                if report.item(item).is_err() {
                    // Whoever read our output has gone.
                    return Ok(());
                }
            }
            match chunk {
                Ok(Err(error)) => {
                    return Err(Failure::tool(format!(
                        "reading `{}`: {error}",
                        self.from.display()
                    )));
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Ok(Ok(_)) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn image(&self) -> Result<Option<Image>, Failure> {
        if let Some(elf) = &self.elf {
            return Image::open(elf).map(Some);
        }
        let kept = Workspace::find()
            .ok()
            .map(|workspace| workspace.payload_elf())
            .filter(|elf| elf.is_file());
        Ok(kept.and_then(|elf| Image::open(&elf).ok()))
    }

    fn names(&self) -> Result<Vec<String>, Failure> {
        let Some(path) = &self.plan else {
            return Ok(Vec::new());
        };
        let draft = reader::read(&PlanFile::open(path)?.text, &mut Diagnostics::default());
        Ok(draft
            .partitions
            .iter()
            .map(Partition::title)
            .map(str::to_owned)
            .collect())
    }
}

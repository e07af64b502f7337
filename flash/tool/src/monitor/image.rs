//! The ELF that makes log frames readable.
//!
//! Owns: the defmt table of an image, the places of its log calls, and its build id. A
//! frame holds indices only, so a table of another build turns it into wrong words
//! without a complaint; hence the build id decides.

use crate::failure::Failure;
use crate::workspace::Workspace;
use anyhow::Context;
use defmt_decoder::{DecodeError, Locations, StreamDecoder, Table};
use object::Object;
use std::path::{Path, PathBuf};

/// An image's log words.
#[derive(Debug)]
pub struct Image {
    table: Table,
    locations: Locations,
    root: Option<PathBuf>,
    /// GNU build id.
    pub build_id: Option<Vec<u8>>,
}

/// A decoded log call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// Time as the image formats it.
    pub time: Option<String>,
    /// `trace`, `debug`, `info`, `warn`, `error`; `println` has none.
    pub level: Option<&'static str>,
    /// The message.
    pub message: String,
    /// File and line of the call.
    pub place: Option<(String, u64)>,
}

impl Image {
    /// Reads an unstripped ELF.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path)
            .with_context(|| format!("cannot read the ELF `{}`", path.display()))?;
        Self::read(&bytes)
            .with_context(|| format!("`{}`", path.display()))
            .map_err(Failure::Usage)
    }

    fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let table = Table::parse(bytes)?
            .context("it has no defmt table: it was stripped, or logs nothing")?;
        let locations = table.get_locations(bytes).unwrap_or_default();
        let file = object::File::parse(bytes).context("not an ELF")?;
        let build_id = file.build_id().ok().flatten().map(<[u8]>::to_vec);
        Ok(Self {
            table,
            locations,
            root: Workspace::find().ok().map(|workspace| workspace.root),
            build_id,
        })
    }

    /// A source path as one reads it inside the checkout that the image was built in.
    fn short(&self, file: &Path) -> String {
        let inside = self
            .root
            .as_ref()
            .and_then(|root| file.strip_prefix(root).ok());
        inside.unwrap_or(file).display().to_string()
    }

    /// A decoder for this image's frames.
    pub fn decoder(&self) -> FrameDecoder<'_> {
        FrameDecoder {
            image: self,
            stream: self.table.new_stream_decoder(),
        }
    }
}

/// Frames in, log lines out.
pub struct FrameDecoder<'i> {
    image: &'i Image,
    stream: Box<dyn StreamDecoder + Send + Sync + 'i>,
}

impl std::fmt::Debug for FrameDecoder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameDecoder").finish_non_exhaustive()
    }
}

impl FrameDecoder<'_> {
    /// Decodes one frame; `None` for each that makes no sense with this image.
    pub fn decode(&mut self, frame: &[u8]) -> Vec<Option<LogLine>> {
        self.stream.received(frame);
        self.stream.received(&[0]);
        let mut lines = Vec::new();
        loop {
            match self.stream.decode() {
                Ok(frame) => {
                    let place = self.image.locations.get(&frame.index());
                    lines.push(Some(LogLine {
                        time: frame.display_timestamp().map(|time| time.to_string()),
                        level: frame.level().map(|level| level.as_str()),
                        message: frame.display_message().to_string(),
                        place: place.map(|place| (self.image.short(&place.file), place.line)),
                    }));
                }
                Err(DecodeError::Malformed) => lines.push(None),
                Err(DecodeError::UnexpectedEof) => return lines,
            }
        }
    }
}

//! What the monitor prints, for people or as one JSON object a line.
//!
//! Owns: the prefixes, the schema `bulkhead.monitor/1`, and what is said about an ELF
//! that does not match. Lines of partition 0 begin with its name when a plan is given,
//! with `p0` otherwise, the hypervisor's own with `hv`.

use super::image::{FrameDecoder, Image, LogLine};
use super::stream::Item;
use abi::log_frame::{ControlKind, EpitaphPiece, Hello};
use serde_json::{Value, json};
use std::io::Write;
use zerocopy::FromBytes;

/// Whether log frames can be believed to belong to the ELF.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Match {
    /// No build id seen yet.
    Unknown,
    /// The same build.
    Yes,
    /// Another build, or no ELF at all.
    No,
}

/// Turns items into printed lines.
#[derive(Debug)]
pub struct Report<'i, W> {
    out: W,
    json: bool,
    coloured: bool,
    names: Vec<String>,
    image: Option<&'i Image>,
    decoder: Option<FrameDecoder<'i>>,
    matched: Match,
    undecoded: u64,
}

impl<'i, W: Write> Report<'i, W> {
    /// Prints to `out`; `names` are the partitions of the plan.
    pub fn new(
        out: W,
        json: bool,
        coloured: bool,
        names: Vec<String>,
        image: Option<&'i Image>,
    ) -> Self {
        let (decoder, matched) = (image.map(Image::decoder), Match::Unknown);
        Self {
            out,
            json,
            coloured,
            names,
            image,
            decoder,
            matched,
            undecoded: 0,
        }
    }

    /// Prints one item.
    pub fn item(&mut self, item: Item) -> std::io::Result<()> {
        match item {
            Item::Text(channel, text) => {
                let who = self.who(channel);
                self.print(
                    &who,
                    &text,
                    json!({ "kind": "text", "from": who, "text": text }),
                )
            }
            Item::Log(frame) => self.log(&frame),
            Item::Control(kind, body) => self.control(kind, &body),
            Item::Damaged(damage) => {
                let text = format!("<damaged: {damage:?}>");
                self.print(
                    "monitor",
                    &text,
                    json!({ "kind": "damaged", "damage": format!("{damage:?}") }),
                )
            }
        }
    }

    fn who(&self, channel: Option<u8>) -> String {
        match channel {
            None => "hv".into(),
            Some(index) => self
                .names
                .get(usize::from(index))
                .cloned()
                .unwrap_or_else(|| format!("p{index}")),
        }
    }

    fn log(&mut self, frame: &[u8]) -> std::io::Result<()> {
        let decoder = self.decoder.as_mut().filter(|_| self.matched != Match::No);
        let Some(decoder) = decoder else {
            self.undecoded += 1;
            if self.undecoded == 1 {
                let hint = "log frames come in that no ELF explains; give the right one with --elf";
                return self.print(
                    "monitor",
                    hint,
                    json!({ "kind": "undecoded", "hint": hint }),
                );
            }
            return Ok(());
        };
        for line in decoder.decode(frame) {
            match line {
                Some(line) => self.log_line(&line)?,
                None => {
                    let text = format!(
                        "<a log frame of {} bytes that this ELF does not explain>",
                        frame.len()
                    );
                    self.print(
                        "monitor",
                        &text,
                        json!({ "kind": "undecoded", "bytes": frame.len() }),
                    )?;
                }
            }
        }
        Ok(())
    }

    fn log_line(&mut self, line: &LogLine) -> std::io::Result<()> {
        let time = line.time.as_deref().unwrap_or_default();
        let level = line.level.unwrap_or_default();
        let place = line
            .place
            .as_ref()
            .map(|(file, line)| format!("  ({file}:{line})"))
            .unwrap_or_default();
        let (on, off) = if self.coloured {
            (colour(level), "\u{1b}[0m")
        } else {
            ("", "")
        };
        let text = format!(
            "{time:>12} {on}{:5}{off} {}{place}",
            level.to_uppercase(),
            line.message
        );
        let value = json!({ "kind": "log", "time": line.time, "level": line.level, "message": line.message,
            "file": line.place.as_ref().map(|place| &place.0), "line": line.place.as_ref().map(|place| place.1) });
        self.print("log", &text, value)
    }

    fn control(&mut self, kind: u8, body: &[u8]) -> std::io::Result<()> {
        match ControlKind(kind) {
            ControlKind::HELLO => match Hello::read(body) {
                Some(hello) => self.hello(&hello),
                None => self.print(
                    "monitor",
                    "<a greeting of another version>",
                    json!({ "kind": "hello" }),
                ),
            },
            ControlKind::JSON => {
                let text = String::from_utf8_lossy(body).into_owned();
                let value = serde_json::from_str(&text).unwrap_or(Value::String(text.clone()));
                self.print("hv", &text, json!({ "kind": "json", "value": value }))
            }
            ControlKind::EPITAPH => {
                let Ok((head, piece)) = EpitaphPiece::read_from_prefix(body) else {
                    return Ok(());
                };
                let who = self.who(u8::try_from(head.partition).ok());
                let text = format!(
                    "<epitaph of {who}: {} bytes from {}>",
                    piece.len(),
                    head.offset
                );
                let bytes = hex(piece);
                self.print("hv", &text, json!({ "kind": "epitaph", "from": who, "offset": head.offset, "bytes": bytes }))
            }
            ControlKind(other) => {
                let text = format!("<control frame {other} of {} bytes>", body.len());
                self.print(
                    "monitor",
                    &text,
                    json!({ "kind": "control", "number": other, "bytes": hex(body) }),
                )
            }
        }
    }

    fn hello(&mut self, hello: &Hello) -> std::io::Result<()> {
        let theirs = hex(hello.build_id());
        let ours = self
            .image
            .and_then(|image| image.build_id.as_deref())
            .map(hex);
        let same = ours.as_deref() == Some(theirs.as_str());
        self.matched = if same { Match::Yes } else { Match::No };
        // A restart begins a new stream, perhaps in the middle of a frame.
        self.decoder = self.image.map(Image::decoder);
        let verdict = match &ours {
            Some(_) if same => "matches the ELF".to_string(),
            Some(ours) => format!(
                "does NOT match the ELF, build {ours}: log frames are not decoded; give --elf"
            ),
            None => "no ELF with a build id: log frames are not decoded; give --elf".to_string(),
        };
        let text = format!("boot, build {theirs}, TSC {} kHz; {verdict}", hello.tsc_khz);
        let value = json!({ "kind": "hello", "build": theirs, "elf": ours, "matches": same, "tsc_khz": hello.tsc_khz });
        self.print("monitor", &text, value)
    }

    fn print(&mut self, who: &str, text: &str, mut value: Value) -> std::io::Result<()> {
        if !self.json {
            writeln!(self.out, "{who:>8} | {text}")?;
            return self.out.flush();
        }
        if let Some(object) = value.as_object_mut() {
            object.insert("schema".into(), "bulkhead.monitor/1".into());
        }
        writeln!(self.out, "{value}")?;
        self.out.flush()
    }
}

fn colour(level: &str) -> &'static str {
    match level {
        "error" => "\u{1b}[1;31m",
        "warn" => "\u{1b}[1;33m",
        "info" => "\u{1b}[32m",
        _ => "\u{1b}[2m",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(json: bool, items: Vec<Item>) -> String {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, json, false, vec!["linux".into()], None);
        items
            .into_iter()
            .for_each(|item| report.item(item).expect("a vector takes all"));
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn partitions_have_their_names_and_others_a_number() {
        let text = |channel, text: &str| Item::Text(channel, text.into());
        let out = printed(
            false,
            vec![
                text(Some(0), "login"),
                text(Some(3), "x"),
                text(None, "boot"),
            ],
        );
        assert_eq!(out, "   linux | login\n      p3 | x\n      hv | boot\n");
    }

    #[test]
    fn frames_without_an_elf_are_named_once() {
        let out = printed(true, vec![Item::Log(vec![1]), Item::Log(vec![2])]);
        assert_eq!(out.lines().count(), 1);
        assert!(
            out.contains("--elf") && out.contains("bulkhead.monitor/1"),
            "{out}"
        );
    }

    #[test]
    fn a_foreign_build_is_told() {
        let hello = Hello::new(&[0xab, 0xcd], 1000);
        let body = zerocopy::IntoBytes::as_bytes(&hello).to_vec();
        let out = printed(false, vec![Item::Control(ControlKind::HELLO.0, body)]);
        assert!(
            out.contains("build abcd") && out.contains("not decoded"),
            "{out}"
        );
    }
}

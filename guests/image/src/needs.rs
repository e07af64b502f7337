//! The machine that a probe needs, from the `needs:` line of its header.
//!
//! ```text
//! //! needs: cpus=2 memory=16M
//! //! needs: cpus=1 memory=16M cmdline="rounds=5" restart=once input="abc"
//! ```
//!
//! Words are separated by blanks; a value with blanks stands in double quotes. An unknown key is an
//! error: a runner that ignored one would run the probe on the wrong machine.

use std::fmt;

/// What a probe asks of its machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// vCPUs, 1 to 8.
    pub cpus: u32,
    /// Bytes of guest memory.
    pub memory: u64,
    /// Command line, after the image name.
    pub cmdline: String,
    /// Bytes that the runner types on the guest's console once it has read the line `READY`.
    pub input: String,
    /// Names of module files beside the probe, as NAME in `modules/NAME`.
    pub modules: Vec<String>,
    /// How the run ends.
    pub ends: Ends,
    /// Further things that not every place has; a runner that does not know one skips the probe.
    pub with: Vec<String>,
}

/// How a probe's run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The guest powers itself off (the rule).
    PowerOff,
    /// The guest dies (triple fault): the partition is stopped with an epitaph.
    Crash,
    /// The guest resets itself in every life, until the plan's restart limit. Each life prints the same log.
    Restart,
    /// The guest goes on until it is stopped; for neighbours of other tests.
    Never,
}

/// A mistake in the line, with the word that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// No `needs:` line in the header.
    Missing,
    /// Unknown key, or a word without `=`.
    Unknown(String),
    /// A value that the key does not take.
    Value(String),
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the header has no `needs:` line"),
            Self::Unknown(word) => write!(f, "`{word}` is no machine need"),
            Self::Value(word) => write!(f, "`{word}` has a value that this need does not take"),
        }
    }
}

impl std::error::Error for Mistake {}

/// Reads the needs from a probe's source text.
///
/// # Errors
/// [`Mistake`], with the offending word.
pub fn of_source(source: &str) -> Result<Needs, Mistake> {
    let header = source.lines().take_while(|line| line.starts_with("//!"));
    let mut lines = header.filter_map(|line| line.strip_prefix("//! needs:"));
    let line = lines.next().ok_or(Mistake::Missing)?;
    let mut needs = Needs {
        cpus: 1,
        memory: 16 << 20,
        cmdline: String::new(),
        input: String::new(),
        modules: Vec::new(),
        ends: Ends::PowerOff,
        with: Vec::new(),
    };
    for word in words(line) {
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| Mistake::Unknown(word.clone()))?;
        let bad = || Mistake::Value(word.clone());
        match key {
            "cpus" => {
                needs.cpus = value
                    .parse()
                    .ok()
                    .filter(|n| (1..=8).contains(n))
                    .ok_or_else(bad)?
            }
            "memory" => needs.memory = bytes(value).ok_or_else(bad)?,
            "cmdline" => needs.cmdline = value.to_owned(),
            "input" => needs.input = value.to_owned(),
            "module" => needs.modules.push(value.to_owned()),
            "with" => needs.with.extend(value.split(',').map(str::to_owned)),
            "ends" => {
                needs.ends = match value {
                    "power-off" => Ends::PowerOff,
                    "crash" => Ends::Crash,
                    "restart" => Ends::Restart,
                    "never" => Ends::Never,
                    _ => return Err(bad()),
                }
            }
            _ => return Err(Mistake::Unknown(word.clone())),
        }
    }
    Ok(needs)
}

fn bytes(text: &str) -> Option<u64> {
    let mebibytes: u64 = text.strip_suffix('M')?.parse().ok()?;
    mebibytes.checked_mul(1 << 20).filter(|n| *n != 0)
}

/// Splits at blanks outside double quotes; the quotes are taken away.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("never empty").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{Ends, Mistake, of_source};

    #[test]
    fn every_key_is_read() {
        let source = "//! Title.\n//!\n//! needs: cpus=2 memory=24M cmdline=\"a=1 b\" input=xyz module=one \
                      module=two ends=restart with=errata\n#![no_std]\n";
        let needs = of_source(source).expect("well formed");
        assert_eq!((needs.cpus, needs.memory), (2, 24 << 20));
        assert_eq!(needs.cmdline, "a=1 b");
        assert_eq!(needs.input, "xyz");
        assert_eq!(needs.modules, ["one", "two"]);
        assert_eq!(needs.ends, Ends::Restart);
        assert_eq!(needs.with, ["errata"]);
    }

    #[test]
    fn an_unknown_or_malformed_need_is_an_error() {
        let parse = |line: &str| of_source(&format!("//! needs: {line}\n"));
        assert_eq!(parse("cpu=2"), Err(Mistake::Unknown("cpu=2".into())));
        assert_eq!(parse("fast"), Err(Mistake::Unknown("fast".into())));
        assert_eq!(parse("cpus=9"), Err(Mistake::Value("cpus=9".into())));
        assert_eq!(parse("memory=16"), Err(Mistake::Value("memory=16".into())));
    }

    #[test]
    fn a_needs_line_below_the_header_does_not_count() {
        assert_eq!(
            of_source("//! Title.\nfn main() {}\n//! needs: cpus=1\n"),
            Err(Mistake::Missing)
        );
    }
}

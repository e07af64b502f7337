//! The system's apt sources, read in both formats.
//!
//! Owns: finding a Debian mirror and the key that signs it, so that a private apt root
//! can ask the same mirror for another suite. Formats: one-line `sources.list` and
//! deb822 `*.sources` (sources.list(5)).

use std::path::Path;

/// A Debian mirror.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mirror {
    /// Its URI.
    pub uri: String,
    /// Keyring path, or a key itself, as `Signed-By` has it; `None` means apt's own keys.
    pub signed_by: Option<String>,
    /// The `trusted=yes` of a private mirror.
    pub trusted: bool,
    suites: Vec<String>,
}

impl Mirror {
    /// A deb822 stanza for one suite of this mirror.
    pub fn stanza(&self, suite: &str) -> String {
        let mut out = format!(
            "Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\n",
            self.uri
        );
        if let Some(key) = &self.signed_by {
            out.push_str(&format!("Signed-By: {key}\n"));
        }
        if self.trusted {
            out.push_str("Trusted: yes\n");
        }
        out
    }

    /// Better the main archive than updates, security or somebody else's packages.
    fn rank(&self) -> u32 {
        let plain = self.suites.iter().any(|suite| !suite.contains(['-', '/']));
        let debian = self.uri.trim_end_matches('/').ends_with("/debian");
        u32::from(debian) * 2 + u32::from(plain)
    }
}

/// The best Debian mirror that the files under `etc` (`/etc/apt`) name.
pub fn mirror(etc: &Path) -> Option<Mirror> {
    let mut found = Vec::new();
    if let Ok(text) = std::fs::read_to_string(etc.join("sources.list")) {
        found.extend(one_line(&text));
    }
    let parts = std::fs::read_dir(etc.join("sources.list.d"))
        .into_iter()
        .flatten()
        .flatten();
    let mut parts: Vec<_> = parts.map(|entry| entry.path()).collect();
    parts.sort();
    for path in parts {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => found.extend(one_line(&text)),
            Some("sources") => found.extend(deb822(&text)),
            _ => {}
        }
    }
    // The first of the best: `max_by_key` alone would take the last.
    found
        .into_iter()
        .rev()
        .filter(|mirror| mirror.rank() >= 2)
        .max_by_key(Mirror::rank)
}

/// Sources in the one-line format.
pub fn one_line(text: &str) -> Vec<Mirror> {
    text.lines()
        .filter_map(|line| one_source(line.split('#').next()?.trim()))
        .collect()
}

fn one_source(line: &str) -> Option<Mirror> {
    let rest = line.strip_prefix("deb")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    let option = |name: &str| {
        options
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
            .find(|(key, _)| *key == name)
    };
    Some(Mirror {
        uri: uri.into(),
        signed_by: option("signed-by").map(|(_, value)| value.into()),
        trusted: option("trusted").is_some_and(|(_, value)| value == "yes"),
        suites: vec![suite.into()],
    })
}

/// Sources in the deb822 format.
pub fn deb822(text: &str) -> Vec<Mirror> {
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines
        .split(|line| line.trim().is_empty())
        .filter_map(stanza)
        .collect()
}

fn stanza(lines: &[&str]) -> Option<Mirror> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            let (_, value) = fields.last_mut()?;
            value.push('\n');
            value.push_str(line);
        } else {
            let (key, value) = line.split_once(':')?;
            fields.push((key.trim().to_lowercase(), value.trim().into()));
        }
    }
    let get = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let words = |name: &str| {
        get(name)
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let off = matches!(get("enabled"), Some("no" | "false" | "0"));
    if off || !words("types").iter().any(|kind| kind == "deb") {
        return None;
    }
    Some(Mirror {
        uri: words("uris").first()?.clone(),
        signed_by: get("signed-by").map(str::to_owned),
        trusted: get("trusted") == Some("yes"),
        suites: words("suites"),
    })
}

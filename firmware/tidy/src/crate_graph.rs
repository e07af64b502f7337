//! Arrows between crates: away from hardware, as the manifests state them.
//!
//! Development dependencies are free, except that only tests of the decision
//! crate and of the kit may use the kit. Inside `hvcore` a module uses only those
//! above it in the list of the crate root.

use crate::code;
use crate::tree::{Finding, SourceFile};

/// A crate: its folder, and whom it may use among ours and of others. `None` for
/// others means any.
struct Arrows {
    folder: &'static str,
    ours: &'static [&'static str],
    others: Option<&'static [&'static str]>,
}

const OURS: [&str; 13] = [
    "abi",
    "board",
    "svm",
    "hvcore",
    "metal",
    "hypervisor",
    "testkit",
    "bulkhead",
    "rt",
    "bootblock",
    "guest_image",
    "probes",
    "tidy",
];

const GRAPH: &[Arrows] = &[
    Arrows {
        folder: "firmware/svm",
        ours: &[],
        others: Some(&["bitflags", "zerocopy"]),
    },
    Arrows {
        folder: "firmware/abi",
        ours: &[],
        others: Some(&["bitflags", "zerocopy", "crc"]),
    },
    Arrows {
        folder: "board",
        ours: &[],
        others: Some(&["bitflags"]),
    },
    Arrows {
        folder: "firmware/hvcore",
        ours: &["svm", "abi", "board"],
        others: Some(&[
            "bitflags", "defmt", "heapless", "zerocopy", "loom", "shuttle", "spin",
        ]),
    },
    Arrows {
        folder: "firmware/metal",
        ours: &["hvcore", "svm", "abi", "board"],
        others: Some(&["x86_64", "uart_16550", "spin", "defmt", "heapless"]),
    },
    Arrows {
        folder: "firmware/hypervisor",
        ours: &["metal", "hvcore", "svm", "abi", "board"],
        others: Some(&["defmt", "heapless"]),
    },
    Arrows {
        folder: "firmware/testkit",
        ours: &["hvcore", "svm", "abi", "board"],
        others: None,
    },
    Arrows {
        folder: "firmware/fuzz",
        ours: &["hvcore", "testkit", "svm", "abi", "board"],
        others: None,
    },
    Arrows {
        folder: "firmware/tidy",
        ours: &[],
        others: Some(&[]),
    },
    Arrows {
        folder: "flash/bootblock",
        ours: &["abi"],
        others: Some(&["heapless", "lz4_flex", "x86_64"]),
    },
    Arrows {
        folder: "flash/tool",
        ours: &["abi", "board", "guest_image"],
        others: None,
    },
    Arrows {
        folder: "guests/rt",
        ours: &["abi", "svm"],
        others: Some(&["x86_64", "uart_16550", "spin"]),
    },
    Arrows {
        folder: "guests/image",
        ours: &["abi"],
        others: Some(&["object", "zerocopy"]),
    },
    Arrows {
        folder: "guests/probes",
        ours: &["abi", "svm", "rt"],
        others: Some(&["x86_64", "heapless"]),
    },
    Arrows {
        folder: "guests/rtos",
        ours: &["abi", "rt"],
        others: None,
    },
    Arrows {
        folder: "hil-tests",
        ours: &["guest_image", "abi", "board", "bulkhead"],
        others: None,
    },
];

/// What the touch crate may name of the decision crate: ports and plain words.
const METAL_MAY_NAME: [&str; 7] = ["error", "ids", "port", "sync", "npt", "decode", "clock"];

/// Arrows of a manifest that the graph does not have.
pub fn check_manifest(file: &SourceFile) -> Vec<Finding> {
    let Some(folder) = file.path.strip_suffix("/Cargo.toml") else {
        return Vec::new();
    };
    let Some(arrows) = GRAPH.iter().find(|arrows| arrows.folder == folder) else {
        return vec![file.finding(1, "a crate that the graph does not know")];
    };
    let mut found = Vec::new();
    let mut section = String::new();
    for (at, line) in file.text.lines().enumerate() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_string();
            continue;
        }
        let runtime = section.ends_with("dependencies") && !section.ends_with("dev-dependencies");
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        let is_dependency =
            runtime && !name.is_empty() && !line.starts_with('#') && line.contains('=');
        if is_dependency && !arrows.allow(name) {
            found.push(file.finding(at + 1, format!("no arrow to `{name}`")));
        }
    }
    found
}

impl Arrows {
    fn allow(&self, name: &str) -> bool {
        if OURS.contains(&name) {
            return self.ours.contains(&name);
        }
        self.others.is_none_or(|others| others.contains(&name))
    }
}

/// Decisions that the touch crate names: it may implement ports, not decide.
pub fn check_touch(file: &SourceFile) -> Vec<Finding> {
    if !file.path.starts_with("firmware/metal/src/") || !file.is_rust() {
        return Vec::new();
    }
    let blank = code::blanked(&file.text);
    let mut found = Vec::new();
    for (at, line) in blank.lines().enumerate() {
        for named in modules_after(line, "hvcore::") {
            if !METAL_MAY_NAME.contains(&named.as_str()) {
                found.push(file.finding(at + 1, format!("the touch crate names `{named}`")));
            }
        }
    }
    found
}

/// The layers of `hvcore`, from its crate root: top of the list first.
pub fn layers(root: &str) -> Vec<String> {
    let modules = root
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "));
    modules
        .map(|name| name.trim_end_matches(';').to_string())
        .collect()
}

/// Uses in `hvcore` of a module below the user's own.
pub fn check_layers(file: &SourceFile, layers: &[String]) -> Vec<Finding> {
    let Some(inside) = file.path.strip_prefix("firmware/hvcore/src/") else {
        return Vec::new();
    };
    let own = inside.split(['/', '.']).next().unwrap_or_default();
    let Some(level) = layers.iter().position(|layer| layer == own) else {
        return Vec::new();
    };
    let blank = code::blanked(&file.text);
    let marks = code::test_lines(&blank);
    let mut found = Vec::new();
    for (at, line) in blank.lines().enumerate().filter(|(at, _)| !marks[*at]) {
        for named in modules_after(line, "crate::") {
            let below = layers.iter().position(|layer| *layer == named);
            if below.is_some_and(|below| below > level) {
                found.push(
                    file.finding(at + 1, format!("`{own}` uses `{named}`, which is below it")),
                );
            }
        }
    }
    found
}

fn modules_after(line: &str, prefix: &str) -> Vec<String> {
    let places = line.match_indices(prefix).filter(|(at, _)| {
        !at.checked_sub(1).is_some_and(|before| {
            let byte = line.as_bytes()[before];
            code::is_word(byte) || byte == b'$'
        })
    });
    let names = places.map(|(at, _)| {
        let rest = line[at + prefix.len()..].bytes();
        rest.take_while(|&b| code::is_word(b))
            .map(char::from)
            .collect::<String>()
    });
    names.filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(folder: &str, text: &str) -> usize {
        check_manifest(&SourceFile::sample(&format!("{folder}/Cargo.toml"), text)).len()
    }

    #[test]
    fn an_arrow_towards_hardware_is_caught() {
        assert_eq!(
            manifest(
                "firmware/hvcore",
                "[dependencies]\nmetal.workspace = true\n"
            ),
            1
        );
        assert_eq!(
            manifest("firmware/svm", "[dependencies]\nabi = { path = \"..\" }\n"),
            1
        );
        assert_eq!(
            manifest(
                "firmware/abi",
                "[target.\"cfg(x)\".dependencies]\nlibc = \"1\"\n"
            ),
            1
        );
        assert_eq!(
            manifest("firmware/hvcore", "[dependencies]\nsvm.workspace = true\n"),
            0
        );
        assert_eq!(
            manifest(
                "firmware/hvcore",
                "[dev-dependencies]\ntestkit.workspace = true\n"
            ),
            0
        );
        assert_eq!(manifest("firmware/newcomer", ""), 1);
    }

    #[test]
    fn a_decision_named_by_the_touch_crate_is_caught() {
        let file = |text| SourceFile::sample("firmware/metal/src/a.rs", text);
        assert_eq!(check_touch(&file("use hvcore::policy::msr;")).len(), 1);
        assert_eq!(
            check_touch(&file("use hvcore::ids::Hpa; // hvcore::policy")).len(),
            0
        );
    }

    #[test]
    fn a_use_of_a_lower_module_is_caught() {
        let layers = layers("pub mod ids;\n\npub mod kick;\npub mod exit;\n");
        let uses = |text| {
            let file = SourceFile::sample("firmware/hvcore/src/kick/mode.rs", text);
            check_layers(&file, &layers).len()
        };
        assert_eq!(uses("use crate::exit::Exit;"), 1);
        assert_eq!(uses("use crate::ids::Gpa;\nuse crate::kick::Mode;"), 0);
    }
}

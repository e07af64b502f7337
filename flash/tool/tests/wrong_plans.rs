//! Every mistake of a plan is explained, all in one run, in these very words.
//!
//! Owns: the golden texts in `wrong_plans/`: each `NAME.toml` is checked by the
//! command and its standard error compared with `NAME.txt`. After a wanted change:
//! `BLESS=1 cargo test -p bulkhead --test wrong_plans`, then read the difference.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_plans")
}

fn check(plan: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bulkhead"))
        .current_dir(folder())
        .args(["check", plan])
        .args(more)
        // No kernel of a developer's cache may change what is found.
        .env("BULKHEAD_CACHE", "/nonexistent")
        .env("CARGO_TARGET_DIR", "/nonexistent")
        .output()
        .expect("the command starts")
}

fn plans() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("the folder").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut plans: Vec<_> = names.filter(|name| name.ends_with(".toml")).collect();
    plans.sort();
    plans
}

#[test]
fn every_wrong_plan_is_refused_in_the_agreed_words() {
    let mut wrong = Vec::new();
    for plan in plans() {
        let output = check(&plan, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let golden = folder().join(&plan).with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &said).expect("writing the golden text");
        }
        if output.status.code() != Some(2)
            || said != std::fs::read_to_string(&golden).unwrap_or_default()
        {
            wrong.push(format!(
                "--- {plan}: exit {:?}\n{said}",
                output.status.code()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_is_shown_by_some_plan() {
    let texts: String = plans()
        .iter()
        .map(|plan| {
            std::fs::read_to_string(folder().join(plan).with_extension("txt")).expect("golden text")
        })
        .collect();
    for code in bulkhead::plan::diagnostic::Code::ALL {
        let code = code.to_string();
        assert!(texts.contains(&code), "no wrong plan shows {code}");
    }
}

#[test]
fn json_carries_the_same_mistakes_as_the_text() {
    for plan in plans() {
        let output = check(&plan, &["--json"]);
        assert_eq!(output.status.code(), Some(2), "{plan}");
        let json: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("one JSON object");
        let codes: Vec<_> = json["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .map(|e| e["code"].as_str())
            .collect();
        let text = std::fs::read_to_string(folder().join(&plan).with_extension("txt"))
            .expect("golden text");
        assert_eq!(text.matches("error[BH").count(), codes.len(), "{plan}");
        assert!(
            codes
                .iter()
                .all(|code| code.is_some_and(|code| text.contains(code))),
            "{plan}"
        );
    }
}

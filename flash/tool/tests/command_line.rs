//! The command line itself: help with examples, exit codes of wrong use.

use std::process::{Command, Output};

fn bulkhead(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bulkhead"))
        .args(arguments)
        .output()
        .expect("starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_help_has_examples_and_exit_codes() {
    let top = stdout(&bulkhead(&["--help"]));
    let commands = top
        .split("Commands:")
        .nth(1)
        .and_then(|rest| rest.split("Options:").next())
        .expect("a list");
    let names: Vec<_> = commands
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(
        names.contains(&"check") && names.contains(&"run"),
        "{names:?}"
    );
    for name in names {
        for flag in ["--help", "-h"] {
            let help = bulkhead(&[name, flag]);
            assert_eq!(help.status.code(), Some(0), "{name}");
            let text = stdout(&help);
            assert!(
                text.contains("Examples:\n  cargo bulkhead")
                    || text.contains("Examples:\n  BULKHEAD"),
                "{name}: {text}"
            );
            assert!(text.contains("124  the time given"), "{name}");
        }
    }
}

#[test]
fn wrong_use_ends_with_2_and_missing_files_are_named() {
    for arguments in [
        &["nonsense"][..],
        &["run"],
        &["run", "--rom", "a.rom", "--plan", "a.toml"],
        &["run", "--rom", "/nonexistent.rom"],
        &["check", "/nonexistent.toml"],
        &["run", "--demo", "--memory", "512"],
    ] {
        let output = bulkhead(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn output_into_a_pipe_has_no_colour() {
    let output = bulkhead(&["check", "/nonexistent.toml"]);
    assert!(!output.stderr.contains(&0x1b));
    assert!(!stdout(&bulkhead(&["--help"])).contains('\u{1b}'));
}

#[test]
fn an_elf_that_a_board_would_refuse_is_explained() {
    let output = bulkhead(&["check-payload", "/proc/self/exe"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("not ET_EXEC") && said.contains("not inside [16 MiB, 32 MiB)"),
        "{said}"
    );
}

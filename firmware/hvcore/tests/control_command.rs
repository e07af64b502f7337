//! Lines of the control shell: what they mean, and what is said instead.

use hvcore::housekeeping::command::{Command, Form, candidates, parse};
use hvcore::housekeeping::command_table::COMMANDS;
use hvcore::housekeeping::partition_id::PartitionId;
use hvcore::housekeeping::report::help;
use proptest::prelude::*;

const NAMES: &[&str] = &["linux", "rt", "rt-2"];

fn meant(line: &str) -> Command {
    parse(line, NAMES).unwrap().unwrap()
}

fn said(line: &str) -> String {
    parse(line, NAMES).unwrap_err().to_string()
}

#[test]
fn each_command_is_understood() {
    assert_eq!(meant("ps"), Command::Ps(Form::Table));
    assert_eq!(meant("  ps   json "), Command::Ps(Form::Json));
    assert_eq!(meant("ps --json"), Command::Ps(Form::Json));
    assert_eq!(meant("stats"), Command::Stats(None, Form::Table));
    assert_eq!(
        meant("stats rt"),
        Command::Stats(Some(PartitionId(1)), Form::Table)
    );
    assert_eq!(
        meant("stats rt-2 json"),
        Command::Stats(Some(PartitionId(2)), Form::Json)
    );
    assert_eq!(meant("stats json"), Command::Stats(None, Form::Json));
    assert_eq!(meant("console linux"), Command::Console(PartitionId(0)));
    assert_eq!(meant("start rt"), Command::Start(PartitionId(1)));
    assert_eq!(meant("stop rt"), Command::Stop(PartitionId(1)));
    assert_eq!(meant("restart rt"), Command::Restart(PartitionId(1)));
    assert_eq!(meant("epitaph rt"), Command::Epitaph(PartitionId(1)));
    assert_eq!(
        (meant("log"), meant("reboot")),
        (Command::Log, Command::Reboot)
    );
    assert_eq!(meant("mem json"), Command::Mem(Form::Json));
    assert_eq!(meant("cpus"), Command::Cpus(Form::Table));
    assert_eq!(meant("features"), Command::Features(Form::Table));
    assert!(matches!(meant("help stop"), Command::Help(Some(entry)) if entry.name == "stop"));
    assert_eq!(parse("   ", NAMES), Ok(None));
}

#[test]
fn a_mistake_is_answered_with_what_to_write() {
    assert_eq!(
        said("sotp rt"),
        "there is no command sotp: did you mean stop?"
    );
    assert_eq!(
        said("cons rt"),
        "there is no command cons: did you mean console?"
    );
    assert_eq!(said("xyzzy"), "there is no command xyzzy: help lists them");
    assert_eq!(
        said("help sats"),
        "there is no command sats: did you mean stats?"
    );
    assert_eq!(
        said("stop"),
        "which partition? write stop NAME with one of: linux, rt, rt-2"
    );
    assert_eq!(
        said("stop windows"),
        "there is no partition windows, only: linux, rt, rt-2"
    );
    assert_eq!(
        said("stop rt now"),
        "now is one word too many: write stop NAME"
    );
    assert_eq!(said("ps rt"), "rt is one word too many: write ps [json]");
    assert_eq!(
        said("stats json rt"),
        "rt is one word too many: write stats [NAME] [json]"
    );
    let none = parse("stop linux", &[]).unwrap_err().to_string();
    assert_eq!(
        none,
        "there is no partition linux, only: (the plan has none)"
    );
}

#[test]
fn completion_offers_what_can_stand_next() {
    let offered = |line: &str| candidates(line, NAMES).collect::<Vec<_>>();
    assert_eq!(offered("").len(), COMMANDS.len());
    assert_eq!(offered("st").len(), COMMANDS.len());
    assert_eq!(offered("stop "), NAMES);
    assert_eq!(offered("stop l"), NAMES);
    assert_eq!(offered("stats "), ["linux", "rt", "rt-2", "json"]);
    assert_eq!(offered("mem "), ["json"]);
    assert_eq!(offered("help ").len(), COMMANDS.len());
    assert!(offered("reboot ").is_empty() && offered("nothing ").is_empty());
}

#[test]
fn help_names_every_command_and_explains_one() {
    let mut all = String::new();
    help(None, &mut all).unwrap();
    assert!(
        COMMANDS
            .iter()
            .all(|entry| all.contains(entry.usage) && all.contains(entry.help))
    );
    let Command::Help(topic) = meant("help console") else {
        panic!("not help")
    };
    let mut one = String::new();
    help(topic, &mut one).unwrap();
    assert_eq!(
        one,
        "console NAME\r\n  attach to a partition; Ctrl-] comes back\r\n"
    );
}

proptest! {
    #[test]
    fn arbitrary_lines_never_panic_and_always_get_an_answer(line in ".{0,60}") {
        if let Err(fault) = parse(&line, NAMES) {
            prop_assert!(!fault.to_string().is_empty());
        }
        let _ = candidates(&line, NAMES).count();
    }

    #[test]
    fn words_of_the_shell_in_any_order_never_panic(words in prop::collection::vec(
        prop::sample::select(vec!["ps", "stats", "json", "linux", "rt", "help", "stop", "--json", "x"]), 0..6)) {
        let line = words.join(" ");
        if let Ok(Some(Command::Stop(PartitionId(place)))) = parse(&line, NAMES) {
            prop_assert_eq!(words, ["stop", NAMES[usize::from(place)]]);
        }
    }
}

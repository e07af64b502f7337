//! The house rules, applied to the whole tree.

use tidy::requirements::{LIST, WAITING};
use tidy::tree::{self, Finding, SourceFile};
use tidy::{
    crate_graph, header, leftovers, links, names, pair_tags, pure_share, requirements, size,
    unsafe_places,
};

fn none(found: impl IntoIterator<Item = Finding>) {
    let lines: Vec<String> = found
        .into_iter()
        .map(|finding| finding.to_string())
        .collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

fn each<F: IntoIterator<Item = Finding>>(rule: impl Fn(&SourceFile) -> F) {
    none(tree::files().iter().flat_map(rule));
}

#[test]
fn the_tree_is_really_read() {
    let files = tree::files();
    assert!(
        files
            .iter()
            .any(|file| file.path == "firmware/tidy/src/tree.rs")
    );
    assert!(files.len() > 50);
}

#[test]
fn every_rust_file_opens_with_a_header() {
    each(header::check);
}

#[test]
fn no_name_says_nothing() {
    each(names::check_path);
}

#[test]
fn names_of_tests_are_claims() {
    each(names::check_tests);
}

#[test]
fn no_file_is_longer_than_the_stop() {
    for file in tree::files()
        .iter()
        .filter(|file| file.is_rust() && !file.is_test())
    {
        let lines = size::lines(file);
        if lines > size::FILE_AIM {
            println!("{}: {lines} lines, aim at {}", file.path, size::FILE_AIM);
        }
    }
    each(size::check_file);
}

#[test]
fn no_function_is_longer_than_the_stop_without_a_reason() {
    each(size::check_functions);
}

#[test]
fn unsafe_code_stays_in_its_places() {
    each(unsafe_places::check);
}

#[test]
fn arrows_between_crates_point_away_from_hardware() {
    each(crate_graph::check_manifest);
    each(crate_graph::check_touch);
}

#[test]
fn decision_modules_use_only_those_above_them() {
    let files = tree::files();
    let root = files
        .iter()
        .find(|file| file.path == "firmware/hvcore/src/lib.rs")
        .expect("the crate root");
    let layers = crate_graph::layers(&root.text);
    assert!(layers.len() > 10, "the list of the crate root is read");
    none(
        files
            .iter()
            .flat_map(|file| crate_graph::check_layers(file, &layers)),
    );
}

/// R000-18
#[test]
fn every_memory_ordering_names_its_pair() {
    each(pair_tags::check);
}

#[test]
fn nothing_is_left_undone() {
    each(leftovers::check_undone);
}

#[test]
fn no_path_of_one_machine_is_written_down() {
    each(leftovers::check_paths);
}

#[test]
fn links_of_documents_lead_somewhere() {
    let root = tree::root();
    each(|file| links::check(file, |path| root.join(path).exists()));
}

#[test]
fn two_thirds_of_the_image_cannot_hold_unsafe_code() {
    let share = pure_share::measure(&tree::files());
    println!("pure: {} of {} lines", share.pure, share.all);
    assert!(
        share.holds(),
        "{} of {} lines are pure",
        share.pure,
        share.all
    );
}

#[test]
fn every_requirement_is_shown_or_says_why_not() {
    let files = tree::files();
    let list = files
        .iter()
        .find(|file| file.path == LIST)
        .expect("the list of requirements");
    let (rows, malformed) = requirements::parse(list);
    assert!(rows.len() > 100, "the list is read");
    for (id, row) in rows.iter().filter(|(_, row)| {
        row.reason
            .as_ref()
            .is_some_and(|why| why.starts_with(WAITING))
    }) {
        println!("{id}: {}", row.reason.as_deref().unwrap_or_default());
    }
    none(malformed);
    none(requirements::check(list, &files));
}
